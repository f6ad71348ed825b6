import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import type { LiveCluster } from '../support/live-cluster.ts';

/** Starting a server with a cluster takes seconds, so it is killed a twentieth as often as a bare store. */
const runs = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 40) / 20));

describe('a cluster whose server is killed', () => {
  it(
    `has every acknowledged row once, and no request in part (${runs} kills)`,
    { timeout: 240_000 + runs * 60_000 },
    async () => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'data');
      const acknowledged = new Set<string>();
      for (let run = 0; run < runs; run += 1) {
        const { server, cluster } = await serve(data);
        await verify(cluster, acknowledged);
        await ingestUntilKilled(server, cluster, run, acknowledged);
      }
      const { server, cluster } = await serve(data);
      await verify(cluster, acknowledged);
      expect(acknowledged.size).toBeGreaterThan(0);
      server.process.kill('SIGTERM');
      expect(await server.result).toMatchObject({ code: 0 });
    },
  );
});

async function serve(data: string): Promise<{ server: StartedCommand; cluster: LiveCluster }> {
  const server = startKustody(['up', '--data', data, '--log-level', 'silent']);
  await server.printed('Stop with');
  const cluster = await openLiveCluster(data);
  await cluster.command('.create-merge table T (Request: string, Row: long)');
  await cluster.command('.alter table T policy streamingingestion enable');
  return { server, cluster };
}

const rowsPerRequest = 7;

/** Requests of seven rows each, four at a time, with a new key version followed in between; the kill comes in the middle. */
async function ingestUntilKilled(
  server: StartedCommand,
  cluster: LiveCluster,
  run: number,
  acknowledged: Set<string>,
): Promise<void> {
  const killAfter = randomInt(3, 40);
  const rotateAt = randomInt(1, killAfter);
  const ends: string[] = [];
  let count = 0;
  const lane = async (number: number): Promise<void> => {
    for (let index = 0; ; index += 1) {
      const request = `r${run}-${number}-${index}`;
      const body = Array.from({ length: rowsPerRequest }, (_, row) => `${request},${row}`).join('\n');
      try {
        if ((await cluster.ingest('T', body)) !== rowsPerRequest) continue;
      } catch (error) {
        ends.push(String(error));
        return; // the server is gone: this request was not acknowledged
      }
      acknowledged.add(request);
      count += 1;
      if (count === killAfter) server.process.kill('SIGKILL');
    }
  };
  const rotate = async (): Promise<void> => {
    while (count < rotateAt && server.process.exitCode === null && server.process.signalCode === null)
      await cluster.query('print 1');
    await cluster.newKeyVersion();
    await cluster.checkKeys();
  };
  const rotating = rotate().catch(() => undefined);
  await Promise.all([0, 1, 2, 3].map(lane));
  // Lanes that ended before it would wait here for a kill that nobody sends.
  expect(server.process.killed, `ended before the kill: ${ends.join('; ')}`).toBe(true);
  await rotating;
  expect(await server.result).toMatchObject({ signal: 'SIGKILL' });
}

async function verify(cluster: LiveCluster, acknowledged: ReadonlySet<string>): Promise<void> {
  const rows = await cluster.query('T | summarize Rows = count(), Sum = sum(Row) by Request');
  const whole = (rowsPerRequest * (rowsPerRequest - 1)) / 2;
  for (const [request, count, sum] of rows) expect([request, count, sum]).toEqual([request, rowsPerRequest, whole]);
  const found = new Set(rows.map(([request]) => request));
  expect([...acknowledged].filter((request) => !found.has(request))).toEqual([]);
}
