import { mkdirSync, rmSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import type { LogColumn } from './kql-rows.ts';
import { logColumns, logSelect, operationIdSql } from './kql-rows.ts';
import type { LogQuery } from './kql-sample-queries.ts';
import { largeColumns, largeQueries, logQueries } from './kql-sample-queries.ts';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { drainPlain } from './sample-rows.ts';

/** Rows of the log of 30 columns, and of the one of 8 that is so large that its stores are measured one at a time; none unless asked for. */
const rowCount = rowsAsked(process.env['KUSTODY_BENCH_KQL_ROWS']) ?? 1_000_000;
const largeRowCount = rowsAsked(process.env['KUSTODY_BENCH_KQL_LARGE_ROWS']);
/** Names of queries, between commas; all of them without it. */
const namesAsked = process.env['KUSTODY_BENCH_KQL_QUERY']?.split(',');
const rounds = 3;
const extentRows = 500_000;

function rowsAsked(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{4,8}$/.test(text)) throw new Error(`${text} is no number of rows, 10000 to 999999999.`);
  return Number(text);
}

/** @throws Error where a name is none of theirs */
function queriesAsked(rows: number, operationId: string): readonly LogQuery[] {
  const queries = logQueries(rows, operationId);
  const unknown = namesAsked?.find((asked) => !queries.some(({ name }) => name === asked));
  if (unknown !== undefined)
    throw new Error(`No query is called ${unknown}. There are: ${queries.map(({ name }) => name).join(', ')}.`);
  return namesAsked === undefined ? queries : queries.filter(({ name }) => namesAsked.includes(name));
}

/** What a million rows take, as seen; seconds on two processors. */
interface Needs {
  readonly diskMb: number;
  readonly memoryMb: number;
  readonly seconds: number;
}
const wideNeeds: Needs = { diskMb: 500, memoryMb: 900, seconds: 200 };
const largeNeeds: Needs = { diskMb: 60, memoryMb: 60, seconds: 10 };
const leastMemoryMb = 1_500;

/** Says what a measure will take. @throws Error where the machine has not that much */
function requireRoom(rows: number, needs: Needs): void {
  const millions = rows / 1e6;
  const { bavail, bsize } = statfsSync(tmpdir());
  const [disk, memory] = [Math.ceil(needs.diskMb * millions), Math.ceil(needs.memoryMb * millions) + leastMemoryMb];
  const [diskFree, memoryFree] = [Math.floor((bavail * bsize) / 2 ** 20), Math.floor(freemem() / 2 ** 20)];
  process.stderr.write(
    `  ${millions} M rows need ${disk} MB of disk in ${tmpdir()} (there are ${diskFree}), ${memory} MB of memory (${memoryFree}) and about ${Math.ceil((needs.seconds * millions) / 60)} minutes\n`,
  );
  if (disk > diskFree) throw new Error(`${tmpdir()} has no room for ${disk} MB.`);
  if (memory > memoryFree) throw new Error(`There are no ${memory} MB of free memory.`);
}

interface Store {
  /** @returns how many rows */
  readonly run: (query: LogQuery) => Promise<number>;
  readonly close: () => Promise<void>;
}

async function sealedStore(columns: readonly LogColumn[], rows: number, isHot = false): Promise<Store> {
  const cluster: LocalCluster = await openLocalCluster(isHot ? hotBytesMax : undefined);
  const data = await cluster.data();
  await data.createTables('db', [{ name: 'T', columns }]);
  await data.setPolicy('db', 'T', 'merge', { AllowMerge: false });
  for (const [from, to] of parts(rows))
    await data.append({
      ...{ database: 'db', table: 'T', replace: false },
      rows: { kind: 'sql', columns, sql: logSelect(columns, from, to), bound: [] },
    });
  if (isHot) await heat(cluster, Math.ceil(rows / extentRows));
  return { run: ({ kql }) => cluster.query(kql), close: cluster.close };
}

const hotBytesMax = 4 * 1024 ** 3;

/** Reads until all extents are tables in memory. */
async function heat(cluster: LocalCluster, extents: number): Promise<void> {
  const { hot } = await cluster.data();
  for (let read = 0; read < 100 && hot?.count !== extents; read += 1) {
    await cluster.query('T | summarize max(Timestamp) by Service');
    await hot?.settled();
  }
  if (hot?.count !== extents) throw new Error(`Of ${extents} extents ${hot?.count ?? 0} are tables.`);
}

const parts = (rows: number): (readonly [number, number])[] =>
  Array.from({ length: Math.ceil(rows / extentRows) }, (_part, index) => [
    index * extentRows,
    Math.min(rows, (index + 1) * extentRows),
  ]);

