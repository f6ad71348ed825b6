import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { countInMemory } from '../support/process-memory.ts';
import { descendantsOf } from '../support/process-tree.ts';

const canary = `planted-${'q7Zr'.repeat(6)}-row`;
const forms = {
  plain: Buffer.from(canary),
  utf16: Buffer.from(canary, 'utf16le'),
  base64: Buffer.from(Buffer.from(canary.slice(0, 24)).toString('base64')),
};
const onLinux = existsSync('/proc/self/mem');

describe.skipIf(!onLinux)('after a suspension', () => {
  it('no process has a copy of the rows, of a view of them, or of a staged blob', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const server = startKustody(['up', '--data', data, '--virtual-time', '--log-level', 'silent']);
    try {
      await server.printed('Stop with');
      const serverPid = server.process.pid ?? 0;
      const cluster = await openLiveCluster(data);
      await cluster.command('.create table T (Note: string)');
      await cluster.command('.alter table T policy streamingingestion enable');
      await cluster.command('.create materialized-view V on table T { T | summarize Count = count() by Note }');
      expect(await cluster.ingest('T', Array.from({ length: 200 }, (_, n) => `${canary}-${n}`).join('\n'))).toBe(200);
      expect(await cluster.query('T | count')).toEqual([[200]]);
      expect(await cluster.query('T | where Note endswith "-199"')).toEqual([[`${canary}-199`]]);
      expect(await cluster.query('V | where Note endswith "-199"')).toEqual([[`${canary}-199`, 1]]);
      expect(await cluster.stage('logs__T__staged.csv', `${canary}-staged\n`)).toBe(201);

      const before = descendantsOf(serverPid);
      const holding = before.filter((pid) => (countInMemory(pid, { plain: Buffer.from(canary) })['plain'] ?? 0) > 0);
      expect(holding.length).toBeGreaterThan(0); // the search finds what is there

      expect(await cluster.setKeyEnabled(false)).toMatchObject([{ suspended: true }]);
      expect(await cluster.queryStatus('T | count')).toBe(503);
      const remaining = [serverPid, ...descendantsOf(serverPid)];
      for (const pid of holding) expect(remaining).not.toContain(pid);
      for (const pid of remaining) {
        expect({ pid, ...countInMemory(pid, forms) }).toEqual({ pid, plain: 0, utf16: 0, base64: 0 });
      }

      expect(await cluster.setKeyEnabled(true)).toMatchObject([{ suspended: false }]);
      expect(await cluster.query('T | count')).toEqual([[200]]);
    } finally {
      server.process.kill('SIGTERM');
      await server.result;
    }
  });
});
