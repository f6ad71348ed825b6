import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

/** One call of one function that takes longer than the minute which a query has for that: a filter of 200,000 values over as many. */
const text = 'print x = array_length(series_fir(range(1, 200000, 1), range(1, 200000, 1), false, false))';
/** A second or so: longer than a function may take in the thread that answers. */
const shorter = 'print x = array_length(series_fir(range(1, 20000, 1), range(1, 1500, 1), false, false))';

/** Such a call brings this query to a thread, where the rest of it goes on for days. */
const staying = `range x from 1 to 1000000000000 step 1
  | extend y = iff(x == 77, array_length(series_fir(range(1, 20000, 1), range(x, x + 1500, 1), false, false)), x)
  | where y < 0 | count`;

/** A query in the middle of that call. */
async function running(name: string, options: Readonly<Record<string, unknown>> = {}, csl = text) {
  const state = { isOver: false };
  const answer = kusto
    .post(
      '/v1/rest/query',
      { db: databaseName, csl: `${csl} // ${name}`, properties: { Options: options } },
      { 'x-ms-client-request-id': name },
    )
    .finally(() => (state.isOver = true));
  await until(() => isShown(name));
  return { state, answer };
}

/** The same from a client that is about to leave. */
async function leaving(name: string): Promise<{ readonly leave: () => void }> {
  const socket = tlsConnect({
    ...{ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost },
    ca: readFileSync(kusto.server.caFile, 'utf8'),
  });
  const request = httpRequest({
    ...{ createConnection: () => socket, method: 'POST', path: '/v2/rest/query' },
    headers: { host: clusterHost, authorization: `Bearer ${kusto.token}`, 'x-ms-client-request-id': name },
  });
  request.on('error', () => undefined);
  request.end(JSON.stringify({ db: databaseName, csl: `${text} // ${name}` }));
  await until(() => isShown(name));
  return { leave: () => void socket.destroy() };
}

const cancel = (name: string) => kusto.post('/v1/rest/mgmt', { db: databaseName, csl: `.cancel query "${name}"` });

async function isShown(name: string): Promise<boolean> {
  const shown = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.show running queries' });
  return shown.text.includes(`"${name}"`);
}

describe('a query in the middle of a function that takes long', () => {
  it("lets others' queries and commands be answered, and is cancelled at once", async () => {
    const { state, answer } = await running('cancelled');
    for (let count = 0; count < 5; count += 1) {
      const other = await kusto.post('/v2/rest/query', { db: databaseName, csl: 'print 1' });
      expect(other.status).toBe(200);
    }
    expect(state.isOver).toBe(false);
    await cancel('cancelled');
    expect((await answer).text).toContain('cancelled by a cancel command');
    expect(await isShown('cancelled')).toBe(false);
  });

  it('ends when its time is over', async () => {
    const { answer } = await running('timed', { servertimeout: '00:00:02' });
    const { status, text: told } = await answer;
    expect([status, told]).toEqual([504, expect.stringContaining('the limit of 2 seconds was exceeded') as unknown]);
  });

  it('leaves its place to others, whatever ended it', async () => {
    // All four threads that there are for such queries.
    const stays = await running('stays', {}, staying);
    const cancelled = await running('two');
    const timed = await running('three', { servertimeout: '00:00:02' });
    const gone = await leaving('four');
    gone.leave();
    await cancel('two');
    expect((await cancelled.answer).text).toContain('cancelled by a cancel command');
    expect((await timed.answer).status).toBe(504);
    await until(async () => !(await isShown('four')));
    const csl = (number: number): string => `${shorter} // ${number}`;
    const others = [1, 2, 3].map((number) => kusto.post('/v2/rest/query', { db: databaseName, csl: csl(number) }));
    expect((await Promise.all(others)).map(({ status, text: told }) => (status === 200 ? 200 : told))).toEqual([
      200, 200, 200,
    ]);
    expect(stays.state.isOver).toBe(false);
    await cancel('stays');
    expect((await stays.answer).text).toContain('cancelled by a cancel command');
  });
});