/** DuckDB as anybody uses it, over the same files as extents are, and over its own tables in memory. */
async function plainStore(kind: 'parquet' | 'tables', columns: readonly LogColumn[], rows: number): Promise<Store> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const directory = join(tmpdir(), `kustody-bench-plain-${process.pid}`);
  const named = columns.map(({ name }, index) => `c${index} AS "${name}"`).join(', ');
  if (kind === 'parquet') {
    mkdirSync(directory, { recursive: true });
    for (const [index, [from, to]] of parts(rows).entries())
      await connection.run(
        `COPY (${logSelect(columns, from, to)}) TO '${join(directory, `${index}.parquet`)}' (FORMAT parquet, COMPRESSION zstd)`,
      );
    await connection.run(`CREATE VIEW T AS SELECT ${named} FROM read_parquet('${join(directory, '*.parquet')}')`);
  } else {
    await connection.run(`CREATE TABLE T AS SELECT ${named} FROM (${logSelect(columns, 0, rows)})`);
  }
  return {
    run: ({ sql }) => drainPlain(connection, sql),
    close: () => {
      connection.closeSync();
      instance.closeSync();
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

interface Cost {
  readonly ms: number;
  /** Of the processor, in all threads: others' work changes it least. */
  readonly cpuMs: number;
  readonly rows: number;
}

async function costOf(store: Store, query: LogQuery): Promise<Cost> {
  const [before, started] = [process.cpuUsage(), performance.now()];
  const rows = await store.run(query);
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - started, cpuMs: (user + system) / 1_000, rows };
}

/** In turns, so that a slow moment hits all; the best of each counts. */
async function costsOf(stores: readonly Store[], query: LogQuery): Promise<readonly Cost[]> {
  let best = await Promise.resolve(stores.map((): Cost => ({ ms: Infinity, cpuMs: Infinity, rows: 0 })));
  for (let round = 0; round <= rounds; round += 1) {
    const found: Cost[] = [];
    for (const store of stores) found.push(await costOf(store, query));
    // The first round compiles and opens.
    if (round > 0)
      best = found.map((cost, index) => ({
        ms: Math.min(cost.ms, best[index]?.ms ?? Infinity),
        cpuMs: Math.min(cost.cpuMs, best[index]?.cpuMs ?? Infinity),
        rows: cost.rows,
      }));
  }
  return best;
}

interface Compared {
  readonly name: string;
  readonly parquet: number;
  readonly tables: number;
  /** Of extents that are tables in memory, over Parquet. */
  readonly hot: number;
  /** The time of the processor is `rows ^ exponent`, from a quarter of the rows to all. */
  readonly exponent: number;
  /** Of the processor, for each row of the table. */
  readonly microseconds: number;
}

async function operationIdOf(row: number): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection: DuckDBConnection = await instance.connect();
  const reader = await connection.runAndReadAll(operationIdSql(row));
  const id = String(reader.getRows()[0]?.[0]);
  connection.closeSync();
  instance.closeSync();
  return id;
}

async function compared(): Promise<readonly Compared[]> {
  requireRoom(rowCount, wideNeeds);
  const quarter = Math.floor(rowCount / 4);
  const small = await sealedStore(logColumns, quarter);
  const smallCosts = new Map<string, number>();
  for (const query of queriesAsked(quarter, await operationIdOf(quarter >> 1))) {
    const [cost] = await costsOf([small], query);
    smallCosts.set(query.name, cost?.cpuMs ?? NaN);
  }
  await small.close();
  const stores = [
    await sealedStore(logColumns, rowCount),
    await plainStore('parquet', logColumns, rowCount),
    await plainStore('tables', logColumns, rowCount),
    await sealedStore(logColumns, rowCount, true),
  ];
  const found: Compared[] = [];
  for (const query of queriesAsked(rowCount, await operationIdOf(rowCount >> 1))) {
    const [ours, parquet, tables, hot] = await costsOf(stores, query);
    if (!ours || !parquet || !tables || !hot) throw new Error('There are four stores.');
    if (ours.rows !== parquet.rows || ours.rows !== tables.rows || ours.rows !== hot.rows)
      throw new Error(`${query.name}: ${ours.rows} rows, by hand ${parquet.rows} and ${tables.rows}.`);
    const one = {
      name: query.name,
      parquet: ours.ms / parquet.ms,
      tables: ours.ms / tables.ms,
      hot: hot.ms / parquet.ms,
      exponent: Math.log(ours.cpuMs / (smallCosts.get(query.name) ?? NaN)) / Math.log(rowCount / quarter),
      microseconds: (ours.cpuMs * 1_000) / rowCount,
    };
    const [a, b, c, d] = [ours, parquet, tables, hot].map(
      ({ ms, cpuMs }) => `${Math.round(ms)} (${Math.round(cpuMs)})`,
    );
    process.stderr.write(
      `  ${one.parquet.toFixed(2)} of Parquet, ${one.tables.toFixed(2)} of tables, hot ${one.hot.toFixed(2)} of Parquet, exponent ${one.exponent.toFixed(2)}: ${one.name}, ms (of the processor) ${a ?? ''} / ${b ?? ''} / ${c ?? ''} / hot ${d ?? ''}\n`,
    );
    found.push(one);
  }
  for (const store of stores) await store.close();
  return found;
}

