import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ClientOutcome, KustoData } from './kusto-fixture.ts';
import { databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
  await mgmt('.create table T (n:long, s:string)');
}, 120_000);
afterAll(() => kusto[Symbol.asyncDispose]());

const mgmt = async (text: string): Promise<ClientOutcome> => {
  const outcome = await kusto.call({ call: 'mgmt', database: databaseName, text });
  if (outcome.failed !== undefined) throw new Error(JSON.stringify(outcome.failed));
  return outcome;
};

const rows = async (text: string): Promise<unknown> => {
  const { tables, failed } = await kusto.call({ call: 'queryV1', database: databaseName, text });
  return failed ?? tables?.[0]?.rows;
};

/** To report to a queue costs no retries of the client, which it makes for a row of the table of statuses. */
const toQueue = { reportLevel: 2, reportMethod: 0 };

const soon = { timeout: 20_000, interval: 50 };

describe('queued ingestion', () => {
  it('makes rows of a stream, at once when it is to be flushed', async () => {
    const outcome = await kusto.call({
      ...{ call: 'queued', database: databaseName, table: 'T', data: '1,one\n2,two\n' },
      properties: { format: 'csv', flushImmediately: true, ...toQueue },
    });
    expect(outcome).toEqual({ value: { status: 'Queued' } });
    await vi.waitFor(
      async () =>
        expect(await rows('T | sort by n asc')).toEqual([
          [1, 'one'],
          [2, 'two'],
        ]),
      soon,
    );
  });
});
