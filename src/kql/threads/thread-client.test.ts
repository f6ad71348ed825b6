import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../tests/support/until.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { KqlParser } from '../parser/parser-client.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import { ThreadClient } from './thread-client.ts';
import { functionFacts } from '../language.ts';
import { parserSnapshots } from '../testing/parser-entry.ts';

const dist = join(import.meta.dirname, '..', '..', '..', 'dist');
const scripts = { engine: join(dist, 'engine-thread.js'), functions: join(dist, 'function-thread.js') };
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [{ name: 'db', tables: [], functions: [] }],
};

let parser: KqlParser;
beforeAll(() => {
  parser = createKqlParser({
    entry: join(dist, 'kql-process.js'),
    snapshots: parserSnapshots,
    limits: { textMax: 100_000, parseMsMax: 20_000 },
    functions: functionFacts,
    after: () => () => undefined,
  });
});
afterAll(() => parser.stop());

const open: Started[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await (one.client.gone ? one.gone : one.client.end());
});

interface Started {
  readonly client: ThreadClient;
  readonly gone: Promise<void>;
  /** Of the thread that was ended in the middle of its work. */
  readonly ended: Promise<string>;
}

function start(threads = scripts, heapMiB = 2_048): Started {
  let [gone, ended]: [() => void, (work: string) => void] = [() => undefined, () => undefined];
  const promises = {
    gone: new Promise<void>((resolve) => (gone = resolve)),
    ended: new Promise<string>((resolve) => (ended = resolve)),
  };
  const settings = { threads: 2, memoryLimit: '512MB', heapMiB, geoipDatabase: undefined };
  const client = new ThreadClient(threads, settings, {
    ready: () => undefined,
    gone: () => gone(),
    ended: (work) => ended(work),
  });
  const started = { client, ...promises };
  open.push(started);
  return started;
}

/** @returns the first chunk of a query, or what it failed with */
async function running(client: ThreadClient, text: string, begun: () => void = () => undefined): Promise<unknown> {
  try {
    const program = await parser.compile(text, 'db', catalog);
    const facts = { database: 'db', cluster: 'local', now: 0n, parameters: new Map() };
    await client.call('open', {});
    await client.call('begin', {
      program,
      facts,
      tables: new Map(),
      command: undefined,
      kept: undefined,
      memoryBytes: undefined,
      threadsPercent: undefined,
    });
    begun();
    return await client.call('next', { stream: await client.call('startResult', { index: 0 }) });
  } catch (error) {
    return error;
  }
}

/** @throws when the query is over before */
async function untilIn(isSo: () => boolean, query: Promise<unknown>): Promise<void> {
  let over: { readonly with: unknown } | undefined;
  void query.then((found) => (over = { with: found }));
  await until(() => {
    if (isSo()) return true;
    expect(over).toBeUndefined();
    return false;
  });
}

/** Others' texts are compiled, while it is in one call all the time: those before it take a moment. */
async function staysThere(client: ThreadClient): Promise<void> {
  for (let times = 0; times < 100; times += 1) {
    await parser.compile(`print ${times}`, 'db', catalog);
    if (client.underway !== 'functions') times = 0;
  }
}

/** Each takes minutes, if nothing ends it; one value is all that there is. */
const functions = {
  'a filter': 'print array_length(series_fir(range(1, 200000, 1), range(1, 200000, 1), false, false))',
  'with feedback': 'print array_length(series_iir(range(1, 200000, 1), range(1, 200000, 1), range(1, 200000, 1)))',
};
/** Each walks for seconds at least. `graph-match`: cycles of up to twelve edges among forty nodes. */
const operators = {
  scan: `range x from 1 to 1900000 step 1 | scan declare (total: long = 0, top: long = 0) with (
    step s: true => total = x + s.total, top = iff(x % 7 > s.top, x % 7, s.top);) | summarize max(total)`,
  autocluster: `range x from 1 to 400000 step 1 | project a = x % 3, b = x % 5, c = x % 7, d = x % 11, e = x % 13, f = x % 17
    | evaluate autocluster()`,
  'make-graph and shortest paths': `range x from 1 to 1000000 step 1 | project a = x % 1000, b = (x * 7919) % 1009
    | make-graph a --> b with_node_id=id | graph-shortest-paths output=all (x)-[e*1..6]->(y) project n = x.id | count`,
  'graph-match':
    'let E = range a from 1 to 40 step 1 | extend k = 1 | join kind=inner (range b from 1 to 40 step 1 | extend k = 1) on k; E | make-graph a --> b with_node_id=id | graph-match (x)-[e*1..12]->(y) where x.id == y.id project n = x.id | count',
};

