import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import type { Azurite } from '../support/azurite.ts';
import { azuriteAt, startAzurite } from '../support/azurite.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  ...['--readers', '--log-level', 'info'],
];
const [extents, rows] = [6, 20_000];

/** The same account under another address, where one answer with bytes of a blob can be kept back. */
async function startGate(azurite: Azurite) {
  const { port: target } = new URL(azurite.endpoint);
  let [isArmed, release, tell] = [false, (): void => undefined, (): void => undefined];
  const server = createServer((asked, response) => {
    const { method, url, headers } = asked;
    const onward = request({ host: '127.0.0.1', port: target, method, path: url, headers });
    onward.on('error', () => response.destroy());
    const pass = (): void => {
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      asked.pipe(onward);
    };
    const isHeld = isArmed && method === 'GET' && isOfExtent(url);
    if (!isHeld) {
      pass();
      return;
    }
    isArmed = false;
    release = pass;
    tell();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    azurite: { ...azuriteAt(`http://127.0.0.1:${port}`, () => Promise.resolve()), stop: () => Promise.resolve() },
    /** Resolves when bytes of an extent are asked for, which nobody gets before `release`. */
    arm: (): Promise<void> => {
      isArmed = true;
      return new Promise((resolve) => (tell = resolve));
    },
    release: () => release(),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const isOfExtent = (url = ''): boolean => url.includes('/clusters/') && !url.includes('comp=list');

describe.skipIf(!hasPostgres)('extents that are merged away while a paused node reads them', () => {
  let server: Postgres;
  let azurite: Azurite;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server.stop(), azurite.stop()]));

  it('are gone from the container, and its query has each row once, or is refused by name', async () => {
    const gate = await startGate(azurite);
    await using nodes = await openNodes(server, gate.azurite, 'retired');
    try {
      const east = nodes.start('east', '--seed', ...options);
      await east.printed('Stop with');
      const west = nodes.start('west', '--standby', ...options);
      await west.printed('are passed on');
      const writer = await openLiveCluster(nodes.dataOf('east'));
      const said: unknown = JSON.parse(readFileSync(join(nodes.dataOf('west'), 'standby.json'), 'utf8'));
      const port = isJsonObject(said) ? Number(said['port']) : 0;
      const reader = await openLiveCluster(nodes.dataOf('east'), writer.seeded, port);
      const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
        new URL(nodes.blobs[1] ?? '').pathname.split('/').at(-1) ?? '',
      );
      const blobs = async (): Promise<ReadonlySet<string>> => {
        const names = new Set<string>();
        for await (const { name } of container.listBlobsFlat()) if (isOfExtent(name)) names.add(name);
        return names;
      };
      expect(await reader.query('print 1')).toEqual([[1]]);
      const all = [[extents * rows, (extents * rows * (rows + 1)) / 2]];
      const outcomes: string[] = [];
      // A process that was paused for longer than it was lent the right to read answers nothing: on a busy machine it may have been.
      for (let round = 1; !outcomes.includes('answered'); round += 1) {
        const table = `T${round}`;
        await writer.command(`.create table ${table} (N: long)`);
        const other = await blobs();
        for (let extent = 0; extent < extents; extent += 1)
          await writer.command(`.append ${table} <| range N from 1 to ${rows} step 1`);
        const retired = [...(await blobs())].filter((name) => !other.has(name));
        expect(retired.length).toBeGreaterThanOrEqual(extents);
        const reading = gate.arm();
        const answer = reader.query(`${table} | summarize count(), sum(N)`).then(
          (found) => {
            expect(found).toEqual(all);
            return 'answered';
          },
          (error: unknown) => (/\b503\b/.test(String(error)) ? 'refused' : String(error)),
        );
        await reading;
        nodes.signal(west, 'SIGSTOP');
        expect(await writer.merge(table)).toBe(extents);
        await until(async () => {
          const there = await blobs();
          return retired.every((name) => !there.has(name));
        });
        nodes.signal(west, 'SIGCONT');
        gate.release();
        outcomes.push(await answer);
        expect(['answered', 'refused']).toContain(outcomes.at(-1));
        await until(async () => (await reader.queryStatus('print 1').catch(() => 0)) === 200);
        expect(await reader.query(`${table} | summarize count(), sum(N)`)).toEqual(all);
      }
      const log = readFileSync(join(nodes.dataOf('west'), 'kustody.log'), 'utf8');
      expect(log).toContain('reader-process-started');
    } finally {
      gate.close();
    }
  });
});
