import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../tests/support/until.ts';
import { openEngineDatabase } from '../duckdb/engine-database.ts';
import type { EngineDatabase } from '../duckdb/engine-database.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { KqlParser } from '../parser/parser-client.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import type { QueryEngine } from '../query-engine.ts';
import type { EngineSources, QueryRequest } from '../query-request.ts';
import { createQueryEngine } from '../query-engine.ts';
import { functionFacts, natives } from '../language.ts';
import type { EngineThreads } from '../apart-session.ts';
import { createEngineThreads } from './engine-threads.ts';
import { parserSnapshots } from '../testing/parser-entry.ts';

const dist = join(import.meta.dirname, '..', '..', '..', 'dist');
/** No time passes: neither the limit of the parser's nor the minute of a thread that nobody uses. */
const after = (): (() => void) => () => undefined;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [
        {
          name: 'T',
          columns: [
            { name: 'n', type: 'long' },
            { name: 's', type: 'string' },
          ],
        },
      ],
      functions: [],
    },
  ],
};

let parser: KqlParser;
let database: EngineDatabase;
let threads: EngineThreads;
let engine: QueryEngine;
const began: string[] = [];
/** Of the engines, at each beginning. */
const engineThreads: number[] = [];
const asked: (AbortSignal | undefined)[] = [];

beforeAll(async () => {
  parser = createKqlParser({
    entry: join(dist, 'kql-process.js'),
    snapshots: parserSnapshots,
    limits: { textMax: 100_000, parseMsMax: 20_000 },
    functions: functionFacts,
    after,
  });
  database = await openEngineDatabase({ threads: 2, memoryLimit: '512MB' }, natives);
  const connection = await database.connect();
  await connection.run(`CREATE TABLE tail_1 (c1 BIGINT, c2 VARCHAR)`);
  await connection.run(`INSERT INTO tail_1 SELECT i, 'text ' || i FROM range(3000) t(i)`);
  connection.close();
  const made = createEngineThreads({
    scripts: { engine: join(dist, 'engine-thread.js'), functions: join(dist, 'function-thread.js') },
    ...{
      threads: 2,
      memoryLimit: '512MB',
      heapMiB: 2_048,
      geoipDatabase: undefined,
      threadsMax: 2,
      idleMs: 60_000,
      after,
    },
  });
  threads = {
    ...made,
    begin: async (request) => {
      asked.push(request.signal);
      const session = await made.begin(request);
      const begin = session.begin.bind(session);
      session.begin = (program) => {
        began.push(String(program.facts.principal));
        return begin(program).then(async () => {
          for await (const [values] of session.connection.stream(`SELECT current_setting('threads')::BIGINT`, []))
            engineThreads.push(Number(values?.[0]));
        });
      };
      return session;
    },
  };
  engine = createQueryEngine({ parser, database, threads });
});
afterAll(async () => {
  await threads.close();
  parser.stop();
  database.close();
});

const sources: EngineSources = {
  open: () =>
    Promise.resolve({
      sql: 'tail_1',
      columns: new Map([
        ['n', 'c1'],
        ['s', 'c2'],
      ]),
      tails: [
        {
          table: 'tail_1',
          columns: [
            { name: 'c1', type: 'long' },
            { name: 'c2', type: 'string' },
          ],
          async *rows() {
            const connection = await database.connect();
            yield* connection.stream('SELECT * FROM tail_1', []);
            connection.close();
          },
        },
      ],
      release: () => undefined,
    }),
};

const requestOf = (text: string, more: Partial<QueryRequest> = {}): QueryRequest => ({
  ...{ text, database: 'db', catalog, now: 0n, sources, ...more },
});

async function rowsOf(text: string, more: Partial<QueryRequest> = {}): Promise<unknown[][]> {
  const execution = await engine.execute(requestOf(text, more));
  try {
    const rows: unknown[][] = [];
    for (const result of execution.results)
      for await (const chunk of result.chunks)
        for (let row = 0; row < (chunk[0]?.length ?? 0); row += 1) rows.push(chunk.map((column) => column[row]));
    return rows;
  } finally {
    execution.close();
  }
}

/** A filter of 1,500 values over 20,000: a second or so in one call of one function. */
const heavy = 'print x = array_length(series_fir(range(1, 20000, 1), range(1, 1500, 1), false, false))';