describe('a query that is cancelled in the middle of', () => {
  it.each(Object.entries(functions))('one function, %s: its work is over at once', async (_what, text) => {
    const { client, ended } = start();
    const result = running(client, text);
    await untilIn(() => client.underway === 'functions', result);
    await staysThere(client);
    client.cancel();
    expect(await ended).toBe('functions');
    expect(await result).toMatchObject({ code: 'cancelled' });
    // DuckDB was waiting for the function; it goes on, and the thread is closed in order.
    await client.call('close', {});
    expect([client.gone, client.isSpent, client.underway]).toEqual([false, true, 'nothing']);
  });

  it.each(Object.entries(operators))('an operator that walks rows, %s: its thread is over', async (_what, text) => {
    const { client, ended, gone } = start();
    const result = running(client, text);
    await untilIn(() => client.underway === 'rows', result);
    client.cancel();
    expect(await ended).toBe('rows');
    await gone;
    expect(await result).toMatchObject({ message: 'A thread of the engine ended.' });
  });

  it('DuckDB is interrupted, and both threads are there for the next', async () => {
    const { client } = start();
    const endless = 'range x from 1 to 100000000000 step 1 | summarize sum(x % 7)';
    expect(await running(client, endless, () => client.cancel())).toMatchObject({ code: 'cancelled' });
    await client.call('close', {});
    client.uncancel();
    expect(client.isSpent).toBe(false);
    expect(await running(client, 'print parse_json(" [1]")')).toEqual([['[1]']]);
    await client.call('close', {});
  });

  it('nothing yet: it does not begin', async () => {
    const { client } = start();
    client.cancel();
    expect(await running(client, 'print 1')).toMatchObject({ code: 'cancelled' });
  });
});

describe('an operator that walks rows', () => {
  it(
    'that needs more memory than it may says so, and leaves its thread to the next',
    { timeout: 240_000 },
    async () => {
      const { client } = start(scripts, 128);
      // Half a million rows of ten texts, each of its own.
      const texts = Array.from({ length: 10 }, (_, at) => `s${at} = strcat(x, ' long enough to count ${at}')`);
      const text = `range x from 1 to 500000 step 1 | extend ${texts.join(', ')} | scan with (step s: true;) | count`;
      expect(await running(client, text)).toMatchObject({
        code: 'memory',
        message: 'bad allocation (E_LOW_MEMORY_CONDITION)',
      });
      expect(client.gone).toBe(false);
      await client.call('close', {});
    },
  );

  it('takes two million rows at most', async () => {
    const { client } = start();
    const text = 'range x from 1 to 2000001 step 1 | scan with (step s: true;) | count';
    expect(await running(client, text)).toMatchObject({
      code: 'limits',
      message: 'An operator that walks rows takes at most 2000000 of them.',
    });
    await client.call('close', {});
  });
});

describe('a function thread', () => {
  it('that fails takes its query with it, and nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kustody-functions-'));
    const failing = join(folder, 'failing.mjs');
    writeFileSync(
      failing,
      `import { workerData } from 'node:worker_threads';
       workerData.port.on('message', () => { throw new Error('as one without memory'); });`,
    );
    const { client } = start({ ...scripts, functions: failing });
    const ended = { code: 'internal', message: 'A thread of the engine ended.' };
    expect(await running(client, 'print parse_json(" [1]")')).toMatchObject(ended);
    await expect(client.call('run', { sql: 'SELECT 1', bound: [] })).rejects.toMatchObject(ended);
    await client.call('close', {});
    expect([client.gone, client.isSpent]).toEqual([false, true]);
    rmSync(folder, { recursive: true });
  });
});
