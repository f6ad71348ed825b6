import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
}, 120_000);
afterAll(() => kusto[Symbol.asyncDispose]());

/** One call of one function that takes ten seconds and more: a filter of 20,000 values over 60,000. */
const text = 'print x = array_length(series_fir(range(1, 60000, 1), range(1, 20000, 1), false, false))';

/** A query in the middle of that call. */
async function running(name: string, options: Readonly<Record<string, unknown>> = {}) {
  const state = { isOver: false };
  const answer = kusto
    .post(
      '/v1/rest/query',
      { db: databaseName, csl: `${text} // ${name}`, properties: { Options: options } },
      { 'x-ms-client-request-id': name },
    )
    .finally(() => (state.isOver = true));
  while (!(await isShown(name))) await pause(20);
  return { state, answer };
}

async function isShown(name: string): Promise<boolean> {
  const shown = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.show running queries' });
  return shown.text.includes(`"${name}"`);
}

describe('a query in the middle of a function that takes long', () => {
  it("lets others' queries and commands be answered, and is cancelled at once", { timeout: 120_000 }, async () => {
    const { state, answer } = await running('cancelled');
    for (let count = 0; count < 5; count += 1) {
      const other = await kusto.post('/v2/rest/query', { db: databaseName, csl: 'print 1' });
      expect(other.status).toBe(200);
    }
    expect(state.isOver).toBe(false);
    await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.cancel query "cancelled"' });
    expect((await answer).text).toContain('cancelled by a cancel command');
    expect(await isShown('cancelled')).toBe(false);
  });

  it('ends when its time is over', { timeout: 120_000 }, async () => {
    const { answer } = await running('timed', { servertimeout: '00:00:02' });
    const { status, text: told } = await answer;
    expect([status, told]).toEqual([504, expect.stringContaining('the limit of 2 seconds was exceeded') as unknown]);
  });
});