describe('a query whose functions take long', () => {
  it('is done in a thread of its own, while others are answered', async () => {
    const order: string[] = [];
    const first = rowsOf(heavy, { principal: 'heavy' }).then((rows) => {
      order.push('heavy');
      return rows;
    });
    await until(() => began.includes('heavy'));
    for (const name of ['a', 'b', 'c']) {
      expect(await rowsOf('print 1', { principal: name })).toEqual([[1n]]);
      order.push(name);
    }
    expect(await first).toEqual([[20_000n]]);
    expect(order).toEqual(['a', 'b', 'c', 'heavy']);
    expect(began).toEqual(['heavy']); // the small ones have run here
  });

  it('sees the rows of the tables that it names, those in the memory of the engine too', async () => {
    const text = `T | summarize x = count(), y = max(s) | extend z = array_length(series_fir(range(1, 20000, 1), range(1, 1500, 1), false, false))`;
    expect(await rowsOf(text, { principal: 'rows' })).toEqual([[3000n, 'text 999', 20_000n]]);
    expect(began).toContain('rows');
  });

  it('gives the same results, all of them, and the same errors', async () => {
    // One row of many takes long.
    const slow =
      'extend y = iff(x == 77, array_length(series_fir(range(1, 20000, 1), range(x, x + 1500, 1), false, false)), x)';
    const many = `range x from 1 to 100000 step 1 | ${slow} | extend d = parse_json(strcat("[", x, "]"))`;
    const rows = await rowsOf(many, { principal: 'many' });
    expect([rows.length, rows[0], rows[76], rows.at(-1)]).toEqual([
      100_000,
      [1n, 1n, '[1]'],
      [77n, 20_000n, '[77]'],
      [100_000n, 100_000n, '[100000]'],
    ]);
    expect(began).toContain('many');
    const failing = `range x from 1 to 1000 step 1 | ${slow} | where assert(x < 500, "too far")`;
    const failure = { code: 'runtime', message: expect.stringContaining('too far') as unknown };
    await expect(rowsOf(failing, { principal: 'failing' })).rejects.toMatchObject(failure);
    const unpacked = `range x from 77 to 77 step 1 | ${slow} | extend b = bag_pack("k", y) | evaluate bag_unpack(b)`;
    expect(await rowsOf(unpacked, { principal: 'unpack' })).toEqual([[77n, 20_000n, 20_000n]]);
    expect(began).toContain('unpack');
  });

  it('takes along the rows that have told columns, and tells them itself', async () => {
    // Told here, and read in a thread.
    const told = `range x from 1 to 1000 step 1 | extend d = bag_pack(strcat("k", x), x) | sample 1 | evaluate bag_unpack(d)
      | extend z = array_length(series_fir(range(1, 20000, 1), range(1, 1500, 1), false, false))`;
    expect(await rowsOf(told, { principal: 'told' })).toEqual([[expect.any(BigInt), expect.any(BigInt), 20_000n]]);
    // On a busy machine what tells the columns may need a thread, too.
    expect([1, 2]).toContain(began.filter((principal) => principal === 'told').length);
    // Of more rows than are walked here, which only a thread can tell; then a second operator there.
    const many = `range x from 1 to 20000 step 1 | extend d = bag_pack("k", x, "e", bag_pack("y", x))
      | evaluate bag_unpack(d) | evaluate bag_unpack(e) | summarize count(), sum(k), sum(y)`;
    expect(await rowsOf(many, { principal: 'many told' })).toEqual([[20_000n, 200_010_000n, 200_010_000n]]);
    expect(began.filter((principal) => principal === 'many told')).toHaveLength(3);
  });

  it('runs operators that walk many rows there', async () => {
    const text =
      'range x from 1 to 50000 step 1 | scan declare (total: long = 0) with (step s: true => total = x + s.total;) | summarize max(total)';
    expect(await rowsOf(text, { principal: 'scan' })).toEqual([[1_250_025_000n]]);
    expect(began).toContain('scan');
  });

  it('ends for whoever cancels it at once, with its work, and another one gets a thread', async () => {
    began.splice(0);
    const ended: string[] = [];
    // Minutes in one call, which is ended after one; and a call that brings a query to a thread, where the rest of it goes on for days.
    const texts = {
      goes: 'print x = array_length(series_fir(range(1, 200000, 1), range(1, 200000, 1), false, false))',
      stays: `range x from 1 to 1000000000000 step 1
        | extend y = iff(x == 77, array_length(series_fir(range(1, 20000, 1), range(x, x + 1500, 1), false, false)), x)
        | where y < 0 | count`,
    };
    const begin = async (name: keyof typeof texts) => {
      const controller = new AbortController();
      const done = rowsOf(texts[name], { principal: name, signal: controller.signal });
      const failed = done.catch((error: unknown) => error).finally(() => ended.push(name));
      await until(() => began.includes(name));
      return { controller, failed };
    };
    const cancelled = new Error('cancelled by somebody');
    const [stays, goes] = [await begin('stays'), await begin('goes')];
    // By then both are in the middle of it.
    for (let number = 0; number < 20; number += 1) expect(await rowsOf(`print ${number}`)).toEqual([[BigInt(number)]]);
    goes.controller.abort(cancelled);
    expect(await goes.failed).toEqual(cancelled);
    // No other thread is free.
    expect(await rowsOf(heavy, { principal: 'after' })).toEqual([[20_000n]]);
    expect(ended).toEqual(['goes']);
    stays.controller.abort(cancelled);
    expect(await stays.failed).toEqual(cancelled);
  });

  it('waits for a thread, and can be cancelled meanwhile', async () => {
    const busy = [1, 2].map((number) => rowsOf(`${heavy} // ${number}`, { principal: `busy ${number}` }));
    await until(() => began.includes('busy 1') && began.includes('busy 2'));
    const controller = new AbortController();
    const waiting = rowsOf(heavy, { principal: 'waiting', signal: controller.signal }).catch((error: unknown) => error);
    await until(() => asked.includes(controller.signal));
    controller.abort(new Error('no longer'));
    expect(await waiting).toEqual(new Error('no longer'));
    expect(await Promise.all(busy)).toEqual([[[20_000n]], [[20_000n]]]);
  });
});

