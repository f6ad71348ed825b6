import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { answers, countOf, kustoRequest, newPrincipal, openReadingNodes } from '../support/reading-nodes.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)('a node that stands by and reads', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  const open = (schema: string) => openReadingNodes(server, azurite, schema);
  const count = countOf;

  it('answers with every row that was acknowledged, each time, and passes on what is no query', async () => {
    await using opened = await open('strong');
    const { writer, reader } = opened;
    await reader.command('.create table T (N: long, S: string)');
    expect(await reader.ingest('T', '0,first')).toBe(1);
    for (let n = 1; n <= 60; n += 1) {
      expect(await (n % 2 === 0 ? writer : reader).ingest('T', `${n},a`)).toBe(1);
      expect(await count(reader)).toBe(n + 1);
    }
    expect(await reader.query('T | summarize sum(N)')).toEqual([[1830]]);
    await writer.command('.set-or-append T <| range N from 61 to 40000 step 1 | extend S = "b"');
    expect(await count(reader)).toBe(40_001);
    await writer.command('.clear table T data');
    expect(await count(reader)).toBe(0);
    expect(Math.min(opened.readHere(), opened.readersOf())).toBeGreaterThan(0);
  });

  it('reads what is merged, dropped and written while it reads', async () => {
    await using opened = await open('merged');
    const { writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await writer.command('.create table Gone (N: long)');
    let [began, acknowledged, isOver] = [0, 0, false];
    const write = async (): Promise<void> => {
      for (let round = 0; round < 25; round += 1) {
        began += 1_000;
        await writer.command(`.append T <| range N from 1 to 1000 step 1`);
        acknowledged += 1_000;
        await writer.command('.append Gone <| range N from 1 to 5000 step 1');
        await writer.command('.drop extents from Gone');
        if (round % 5 === 4) expect(await writer.merge('T')).toBeGreaterThan(0);
      }
      isOver = true;
    };
    let answered = 0;
    const read = async (): Promise<void> => {
      while (!isOver) {
        const before = acknowledged;
        const [[rows, sum] = []] = await reader.query('T | summarize count(), sum(N)');
        expect(Number(rows)).toBeGreaterThanOrEqual(before);
        expect(Number(rows)).toBeLessThanOrEqual(began);
        expect(Number(sum)).toBe((Number(rows) / 1_000) * 500_500);
        expect([0, 5_000]).toContain(await count(reader, 'Gone'));
        answered += 1;
      }
    };
    await Promise.all([write(), read(), read()]);
    expect(answered).toBeGreaterThan(5);
    expect(await count(reader)).toBe(25_000);
    expect(opened.readHere()).toBeGreaterThan(0);
  });

  it('answers nothing once a key is taken away, whether it hears of it or not, and again when it is given back', async () => {
    await using opened = await open('revoked');
    const { nodes, west, writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await writer.ingest('T', '1\n2\n3');
    expect(await count(reader)).toBe(3);
    await writer.setKeyEnabled(false);
    expect(await reader.queryStatus('T | count')).toBe(503);
    await writer.setKeyEnabled(true);
    await until(async () => (await reader.queryStatus('T | count').catch(() => 0)) === 200 && opened.readersOf() > 1);
    expect(await count(reader)).toBe(3);
    // A node that is paused confirms nothing: what it was lent runs out before the change is acknowledged.
    nodes.signal(west, 'SIGSTOP');
    await writer.setKeyEnabled(false);
    nodes.signal(west, 'SIGCONT');
    expect(await reader.queryStatus('T | count').catch(() => 503)).toBe(503);
    await writer.setKeyEnabled(true);
    await answers(reader);
  });

  it('lets nobody read who may not any more, and no row that a policy hides', async () => {
    await using opened = await open('roles');
    const { writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await writer.ingest('T', '1\n2\n3');
    expect(await count(reader)).toBe(3);
    await writer.command('.alter table T policy row_level_security enable "T | where N < 3"');
    expect(await count(reader)).toBe(2);
    await reader.command('.alter table T policy row_level_security disable "T | where N < 3"');
    expect(await count(reader)).toBe(3);

    const viewer = await newPrincipal(writer.environment);
    const asViewer = async (): Promise<number> =>
      (await kustoRequest(reader, 'T | count', { token: viewer.token })).status;
    const role = (action: string) =>
      writer.command(`.${action} database ['${defaultSeed.database}'] viewers ('${viewer.fqn}')`);
    for (let round = 0; round < 5; round += 1) {
      expect(await asViewer()).toBe(403);
      await role('add');
      expect(await asViewer()).toBe(200);
      await role('drop');
    }
    expect(await asViewer()).toBe(403);
    expect(opened.readHere()).toBeGreaterThan(0);
  });

  it('goes on when its process is killed, and serves what was acknowledged when the other node is', async () => {
    await using opened = await open('killed');
    const { nodes, east, west, writer, reader } = opened;
    await writer.command('.create table T (N: long)');
    await writer.ingest('T', '1\n2\n3');
    expect(await count(reader)).toBe(3);
    for (const pid of descendantsOf(west.process.pid ?? 0)) process.kill(pid, 'SIGKILL');
    await answers(reader);
    expect(await count(reader)).toBe(3);
    expect(opened.readHere()).toBeGreaterThan(1);
    expect(await writer.ingest('T', '4')).toBe(1);
    expect(await count(reader)).toBe(4);
    nodes.signal(east, 'SIGKILL');
    const statuses = new Set<number>();
    let serves = false;
    void west.printed('Stop with').then(() => (serves = true));
    await until(async () => {
      const status = await reader.queryStatus('T | count').catch(() => 0);
      statuses.add(status);
      return serves && status === 200;
    });
    expect(await count(reader)).toBe(4);
    expect([...statuses].filter((status) => ![0, 200, 503].includes(status))).toEqual([]);
  });
});
