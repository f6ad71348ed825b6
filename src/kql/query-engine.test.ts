import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineDatabase } from './duckdb/engine-database.ts';
import { openEngineDatabase } from './duckdb/engine-database.ts';
import type { Program } from './plan/plan.ts';
import type { CompileOptions, KqlParser } from './parser/parser-client.ts';
import type { QueryRequest } from './query-request.ts';
import { createQueryEngine } from './query-engine.ts';
import { natives } from './language.ts';

let database: EngineDatabase;
beforeAll(async () => {
  database = await openEngineDatabase({ threads: 1, memoryLimit: '128MB' }, natives);
});
afterAll(() => database.close());

const program: Program = {
  parameters: [],
  options: {},
  lets: [],
  results: [{ name: 'PrimaryResult', plan: { op: 'table', database: 'db', table: 'T', cols: [] } }],
};
const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const engineWith = (
  compile: KqlParser['compile'],
  over: EngineDatabase = database,
  parseCommand: KqlParser['parseCommand'] = never,
) =>
  createQueryEngine({
    database: over,
    parser: { compile, parseCommand, compileGraph: never, ready: never, stop: () => undefined },
  });
const requestOf = (signal: AbortSignal, more: Partial<QueryRequest> = {}): QueryRequest => ({
  text: 'T',
  database: 'db',
  catalog: { version: '1', cluster: 'c', databases: [] },
  now: 0n,
  sources: { open: never },
  signal,
  ...more,
});

describe('a query whose time is over', () => {
  it('while it is compiled is answered at once, and the parser is told', async () => {
    const controller = new AbortController();
    const seen: (CompileOptions | undefined)[] = [];
    const engine = engineWith((_text, _database, _catalog, options) => {
      seen.push(options);
      return never();
    });
    const running = engine.execute(requestOf(controller.signal));
    controller.abort(new Error('time is over'));
    await expect(running).rejects.toThrow('time is over');
    expect(seen.map((options) => options?.signal?.aborted)).toEqual([true]);
  });

  it('or a command’s, while it is parsed, is answered at once, and the parser is told', async () => {
    const controller = new AbortController();
    const seen: (AbortSignal | undefined)[] = [];
    const engine = engineWith(never, database, (_text, _database, _catalog, options) => {
      seen.push(options?.signal);
      return never();
    });
    const { text, database: current, catalog, signal } = requestOf(controller.signal);
    const running = engine.parseCommand({ text, database: current, catalog, signal });
    controller.abort(new Error('time is over'));
    await expect(running).rejects.toThrow('time is over');
    expect(seen.map((one) => one?.aborted)).toEqual([true]);
  });

  it('while its tables open is answered at once, and lets go of them when they have come', async () => {
    const controller = new AbortController();
    let come: (table: Awaited<ReturnType<QueryRequest['sources']['open']>>) => void = () => undefined;
    const opening = new Promise<Awaited<ReturnType<QueryRequest['sources']['open']>>>((resolve) => (come = resolve));
    const begun = new Promise<void>((resolve) => {
      const open = () => {
        resolve();
        return opening;
      };
      const running = engineWith(() => Promise.resolve(program)).execute(
        requestOf(controller.signal, { sources: { open } }),
      );
      failed = running.catch((error: unknown) => error);
    });
    await begun;
    controller.abort(new Error('time is over'));
    expect(await failed).toEqual(new Error('time is over'));
    await new Promise<void>((released) =>
      come({ sql: '(SELECT 1 AS a)', columns: new Map(), release: () => released() }),
    );
  });
  let failed: Promise<unknown> = Promise.resolve();

  it('while a later result is planned is answered at once, and keeps its connection and tables until the plan is there', async () => {
    const controller = new AbortController();
    const seen: string[] = [];
    let plan: () => void = () => undefined;
    const planned = new Promise<void>((resolve) => (plan = resolve));
    let statements = 0;
    const slow: EngineDatabase = {
      ...database,
      connect: async (limit) => {
        const connection = await database.connect(limit);
        return {
          ...connection,
          async *stream(...given) {
            statements += 1;
            if (statements === 2) await planned;
            seen.push(`statement ${statements}`);
            yield* connection.stream(...given);
          },
          close: () => {
            seen.push('closed');
            connection.close();
          },
        };
      },
    };
    const cols = [{ name: 'a', type: 'int' }] as const;
    const plans = { op: 'table', database: 'db', table: 'T', cols } as const;
    const two: Program = { ...program, results: ['One', 'Two'].map((name) => ({ name, plan: plans })) };
    let tell: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (tell = resolve));
    const open: QueryRequest['sources']['open'] = () => {
      const release = (): void => {
        seen.push('released');
        tell();
      };
      return Promise.resolve({ sql: '(SELECT 1::INTEGER AS a)', columns: new Map([['a', 'a']]), release });
    };
    const execution = await engineWith(() => Promise.resolve(two), slow).execute(
      requestOf(controller.signal, { sources: { open } }),
    );
    const [one, other] = execution.results;
    for await (const chunk of one?.chunks ?? []) expect(chunk).toEqual([[1]]);
    const waiting = other?.chunks[Symbol.asyncIterator]().next();
    controller.abort(new Error('time is over'));
    await expect(waiting).rejects.toThrow('time is over');
    execution.close();
    expect(seen).toEqual(['statement 1']);
    plan();
    await released;
    expect(seen).toEqual(['statement 1', 'statement 2', 'released', 'closed']);
  });
});
