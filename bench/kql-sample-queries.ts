import type { LogColumn } from './kql-rows.ts';
import { middleOf } from './kql-rows.ts';

/** A question in KQL over the table `T`, and as somebody who knows DuckDB writes it over rows with the same names. */
export interface LogQuery {
  readonly name: string;
  readonly kql: string;
  readonly sql: string;
}

const hour = 36_000_000_000n;
const unixEpochTicks = 621_355_968_000_000_000n;
const datetime = (ticks: bigint): string =>
  `datetime(${new Date(Number((ticks - unixEpochTicks) / 10_000n)).toISOString()})`;
const terms = Array.from({ length: 700 }, (_term, index) => `word${index * 28}`);
const timestampOf = (ticks: string): string => `make_timestamp((${ticks} - ${unixEpochTicks}) // 10)`;
/** `has` by hand: a term between what is neither letter nor digit. */
const hasWord = (column: string, term: string): string => `regexp_matches(lower(${column}), '\\b${term}\\b')`;

/** What queries of real corpora do most. Text comparisons by hand are as exact as those of the language: `has` heeds terms and no case. */
export function logQueries(rowCount: number, operationId: string): readonly LogQuery[] {
  const [from, to] = middleOf(rowCount);
  const [since, until] = [from - (from % hour), to - (to % hour)];
  const range = `Timestamp between (${datetime(since)} .. ${datetime(until)})`;
  const sqlRange = `Timestamp >= ${since} AND Timestamp <= ${until}`;
  return [
    {
      name: 'count by level in a range of time',
      kql: `T | where ${range} | summarize count() by Level`,
      sql: `SELECT Level, count(*) FROM T WHERE ${sqlRange} GROUP BY 1`,
    },
    {
      name: 'count by hour',
      kql: 'T | summarize count() by bin(Timestamp, 1h)',
      sql: `SELECT Timestamp - Timestamp % ${hour}, count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'aggregates by service',
      kql: 'T | summarize Total = count(), Errors = countif(Status >= 500), avg(DurationMs), max(ResponseBytes) by Service, Region | extend Share = 100.0 * Errors / Total',
      sql: `SELECT Service, Region, count(*) AS total, count(*) FILTER (Status >= 500) AS errors, avg(DurationMs), max(ResponseBytes), 100.0 * errors / total FROM T GROUP BY 1, 2`,
    },
    {
      name: 'dcount',
      kql: 'T | summarize dcount(UserId) by Service',
      sql: 'SELECT Service, count(DISTINCT UserId) FROM T GROUP BY 1',
    },
    {
      name: 'percentiles',
      kql: 'T | summarize percentiles(DurationMs, 50, 95, 99) by Region',
      sql: 'SELECT Region, quantile_disc(DurationMs, [0.5, 0.95, 0.99]) FROM T GROUP BY 1',
    },
    {
      name: 'arg_max',
      kql: 'T | summarize arg_max(Timestamp, Status, Message) by Host',
      sql: 'SELECT Host, max(Timestamp), arg_max(Status, Timestamp), arg_max(Message, Timestamp) FROM T GROUP BY 1',
    },
    {
      name: 'arg_max of all columns',
      kql: 'T | summarize arg_max(Timestamp, *) by SessionId | count',
      sql: 'SELECT count(*) FROM (SELECT SessionId, arg_max(t, Timestamp) FROM T AS t GROUP BY 1)',
    },
    {
      name: 'top',
      kql: 'T | top 10 by DurationMs desc',
      sql: 'SELECT * FROM T ORDER BY DurationMs DESC LIMIT 10',
    },
    {
      name: 'distinct',
      kql: 'T | distinct Service, Component, Region, Stage',
      sql: 'SELECT DISTINCT Service, Component, Region, Stage FROM T',
    },
    {
      name: 'has',
      kql: 'T | where Message has "payments" | summarize count() by Component',
      sql: `SELECT Component, count(*) FROM T WHERE ${hasWord('Message', 'payments')} GROUP BY 1`,
    },
    {
      name: 'has_any of 700 terms',
      kql: `T | where Message has_any (${terms.map((term) => `"${term}"`).join(', ')}) | count`,
      sql: `SELECT count(*) FROM T WHERE ${hasWord('Message', `(?:${terms.join('|')})`)}`,
    },
    {
      name: 'contains and startswith',
      kql: 'T | where Message contains "CART" and Host startswith "HOST1" | count',
      sql: `SELECT count(*) FROM T WHERE contains(lower(Message), 'cart') AND starts_with(lower(Host), 'host1')`,
    },
    {
      name: 'point lookup',
      kql: `T | where OperationId == "${operationId}" | project Timestamp, Service, Message`,
      sql: `SELECT Timestamp, Service, Message FROM T WHERE OperationId = '${operationId}'`,
    },
    {
      name: 'parse',
      kql: 'T | parse Line with "pid=" Pid:long " user=" User " action=" Action " took " Took:long "ms" | summarize max(Pid), sum(Took) by User, Action',
      sql: `SELECT m.u, m.a, max(CAST(m.p AS BIGINT)), sum(CAST(m.t AS BIGINT)) FROM (SELECT regexp_extract(Line, '^pid=(.*?) user=(.*?) action=(.*?) took (.*?)ms$', ['p', 'u', 'a', 't']) AS m FROM T) GROUP BY 1, 2`,
    },
    {
      name: 'parse_url',
      kql: 'T | summarize count() by Host = tostring(parse_url(Url).Host)',
      sql: `SELECT regexp_extract(Url, '^[a-z]+://([^:/?#]*)', 1), count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'format_datetime',
      kql: 'T | summarize count() by format_datetime(Timestamp, "yyyy-MM-dd HH:mm")',
      sql: `SELECT strftime(${timestampOf('Timestamp')}, '%Y-%m-%d %H:%M'), count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'hash',
      kql: 'T | where hash(SessionId, 16) == 3 | summarize count()',
      sql: 'SELECT count(*) FROM T WHERE hash(SessionId) % 16 = 3',
    },
    {
      name: 'todatetime',
      kql: 'T | summarize count() by bin(todatetime(WhenText), 1h)',
      sql: `SELECT time_bucket(INTERVAL 1 HOUR, TRY_CAST(WhenText AS TIMESTAMP)), count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'extract',
      kql: 'T | extend Client = extract(@"^([a-z]+)/(\\d+)", 2, Agent, typeof(int)) | summarize count() by Client',
      sql: `SELECT TRY_CAST(regexp_extract(Agent, '^([a-z]+)/(\\d+)', 2) AS INTEGER), count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'split and strcat',
      kql: 'T | extend Part = tostring(split(Url, "/")[4]) | summarize count() by strcat(Method, " ", Part)',
      sql: `SELECT Method || ' ' || string_split(Url, '/')[5], count(*) FROM T GROUP BY 1`,
    },
    {
      name: 'dynamic paths',
      kql: 'T | where Properties.request.kind == "write" | summarize sum(todouble(Properties.cost)) by Retries = toint(Properties.retries)',
      sql: `SELECT CAST(json_extract_string(Properties, '$.retries') AS INTEGER), sum(CAST(json_extract_string(Properties, '$.cost') AS DOUBLE)) FROM T WHERE json_extract_string(Properties, '$.request.kind') = 'write' GROUP BY 1`,
    },
    {
      name: 'mv-expand',
      kql: 'T | mv-expand Tag = Tags to typeof(string) | summarize count() by Tag',
      sql: `SELECT Tag, count(*) FROM (SELECT unnest(from_json(Tags, '["VARCHAR"]')) AS Tag FROM T) GROUP BY 1`,
    },
    {
      name: 'make-series',
      kql: `T | make-series Errors = countif(Status >= 500) default = 0 on Timestamp from ${datetime(since)} to ${datetime(until)} step 1h by Service`,
      sql: `SELECT Service, list(n ORDER BY bin) FROM (SELECT s.Service, b.bin, coalesce(n, 0) AS n FROM (SELECT DISTINCT Service FROM T WHERE ${sqlRange}) AS s CROSS JOIN range(${since}, ${until}, ${hour}) AS b(bin) LEFT JOIN (SELECT Service, Timestamp - Timestamp % ${hour} AS bin, count(*) FILTER (Status >= 500) AS n FROM T WHERE ${sqlRange} GROUP BY 1, 2) AS c ON c.Service = s.Service AND c.bin = b.bin) GROUP BY 1`,
    },
    {
      name: 'join',
      kql: 'T | where Level == "Error" | join kind=inner (T | summarize Requests = count() by UserId | where Requests > 5) on UserId | summarize sum(Requests) by Region',
      sql: `SELECT Region, sum(Requests) FROM (SELECT UserId, Region FROM T WHERE Level = 'Error') JOIN (SELECT UserId, count(*) AS Requests FROM T GROUP BY 1 HAVING Requests > 5) USING (UserId) GROUP BY 1`,
    },
    {
      name: 'leftanti join',
      kql: 'T | where Status == 404 | join kind=leftanti (T | where Status == 500) on UserId | summarize count() by Service',
      sql: 'SELECT Service, count(*) FROM T WHERE Status = 404 AND UserId NOT IN (SELECT UserId FROM T WHERE Status = 500) GROUP BY 1',
    },
  ];
}

/** What is asked of a table so large that one of its stores at a time has room. */
export const largeQueries = (rowCount: number, operationId: string): readonly LogQuery[] =>
  logQueries(rowCount, operationId).filter(({ name }) =>
    ['point lookup', 'has', 'count by hour', 'percentiles', 'top'].includes(name),
  );

/** Columns of that table: those that its queries name, and one more. */
export const largeColumns = (columns: readonly LogColumn[]): readonly LogColumn[] =>
  columns.filter(({ name }) =>
    ['Timestamp', 'Service', 'OperationId', 'Message', 'UserId', 'DurationMs', 'Component', 'Region'].includes(name),
  );
