import type { Column } from '../src/kql/plan/types.ts';
import { firstTick } from './sample-rows.ts';

/** A column of the log, and its value for row `i` in SQL, in the engine's physical types. */
export interface LogColumn extends Column {
  readonly sql: string;
}

/** Numbers that are the same for every run; which one of many is chosen with `salt`. Rows of one operation share `of`. */
const hash = (salt: number, of = 'i'): string => `(hash(${of} + ${salt * 1_000_003}) >> 8)`;
const among = (salt: number, words: readonly string[]): string =>
  `['${words.join("', '")}'][CAST(${hash(salt)} % ${words.length} AS INTEGER) + 1]`;
const hex = (salt: number, of: string): string => `printf('%016x', CAST(${hash(salt, of)} AS BIGINT))`;

const ticksPerRow = 8_640_000n;
const operation = 'i // 4';
const time = `(${firstTick} + i * ${ticksPerRow})`;
const elapsed = `(CAST(${hash(40)} % 20000000 AS BIGINT))`;
const isoText = (ticks: string): string =>
  `strftime(make_timestamp((${ticks} - 621355968000000000) // 10), '%Y-%m-%dT%H:%M:%S.%fZ')`;

/** Words of messages: there are so many of them that a term is in few rows. */
const word = (salt: number): string => `'word' || CAST(${hash(salt)} % 20000 AS VARCHAR)`;
const place = among(8, ['orders', 'users', 'items', 'carts', 'payments', 'timeouts']);

/** What a service writes about its requests: times, texts of few and of many values, numbers, dynamics, lines to be taken apart. */
export const logColumns: readonly LogColumn[] = [
  { name: 'Timestamp', type: 'datetime', sql: time },
  {
    name: 'Level',
    type: 'string',
    sql: `CASE WHEN ${hash(1)} % 100 < 80 THEN 'Info' WHEN ${hash(1)} % 100 < 95 THEN 'Warning' ELSE 'Error' END`,
  },
  { name: 'Service', type: 'string', sql: `'service-' || CAST(${hash(2)} % 50 AS VARCHAR)` },
  { name: 'OperationId', type: 'string', sql: `${hex(11, operation)} || ${hex(12, operation)}` },
  {
    name: 'Message',
    type: 'string',
    sql: `'request to ' || ${place} || ' of ' || ${word(13)} || ' ended: ' || ${word(14)}`,
  },
  { name: 'UserId', type: 'long', sql: `CAST(${hash(3)} % 100000 AS BIGINT)` },
  { name: 'DurationMs', type: 'real', sql: `CAST(${hash(5)} % 1000000 AS DOUBLE) / 100` },
  {
    name: 'Status',
    type: 'int',
    sql: `CAST(CASE WHEN ${hash(4)} % 100 < 92 THEN 200 WHEN ${hash(4)} % 100 < 97 THEN 404 ELSE 500 END AS INTEGER)`,
  },
  { name: 'Component', type: 'string', sql: among(15, ['web', 'worker', 'gateway', 'cache', 'store', 'search']) },
  { name: 'Host', type: 'string', sql: `'host' || CAST(${hash(16)} % 400 AS VARCHAR)` },
  { name: 'Region', type: 'string', sql: among(9, ['eastus', 'westus', 'northeurope', 'japaneast']) },
  { name: 'Stage', type: 'string', sql: among(17, ['prod', 'prod', 'prod', 'test', 'dev']) },
  { name: 'TenantId', type: 'string', sql: `'tenant-' || ${hex(18, 'i % 1000')}` },
  { name: 'SessionId', type: 'string', sql: hex(19, 'i // 20') },
  {
    name: 'Url',
    type: 'string',
    sql: `'https://' || ${among(20, ['api', 'www', 'cdn'])} || '.contoso.com:8443/v1/' || ${place} || '/' || CAST(${hash(21)} % 5000 AS VARCHAR) || '?page=' || CAST(${hash(22)} % 9 AS VARCHAR) || '&lang=en'`,
  },
  { name: 'Method', type: 'string', sql: among(23, ['GET', 'GET', 'GET', 'POST', 'PUT']) },
  { name: 'RequestBytes', type: 'long', sql: `CAST(${hash(6)} % 65536 AS BIGINT)` },
  { name: 'ResponseBytes', type: 'long', sql: `CAST(${hash(24)} % 1048576 AS BIGINT)` },
  {
    name: 'ClientIp',
    type: 'string',
    sql: `'10.' || CAST(${hash(25)} % 256 AS VARCHAR) || '.' || CAST(${hash(26)} % 256 AS VARCHAR) || '.7'`,
  },
  {
    name: 'Agent',
    type: 'string',
    sql: `'client/' || CAST(${hash(27)} % 30 AS VARCHAR) || '.1 (' || ${among(28, ['Windows', 'Linux', 'Darwin'])} || ')'`,
  },
  { name: 'IsRetry', type: 'bool', sql: `${hash(29)} % 10 = 0` },
  { name: 'Attempt', type: 'int', sql: `CAST(${hash(30)} % 4 AS INTEGER)` },
  { name: 'Started', type: 'datetime', sql: `${time} - ${elapsed}` },
  { name: 'Received', type: 'datetime', sql: `${time} + CAST(${hash(31)} % 600000000 AS BIGINT)` },
  { name: 'Elapsed', type: 'timespan', sql: elapsed },
  {
    name: 'Properties',
    type: 'dynamic',
    sql: `'{"request":{"id":"' || ${hex(32, 'i')} || '","kind":"' || ${among(33, ['read', 'write', 'list'])} || '"},"retries":' || CAST(${hash(10)} % 4 AS VARCHAR) || ',"cost":' || CAST(${hash(34)} % 1000 AS VARCHAR) || '.5}'`,
  },
  {
    name: 'Tags',
    type: 'dynamic',
    sql: `'["t' || CAST(${hash(35)} % 20 AS VARCHAR) || '","u' || CAST(${hash(36)} % 5 AS VARCHAR) || '"]'`,
  },
  {
    name: 'Line',
    type: 'string',
    sql: `'pid=' || CAST(${hash(37)} % 32768 AS VARCHAR) || ' user=' || ${among(38, ['ann', 'bob', 'eve'])} || ' action=' || ${among(39, ['open', 'close', 'send'])} || ' took ' || CAST(${hash(41)} % 5000 AS VARCHAR) || 'ms'`,
  },
  { name: 'WhenText', type: 'string', sql: isoText(time) },
  {
    name: 'Version',
    type: 'string',
    sql: `'1.' || CAST(${hash(42)} % 12 AS VARCHAR) || '.' || CAST(${hash(43)} % 40 AS VARCHAR)`,
  },
];

/** The SELECT of rows `from` up to but not including `to`. Columns are c0, c1 … in the order of `columns`. */
export const logSelect = (columns: readonly LogColumn[], from: number, to: number): string =>
  `SELECT ${columns.map(({ sql }, index) => `${sql} AS c${index}`).join(', ')} FROM range(${from}, ${to}) AS t(i)`;

/** A SELECT of the text by which a row is looked for. */
export const operationIdSql = (row: number): string =>
  `SELECT ${logColumns.find(({ name }) => name === 'OperationId')?.sql ?? ''} FROM range(${row}, ${row + 1}) AS t(i)`;

/** A tenth of the log, in its middle: ticks, from and to. */
export const middleOf = (rowCount: number): readonly [bigint, bigint] => [
  firstTick + BigInt(Math.floor(rowCount * 0.45)) * ticksPerRow,
  firstTick + BigInt(Math.floor(rowCount * 0.55)) * ticksPerRow,
];
