import type { BenchRow, Measured } from './row.ts';
import { quantile, sideBySide, timed } from './row.ts';
import { openParser } from './local-cluster.ts';
import { sampleCluster } from './sample-cluster.ts';
import type { SampleQuery } from './sample-queries.ts';
import { scanQueries, typicalQueries } from './sample-queries.ts';
import { drainPlain, openPlainDatabase, sampleColumns, sampleRows } from './sample-rows.ts';

const millions = `${sampleRows / 1e6} M rows`;
const rounds = 3;

const geometricMean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Each query on both sides in turns. The measure is the geometric mean of the ratios; the figures name them all. */
async function compared(queries: readonly SampleQuery[]): Promise<Measured> {
  const cluster = await sampleCluster();
  const plain = await openPlainDatabase();
  const found: { readonly ratio: number; readonly text: string }[] = [];
  for (const { name, kql, sql } of queries) {
    const [expected, given] = [await drainPlain(plain.connection, sql(cluster.plainRows)), await cluster.query(kql)];
    if (expected !== given) throw new Error(`${name}: ${given} rows instead of ${expected}.`);
    const { ours, reference } = await sideBySide(
      async () => {
        await cluster.query(kql);
      },
      async () => {
        await drainPlain(plain.connection, sql(cluster.plainRows));
      },
      rounds,
    );
    const ratio = ours / reference;
    found.push({ ratio, text: `${name} ${ratio.toFixed(2)} (${Math.round(ours)}/${Math.round(reference)} ms)` });
  }
  plain.close();
  const ratio = geometricMean(found.map((one) => one.ratio));
  const byRatio = found.toSorted((left, right) => right.ratio - left.ratio);
  return { ratio, detail: byRatio.map(({ text }) => text).join(', ') };
}

export const queryRows: readonly BenchRow[] = [
  {
    id: 'kql-translate',
    ratio: 'text not seen before → SQL-ready program by the parser process, p50, over 10 ms',
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const parser = openParser();
      const catalog = {
        version: '1',
        cluster: 'bench',
        databases: [{ name: 'db', tables: [{ name: 'Logs', columns: sampleColumns }], functions: [] }],
      };
      await parser.compile('Logs | count', 'db', catalog);
      const times: number[] = [];
      for (let turn = 0; turn < 30; turn += 1) {
        for (const { kql } of typicalQueries) {
          const text = `${kql} | where ${turn} >= 0`;
          times.push(
            await timed(async () => {
              await parser.compile(text, 'db', catalog);
            }),
          );
        }
      }
      parser.stop();
      const p50 = quantile(times, 0.5);
      return { ratio: p50 / 10, detail: `p50 ${p50.toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms` };
    },
  },
  {
    id: 'kql-first',
    ratio: 'first query of a parser process that has just started, parse time, over 100 ms',
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const catalog = {
        version: '1',
        cluster: 'bench',
        databases: [{ name: 'db', tables: [{ name: 'Logs', columns: sampleColumns }], functions: [] }],
      };
      const [first, start]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 5; turn += 1) {
        const parser = openParser();
        start.push(await timed(() => parser.ready()));
        first.push(
          await timed(async () => {
            await parser.compile(typicalQueries[0]?.kql ?? '', 'db', catalog);
          }),
        );
        parser.stop();
      }
      const best = Math.min(...first);
      return {
        ratio: best / 100,
        detail: `${best.toFixed(0)} ms; the process takes ${Math.min(...start).toFixed(0)} ms to start`,
      };
    },
  },
  {
    id: 'kql-queries',
    ratio: `ten typical queries on ${millions}: KQL over hand-written DuckDB SQL on plain Parquet, geometric mean`,
    rule: 'atMost',
    floor: 1.2,
    aim: 1.05,
    run: () => compared(typicalQueries),
  },
  {
    id: 'kql-has',
    ratio: `has on ${millions} of text over contains, both in KQL`,
    rule: 'atMost',
    floor: 1.5,
    aim: 1.05,
    run: async () => {
      const cluster = await sampleCluster();
      const plain = await openPlainDatabase();
      const has = async (): Promise<void> => {
        await cluster.query('Logs | where Message has "payments" | count');
      };
      const { ours, reference } = await sideBySide(has, async () => {
        await cluster.query('Logs | where Message contains "payments" | count');
      });
      const exact = await sideBySide(
        has,
        async () => {
          await drainPlain(
            plain.connection,
            `SELECT count(*) FROM ${cluster.plainRows} WHERE contains(c7, 'payments')`,
          );
        },
        rounds,
      );
      plain.close();
      return {
        ratio: ours / reference,
        detail: `${Math.round(ours)} ms, contains ${Math.round(reference)} ms; DuckDB's contains(), which heeds case, ${Math.round(exact.reference)} ms`,
      };
    },
  },
  {
    id: 'sealed-warm',
    ratio: `five scans of ${millions}, warm: sealed extents over DuckDB on plain Parquet, geometric mean`,
    rule: 'atMost',
    floor: 1.25,
    aim: 1.05,
    run: () => compared(scanQueries),
  },
  {
    id: 'sealed-first',
    ratio: `first scan of all columns of ${millions} after a start over DuckDB's first on plain Parquet`,
    rule: 'atMost',
    floor: 4,
    aim: 2.5,
    run: async () => {
      const cluster = await sampleCluster();
      const scan = scanQueries.find(({ name }) => name === 'all columns');
      if (scan === undefined) throw new Error('There is such a scan.');
      await cluster.query(scan.kql); // compiled
      const best = { ours: Infinity, reference: Infinity };
      for (let round = 0; round < rounds; round += 1) {
        await cluster.restart();
        best.ours = Math.min(
          best.ours,
          await timed(async () => {
            await cluster.query(scan.kql);
          }),
        );
        const plain = await openPlainDatabase();
        best.reference = Math.min(
          best.reference,
          await timed(async () => {
            await drainPlain(plain.connection, scan.sql(cluster.plainRows));
          }),
        );
        plain.close();
      }
      return {
        ratio: best.ours / best.reference,
        detail: `${Math.round(best.ours)} ms, plain ${Math.round(best.reference)} ms`,
      };
    },
  },
];
