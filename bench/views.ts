import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { sideBySide } from './row.ts';
import { sampleColumns, sampleSelect } from './sample-rows.ts';

const rowCount = 1_000_000;
const [by, summed] = [
  sampleColumns.find(({ type }) => type === 'string'),
  sampleColumns.find(({ type }) => type === 'long'),
];
const aggregate = `summarize Rows = count(), Total = sum(${summed?.name ?? ''}) by ${by?.name ?? ''}`;
const rowsOf = (first: number, last: number) =>
  ({ kind: 'sql', columns: sampleColumns, sql: sampleSelect(first, last), bound: [] }) as const;

export const viewRows: readonly BenchRow[] = [
  {
    id: 'view-query',
    ratio: `a materialized view of ${rowCount / 1e6} M rows and some that came since over the same aggregate of the table`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const cluster = await openLocalCluster();
      try {
        const data = await cluster.data();
        await data.createTables('db', [{ name: 'Logs', columns: sampleColumns }]);
        await data.append({ database: 'db', table: 'Logs', replace: false, rows: rowsOf(0, rowCount) });
        const view = { database: 'db', name: 'Summed', source: 'Logs', isOverView: false };
        await data.createMaterializedView({ ...view, query: `Logs | ${aggregate}`, backfill: {} });
        await data.append({ database: 'db', table: 'Logs', replace: false, rows: rowsOf(rowCount, rowCount + 1_000) });
        const groups = await cluster.query('Summed');
        if (groups !== (await cluster.query(`Logs | ${aggregate}`))) throw new Error('The view has other groups.');
        const { ours, reference } = await sideBySide(
          async () => {
            await cluster.query('Summed');
          },
          async () => {
            await cluster.query(`Logs | ${aggregate}`);
          },
        );
        return {
          ratio: ours / reference,
          detail: `${ours.toFixed(1)} ms, table ${reference.toFixed(1)} ms, ${groups} groups`,
        };
      } finally {
        await cluster.close();
      }
    },
  },
];
