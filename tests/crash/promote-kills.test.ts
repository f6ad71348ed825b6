import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import type { TwoInstances } from '../support/two-instances.ts';
import { startTwoInstances } from '../support/two-instances.ts';
import { until } from '../support/until.ts';

const commits = 6;
const rowsEach = 50;

describe('kustody promote that is killed', () => {
  let two: TwoInstances;
  beforeAll(async () => {
    two = await startTwoInstances();
  });
  afterAll(() => two[Symbol.asyncDispose]());

  const flags = ['--database', 'Second', '--no-roles', '--batch-rows', '1', '--yes', '--json'];

  /** @returns the numbers that are there, in order: each once */
  const rows = async (table: string): Promise<readonly unknown[]> =>
    (await two.onward.query('Second', `${table} | order by A asc`)).map(({ A }) => A);
  const written = (): number => two.stored.filter((line) => line.startsWith('PUT')).length;
  const arrived = async (table: string): Promise<number> =>
    (await two.onward.query('Second', '.show tables | project TableName')).some(({ TableName }) => TableName === table)
      ? (await rows(table)).length / rowsEach
      : 0;

  // Each blob is two writes. It gets no further than to the one whose answer is kept back, however late the kill comes.
  it.each([
    ['as its first blob is written', 'K1', 0, (before: number) => Promise.resolve(written() > before)],
    ['between blobs', 'K2', 5, (before: number) => Promise.resolve(written() > before + 5)],
    ['when some rows are there', 'K3', 7, async () => (await arrived('K3')) >= 2],
  ] as const)('%s, and done again: each row is there once', async (_, table, writes, isTime) => {
    await two.origin.query('Second', `.create table ${table} (A: long)`);
    for (let at = 0; at < commits; at += 1)
      await two.origin.query(
        'Second',
        `.set-or-append ${table} <| range A from ${at * rowsEach} to ${(at + 1) * rowsEach - 1} step 1`,
      );
    const before = written();
    const release = two.holdAnswers(writes);
    const killed = two.promote(...flags);
    await until(() => isTime(before));
    killed.process.kill('SIGKILL');
    expect(await killed.result).toMatchObject({ signal: 'SIGKILL' });
    release();
    expect((await rows(table)).length).toBeLessThan(commits * rowsEach);
    const again = await two.promote(...flags).result;
    expect(again).toMatchObject({ code: 0 });
    expect(await rows(table)).toEqual(Array.from({ length: commits * rowsEach }, (_row, at) => at));
  });

  it('and one whose cluster lost its key: no row leaves', async () => {
    const { environment } = two.origin;
    const token = await localToken(environment, 'https://vault.azure.net');
    const host = 'both-keys.vault.azure.net';
    const enable = (enabled: boolean) =>
      callLocal(environment, {
        ...{
          host,
          token,
          method: 'PATCH',
          path: '/keys/cluster-key?api-version=7.4',
          body: { attributes: { enabled } },
        },
      });
    await two.origin.query('Second', '.set-or-append K1 <| print A = 1000000');
    const before = two.stored.length;
    expect(await enable(false)).toMatchObject({ status: 200 });
    const refused = await two.promote(...flags).result;
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/no row leaves it|suspended|key/i);
    expect(two.stored.length).toBe(before);
    expect(await enable(true)).toMatchObject({ status: 200 });
    await until(async () => (await two.promote(...flags).result).code === 0);
    expect(await rows('K1')).toHaveLength(commits * rowsEach + 1);
  });
});
