import { firstTick, sampleRows, ticksPerRow } from './sample-rows.ts';

/** A question in KQL over `Logs`, and as somebody who knows DuckDB writes it over the same Parquet. */
export interface SampleQuery {
  readonly name: string;
  readonly kql: string;
  readonly sql: (rows: string) => string;
}

const day = 864_000_000_000n;
const middle = (share: number): bigint => {
  const tick = firstTick + BigInt(Math.floor(sampleRows * share)) * ticksPerRow;
  return tick - (tick % day);
};
const unixEpochTicks = 621_355_968_000_000_000n;
const datetime = (ticks: bigint): string =>
  `datetime(${new Date(Number((ticks - unixEpochTicks) / 10_000n)).toISOString()})`;
const [from, to] = [middle(0.4), middle(0.5)];

/** What analysts ask of a log: counts, ranges of time, groups, text, distinct users, percentiles, JSON, a join. */
export const typicalQueries: readonly SampleQuery[] = [
  {
    name: 'errors by service',
    kql: 'Logs | where Level == "Error" | summarize Errors = count() by Service | sort by Errors desc',
    sql: (rows) => `SELECT c2, count(*) AS n FROM ${rows} WHERE c1 = 'Error' GROUP BY c2 ORDER BY n DESC`,
  },
  {
    name: 'range of time',
    kql: `Logs | where Timestamp >= ${datetime(from)} and Timestamp < ${datetime(to)} | summarize avg(DurationMs), max(DurationMs) by Status`,
    sql: (rows) => `SELECT c4, avg(c5), max(c5) FROM ${rows} WHERE c0 >= ${from} AND c0 < ${to} GROUP BY c4`,
  },
  {
    name: 'per day',
    kql: 'Logs | summarize count() by bin(Timestamp, 1d)',
    sql: (rows) => `SELECT c0 - c0 % ${day}, count(*) FROM ${rows} GROUP BY 1`,
  },
  {
    // Exact on both sides: dcount promises 0.8 % or better, DuckDB's approx_count_distinct is off by 10 % and more.
    name: 'distinct users',
    kql: 'Logs | summarize dcount(UserId) by Service',
    sql: (rows) => `SELECT c2, count(DISTINCT c3) FROM ${rows} GROUP BY c2`,
  },
  {
    name: 'percentile',
    kql: 'Logs | summarize percentile(DurationMs, 95) by Level',
    sql: (rows) => `SELECT c1, quantile_disc(c5, 0.95) FROM ${rows} GROUP BY c1`,
  },
  {
    name: 'text',
    kql: 'Logs | where Message contains "PAYMENTS" | summarize count() by Service',
    sql: (rows) => `SELECT c2, count(*) FROM ${rows} WHERE c7 ILIKE '%PAYMENTS%' GROUP BY c2`,
  },
  {
    name: 'top',
    kql: 'Logs | top 10 by DurationMs desc | project Timestamp, Service, DurationMs',
    sql: (rows) => `SELECT c0, c2, c5 FROM ${rows} ORDER BY c5 DESC LIMIT 10`,
  },
  {
    name: 'JSON',
    kql: 'Logs | where Status == 500 | summarize sum(Bytes) by Region = tostring(Properties.region)',
    sql: (rows) => `SELECT json_extract_string(c8, '$.region'), sum(c6) FROM ${rows} WHERE c4 = 500 GROUP BY 1`,
  },
  {
    name: 'share of errors',
    kql: 'Logs | summarize Total = count(), Errors = countif(Status >= 500) by Service | extend Share = 100.0 * Errors / Total | top 5 by Share',
    sql: (rows) =>
      `SELECT c2, count(*) AS total, count(*) FILTER (c4 >= 500) AS errors, 100.0 * errors / total AS share FROM ${rows} GROUP BY c2 ORDER BY share DESC LIMIT 5`,
  },
  {
    name: 'join',
    kql: 'Logs | where Status == 404 | join kind=leftsemi (Logs | where Level == "Error" and DurationMs > 9990) on UserId | summarize count() by Level',
    sql: (rows) =>
      `SELECT c1, count(*) FROM ${rows} WHERE c4 = 404 AND c3 IN (SELECT c3 FROM ${rows} WHERE c1 = 'Error' AND c5 > 9990) GROUP BY c1`,
  },
];

/** Scans whose cost is reading: narrow, wide, with strings, with a filter that keeps little, all columns. */
export const scanQueries: readonly SampleQuery[] = [
  {
    name: 'sums',
    kql: 'Logs | summarize sum(Bytes), avg(DurationMs), max(UserId)',
    sql: (rows) => `SELECT sum(c6), avg(c5), max(c3) FROM ${rows}`,
  },
  {
    name: 'group by string',
    kql: 'Logs | summarize count(), sum(Bytes) by Service',
    sql: (rows) => `SELECT c2, count(*), sum(c6) FROM ${rows} GROUP BY c2`,
  },
  {
    name: 'length of text',
    kql: 'Logs | summarize max(strlen(Message))',
    sql: (rows) => `SELECT max(length(c7)) FROM ${rows}`,
  },
  {
    name: 'one user',
    kql: 'Logs | where UserId == 4711 | project Timestamp, Service, Message',
    sql: (rows) => `SELECT c0, c2, c7 FROM ${rows} WHERE c3 = 4711`,
  },
  {
    name: 'all columns',
    kql: 'Logs | summarize max(Timestamp), max(Level), max(Service), max(UserId), max(Status), max(DurationMs), max(Bytes), max(Message), max(strlen(tostring(Properties)))',
    sql: (rows) =>
      `SELECT max(c0), max(c1), max(c2), max(c3), max(c4), max(c5), max(c6), max(c7), max(length(c8)) FROM ${rows}`,
  },
];
