import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { RecordSeal } from '../../src/state/record-seal.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { stateIdOf } from '../../src/state/sealed/check-record.ts';
import { placeOfCopy } from '../../src/state/tree/tree-records.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, openPostgres, startPostgres } from '../support/postgres.ts';
import { answers, countOf } from '../support/reading-nodes.ts';
import { until } from '../support/until.ts';

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  ...['--readers', '--log-level', 'info'],
];
const newKey = 'cd'.repeat(32);

describe.skipIf(!hasPostgres)('a rotation of the root key of a state that nodes share', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  it('begins when all have both keys, is read by all meanwhile, and leaves them to go on with the new one alone', async () => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    await using nodes = await openNodes(server, azurite, 'root_key_nodes');
    const oldKey = nodes.secrets.KUSTODY_ROOT_KEY;
    const both = { KUSTODY_ROOT_KEY: newKey, KUSTODY_OLD_ROOT_KEY: oldKey };
    const [newer, standby] = [{ KUSTODY_ROOT_KEY: newKey }, ['--standby', ...options]];
    const rotate = (name: string) => kustody(['root-key', 'rotate', '--data', nodes.dataOf(name), '--json']);
    const stop = async (node: StartedCommand): Promise<void> => {
      node.process.kill('SIGTERM');
      expect(await node.result).toMatchObject({ code: 0 });
    };
    const logOf = (name: string): string => readFileSync(join(nodes.dataOf(name), 'kustody.log'), 'utf8');
    /** By way of a node that stands by. */
    const at = (name: string, serving: string, known: LiveCluster): Promise<LiveCluster> => {
      const said: unknown = JSON.parse(readFileSync(join(nodes.dataOf(name), 'standby.json'), 'utf8'));
      return openLiveCluster(nodes.dataOf(serving), known.seeded, isJsonObject(said) ? Number(said['port']) : 0);
    };

    const first = nodes.start('east', '--seed', ...options);
    await first.printed('Stop with');
    const made = await openLiveCluster(nodes.dataOf('east'));
    await made.command('.create table T (N: long)');
    await made.ingest('T', '1\n2\n3');
    const west = nodes.startHaving(both, 'west', ...standby);
    await west.printed('are passed on');
    await stop(first);
    await west.printed('Stop with');
    const lone = nodes.start('lone', ...standby);
    await lone.printed('are passed on');
    const east = nodes.startHaving(both, 'east', ...standby);
    await east.printed('are passed on');

    // A node that has the old one alone is named, and nothing is begun.
    const refused = await rotate('west');
    expect(refused).toMatchObject({
      ...{ code: 1, stderr: expect.stringMatching(/Not every node that lives has both root keys/) as string },
    });
    expect(refused.stderr.match(/\([0-9a-f]{8}-[0-9a-f-]{27}\)/g)).toHaveLength(1);
    expect(logOf('lone')).not.toContain('root-key-opens-nothing');
    await stop(lone);

    // Whoever asks either of the two is answered all along.
    const served = await openLiveCluster(nodes.dataOf('west'), made.seeded);
    const passed = await at('east', 'west', made);
    await answers(passed);
    const counts = [0, 0];
    let isOver = false;
    const asking = [served, passed].map(async (cluster, which) => {
      while (!isOver) {
        expect(await countOf(cluster)).toBe(3);
        counts[which] = (counts[which] ?? 0) + 1;
      }
    });
    const rotated = await rotate('west');
    expect({ ...rotated, stderr: '' }).toMatchObject({ code: 0 });
    expect(JSON.parse(rotated.stdout)).toMatchObject({ oldKey: 'elsewhere', damaged: 0 });
    const before = [...counts];
    await until(() => counts.every((count, which) => count > (before[which] ?? 0) + 1)); // and afterwards
    isOver = true;
    await Promise.all(asking);
    expect(Math.min(...before)).toBeGreaterThan(0);
    expect(await served.ingest('T', '4')).toBe(1);

    // The old key is destroyed: nothing that lies there opens with it, and each node goes on with the new one alone.
    const store = await openPostgres(server.url('root_key_nodes'), { alone: false });
    const seal = new RecordSeal(
      ...([parseRootKey(oldKey), Buffer.from((await stateIdOf(store)) ?? '', 'hex'), systemRandomBytes] as const),
    );
    const [left, all]: [string[], string[]] = [[], []];
    for (const table of await store.tables())
      for (const record of await store.list(table)) {
        all.push(record.id);
        if (seal.isCurrent(placeOfCopy(record))) left.push(`${table}/${record.id}`);
      }
    await store.close();
    expect([all.length > 50, left]).toEqual([true, []]);
    await stop(east);
    const again = nodes.startHaving(newer, 'east', ...standby);
    await again.printed('are passed on');
    expect(await countOf(await at('east', 'west', made))).toBe(4); // the one that serves has both keys still
    await stop(west);
    await again.printed('Stop with');
    expect(await countOf(await openLiveCluster(nodes.dataOf('east'), made.seeded))).toBe(4);
    const thief = nodes.start('lone', ...standby);
    await thief.printed('are passed on');
    await until(() => logOf('lone').includes('root-key-opens-nothing'));
    await stop(again);
    expect(thief.process.exitCode).toBeNull();
    await stop(thief);
  });
});