let measured: Promise<readonly Compared[]> | undefined;
const all = (): Promise<readonly Compared[]> => (measured ??= compared());

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

const greatest = (
  found: readonly Compared[],
  of: 'parquet' | 'tables' | 'exponent' | 'hot' | 'microseconds',
): { readonly ratio: number; readonly detail: string } => {
  const sorted = found.toSorted((left, right) => right[of] - left[of]);
  return {
    ratio: sorted[0]?.[of] ?? NaN,
    detail: sorted
      .slice(0, 8)
      .map((one) => `${one.name} ${one[of].toFixed(2)}`)
      .join(', '),
  };
};

/** Queries that compute one function for every row, which DuckDB has not, or not as the language has it. */
const ofFunctions = ['parse', 'parse_url', 'format_datetime', 'hash', 'todatetime', 'extract'].filter(
  (name) => namesAsked?.includes(name) ?? true,
);

/** One store at a time: the sealed one is gone before the plain one is made. */
async function largeRatios(rows: number): Promise<{ readonly ratio: number; readonly detail: string }> {
  requireRoom(rows, largeNeeds);
  const columns = largeColumns(logColumns);
  const queries = largeQueries(rows, await operationIdOf(rows >> 1));
  const costs: Cost[][] = [];
  for (const open of [() => sealedStore(columns, rows), () => plainStore('parquet', columns, rows)]) {
    const store = await open();
    const own: Cost[] = [];
    for (const query of queries) own.push(...(await costsOf([store], query)));
    await store.close();
    costs.push(own);
  }
  const ratios = queries.map((query, index) => {
    const [ours, plain] = costs.map((own) => own[index]);
    if (ours?.rows !== plain?.rows)
      throw new Error(`${query.name}: ${ours?.rows ?? 0} rows, by hand ${plain?.rows ?? 0}.`);
    return { name: query.name, ratio: (ours?.ms ?? NaN) / (plain?.ms ?? NaN), ms: ours?.ms ?? NaN };
  });
  return {
    ratio: geometricMean(ratios.map(({ ratio }) => ratio)),
    detail: ratios.map(({ name, ratio, ms }) => `${name} ${ratio.toFixed(2)} (${Math.round(ms)} ms)`).join(', '),
  };
}

const what = `${namesAsked?.length ?? 25} queries on ${rowCount / 1e6} M rows of 30 columns`;

export const kqlRows: readonly BenchRow[] = [
  {
    id: 'kql-log-parquet',
    ratio: `${what}: KQL over hand-written SQL on plain Parquet, geometric mean`,
    rule: 'atMost',
    floor: 1.1,
    aim: 1,
    run: async () => {
      const found = await all();
      return { ...greatest(found, 'parquet'), ratio: geometricMean(found.map(({ parquet }) => parquet)) };
    },
  },
  {
    id: 'kql-log-worst',
    ratio: `the worst of the ${what}, over Parquet`,
    rule: 'atMost',
    floor: 1.5,
    aim: 1.2,
    run: async () => greatest(await all(), 'parquet'),
  },
  {
    id: 'kql-log-tables',
    ratio: `${what}: KQL over hand-written SQL on tables of DuckDB in memory, geometric mean`,
    rule: 'atMost',
    floor: 3,
    aim: 1.5,
    run: async () => {
      const found = await all();
      return { ...greatest(found, 'tables'), ratio: geometricMean(found.map(({ tables }) => tables)) };
    },
  },
  {
    id: 'kql-log-hot',
    ratio: `${what}, over extents that are tables in memory: KQL over hand-written SQL on plain Parquet, geometric mean`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const found = await all();
      return { ...greatest(found, 'hot'), ratio: geometricMean(found.map(({ hot }) => hot)) };
    },
  },
  {
    id: 'kql-log-growth',
    ratio: `${what}: the greatest exponent of time by rows, from a quarter of them`,
    rule: 'atMost',
    floor: 1.2,
    aim: 1.05,
    run: async () => greatest(await all(), 'exponent'),
  },
  ...(ofFunctions.length === 0
    ? []
    : [
        {
          id: 'kql-functions',
          ratio: `${what}: µs of the processor a row, reading it included, where a function is computed for each; the greatest`,
          rule: 'atMost' as const,
          floor: 0.3,
          aim: 0.2,
          run: async () =>
            greatest(
              (await all()).filter(({ name }) => ofFunctions.includes(name)),
              'microseconds',
            ),
        },
      ]),
  ...(largeRowCount === undefined
    ? []
    : [
        {
          id: 'kql-log-large',
          ratio: `5 queries on ${largeRowCount / 1e6} M rows of 8 columns: KQL over hand-written SQL on plain Parquet, geometric mean`,
          rule: 'atMost' as const,
          floor: 1.1,
          aim: 1,
          run: () => largeRatios(largeRowCount),
        },
      ]),
];