describe('a query with a limit of memory', () => {
  const limited = (bytes: number, principal: string): Partial<QueryRequest> => ({
    principal,
    memoryBytes: () => bytes,
  });
  const groups = 'range x from 1 to 400000 step 1 | summarize c = count() by x | summarize max(c)';
  const exceeded = (what: string, bytes: number) => ({
    code: 'runaway',
    message: `${what} has exceeded the memory budget (${bytes}) during evaluation. Results may be incorrect or incomplete (E_RUNAWAY_QUERY; see https://aka.ms/kustoquerylimits).`,
  });

  it('ends where its operators hold more, and leaves nothing of it to the next in the same thread', async () => {
    for (const [number, text] of [groups, 'range x from 1 to 400000 step 1 | sort by x desc'].entries()) {
      const operator = number === 0 ? 'summarize' : 'sort';
      const request = limited(4_000_000, `limited ${number}`);
      await expect(rowsOf(text, request)).rejects.toMatchObject(exceeded(`'${operator}' operator`, 4_000_000));
      expect(began).toContain(`limited ${number}`);
    }
    expect(await rowsOf(groups, limited(400_000_000, 'enough'))).toEqual([[1n]]);
    const walked = groups.replace('| summarize max(c)', '| where x <= 20000 | scan with (step a: true;) | count');
    expect(await rowsOf(walked, { principal: 'unlimited' })).toEqual([[20_000n]]);
    expect(began).toContain('unlimited');
  });

  it('ends where an operator that walks rows holds more', async () => {
    const text =
      'range x from 1 to 50000 step 1 | extend s = strcat("text of some length ", x) | scan declare (n: long = 0) with (step a: true => n = 1;) | count';
    await expect(rowsOf(text, limited(1_000_000, 'walked'))).rejects.toMatchObject(exceeded('The query', 1_000_000));
    expect(await rowsOf(text, limited(100_000_000, 'walked'))).toEqual([[50_000n]]);
  });

  it('is answered where it holds little, whatever the tables have that it reads', async () => {
    expect(await rowsOf('print 1', limited(1, 'least'))).toEqual([[1n]]);
    expect(await rowsOf('T | where n == 7 | project s', limited(1_000, 'read'))).toEqual([['text 7']]);
  });
});

describe('a query with a share of the threads', () => {
  it('has an engine with so many, one at least, and leaves all to the next', async () => {
    const seen = async (percent: number | undefined, principal: string): Promise<readonly number[]> => {
      engineThreads.length = 0;
      const memory = { memoryBytes: () => 400_000_000 };
      expect(await rowsOf('T | count', { principal, ...memory, threadsPercent: () => percent })).toEqual([[3000n]]);
      return engineThreads;
    };
    expect(await seen(50, 'half')).toEqual([1]);
    expect(await seen(1, 'least')).toEqual([1]);
    // As many queries as there are threads: each of them has seen a share before.
    for (const principal of ['all', 'again']) expect(await seen(undefined, principal)).toEqual([2]);
  });

  it('goes apart for that alone, and not where it may have all', async () => {
    expect(await rowsOf('T | count', { principal: 'shared', threadsPercent: () => 50 })).toEqual([[3000n]]);
    expect(await rowsOf('T | count', { principal: 'whole', threadsPercent: () => 100 })).toEqual([[3000n]]);
    expect(began).toContain('shared');
    expect(began).not.toContain('whole');
  });
});
