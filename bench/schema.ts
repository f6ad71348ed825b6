import type { Column, KqlType } from '../src/kql/plan/types.ts';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import { processesUnder, residentMb } from './processes.ts';
import type { BenchRow } from './row.ts';
import { quantile, timed } from './row.ts';

/** As schemas of security operations are: half of a table's columns have names that others have, too. */
const [tableCount, columnCount, functionCount] = [1_000, 50, 500];
const types: readonly KqlType[] = ['string', 'long', 'datetime', 'dynamic', 'real'];
const turns = 30;

const columnsOf = (table: number): Column[] =>
  Array.from({ length: columnCount }, (_column, index) => ({
    name: index < columnCount / 2 ? `Common${index}` : `Own${table}_${index}`,
    type: types[index % types.length] ?? 'string',
  }));

const bodyOf = (table: number): string =>
  `{ Table${table} | where Common1 > least | project Common0, Common1, Common2 | summarize count() by Common0 }`;

async function cluster(tables: number, functions: number): Promise<LocalCluster> {
  const opened = await openLocalCluster();
  const data = await opened.data();
  const schemas = Array.from({ length: tables }, (_table, index) => ({
    name: `Table${index}`,
    columns: columnsOf(index),
  }));
  for (let from = 0; from < tables; from += 100) await data.createTables('db', schemas.slice(from, from + 100));
  for (let index = 0; index < functions; index += 1) {
    const fn = { name: `Function${index}`, parameters: '(least: long)', body: bodyOf(index % tables) };
    await data.putFunction('db', fn, 'create');
  }
  return opened;
}

/** Functions made one after the other, each with a query that nobody has asked before behind it. @returns p50 of both, in ms */
async function changes(of: LocalCluster): Promise<{ readonly create: number; readonly query: number }> {
  const data = await of.data();
  const [create, query]: [number[], number[]] = [[], []];
  for (let turn = -5; turn < turns; turn += 1) {
    const fn = { name: `Made${turn + 5}`, parameters: '(least: long)', body: bodyOf(0) };
    const creating = await timed(async () => {
      await of.parse(`.create function ${fn.name}${fn.parameters} ${fn.body}`);
      await data.putFunction('db', fn, 'create');
    });
    const asking = await timed(async () => {
      await of.query(`Table0 | where Common1 > ${turn} | summarize count() by Common0 | take 10`);
    });
    if (turn < 0) continue;
    create.push(creating);
    query.push(asking);
  }
  return { create: quantile(create, 0.5), query: quantile(query, 0.5) };
}

const parserMb = (): number => Math.max(...processesUnder(process.pid, 'kql-process.js').map(residentMb));

interface Figures {
  readonly small: { readonly create: number; readonly query: number };
  readonly large: { readonly create: number; readonly query: number };
  readonly searchMs: number;
  readonly findMs: number;
  readonly parserMb: number;
}

let measured: Promise<Figures> | undefined;
const figures = (): Promise<Figures> => (measured ??= measure());

async function measure(): Promise<Figures> {
  const one = await cluster(1, 1);
  const small = await changes(one);
  await one.close();
  const many = await cluster(tableCount, functionCount);
  const large = await changes(many);
  const searches: number[] = [];
  for (const term of ['x', 'y', 'z'])
    searches.push(
      await timed(async () => {
        await many.query(`search "${term}"`);
      }),
    );
  const finds: number[] = [];
  for (const condition of ['"x"', 'withsource=from where Common1 > 7', 'where Common0 == "z" project Common0, pack(*)'])
    finds.push(
      await timed(async () => {
        await many.query(`find ${condition}`);
      }),
    );
  const resident = parserMb();
  await many.close();
  return { small, large, searchMs: quantile(searches, 0.5), findMs: quantile(finds, 0.5), parserMb: resident };
}

const schema = `${tableCount} tables of ${columnCount} columns and ${functionCount} functions`;
const ms = (time: number): string => `${time.toFixed(1)} ms`;

export const schemaRows: readonly BenchRow[] = [
  {
    id: 'schema-function',
    ratio: `create a function beside ${schema}, p50, over 20 ms`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const { small, large } = await figures();
      return { ratio: large.create / 20, detail: `${ms(large.create)}, beside one table ${ms(small.create)}` };
    },
  },
  {
    id: 'schema-query',
    ratio: `a query of one table after each such change, what ${schema} add to it, p50, over 15 ms`,
    rule: 'atMost',
    floor: 1,
    aim: 0.3,
    run: async () => {
      const { small, large } = await figures();
      return {
        ratio: (large.query - small.query) / 15,
        detail: `${ms(large.query)}, beside one table ${ms(small.query)}`,
      };
    },
  },
  {
    id: 'schema-search',
    ratio: `search "x" over ${tableCount} empty tables, not seen before, p50, over 1 s`,
    rule: 'atMost',
    floor: 1,
    aim: 0.3,
    run: async () => {
      const { searchMs } = await figures();
      return { ratio: searchMs / 1_000, detail: ms(searchMs) };
    },
  },
  {
    id: 'schema-find',
    ratio: `find over ${tableCount} empty tables, not seen before, p50 of three forms, over 1 s`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const { findMs } = await figures();
      return { ratio: findMs / 1_000, detail: ms(findMs) };
    },
  },
  {
    id: 'schema-parser',
    ratio: 'resident memory of the parser process after all of that, over 300 MB',
    rule: 'atMost',
    floor: 1,
    aim: 0.7,
    run: async () => {
      const { parserMb: resident } = await figures();
      return { ratio: resident / 300, detail: `${Math.round(resident)} MB` };
    },
  },
];
