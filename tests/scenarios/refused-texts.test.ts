import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { commandOf, descendantsOf, residentBytes } from '../support/process-tree.ts';

const count = Number(process.env['KUSTODY_REFUSED_TEXTS'] ?? 40);
/** As long as the body of a request may be, but for what stands around the text. */
const textUnits = 16 * 1024 * 1024 - 1_000;
/** What a few bodies take while they are read, and garbage that nobody has collected yet: half of what so many texts would take. */
const growthBytesMax = 300 * 1024 * 1024;

const filled = (before: string, after: string): string =>
  before + 'y'.repeat(textUnits - before.length - after.length) + after;

/** By what is wrong with them. */
const texts: readonly ((number: number) => string)[] = [
  (number) => filled(`print ${number} // `, ''),
  (number) => filled(`NoSuchTable${number} | where '`, "' == ''"),
  (number) => filled(`print '${number}`, ''),
  (number) => filled(`.show table T${number} `, ''),
];

describe.skipIf(!existsSync('/proc/self/smaps_rollup'))('refused texts', () => {
  it(
    `of 16 MiB leave nothing in the memory of the cluster's process (${count} of them)`,
    { timeout: 240_000 + count * 10_000 },
    async () => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'data');
      const server = startKustody(['up', '--data', data, '--virtual-time', '--log-level', 'silent']);
      try {
        await server.printed('Stop with');
        const cluster = await openLiveCluster(data);
        await cluster.query('print 1');
        const [pid] = descendantsOf(server.process.pid ?? 0).filter((one) =>
          commandOf(one).includes('cluster-process'),
        );
        if (pid === undefined) throw new Error('there is no process of a cluster');
        const before = residentBytes(pid);
        let most = before;
        const statuses = new Set<number>();
        for (let number = 0; number < count; number += 1) {
          const text = texts[number % texts.length]?.(number) ?? '';
          const sent = text.startsWith('.') ? cluster.commandStatus(text) : cluster.queryStatus(text);
          statuses.add(await sent);
          most = Math.max(most, residentBytes(pid));
        }
        expect([...statuses]).toEqual([400]);
        const after = residentBytes(pid);
        expect(await cluster.query('print 1')).toEqual([[1]]);
        const [first, last, peak] = [before, after, most].map((bytes) => `${(bytes / 1024 ** 2).toFixed(0)} MiB`);
        console.log(`${count} refused texts of 16 MiB: ${first} → ${last} in the cluster's process, at most ${peak}`);
        expect(after - before).toBeLessThan(growthBytesMax);
      } finally {
        server.process.kill('SIGTERM');
        await server.result;
      }
    },
  );
});
