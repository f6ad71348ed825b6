import type { Json, JsonObject } from '../../../base/json.ts';
import type { Barred } from '../../../database/commands/barred-tables.ts';
import { parseDatetime, parseTimespan, ticksPerMillisecond } from '../../../kql/values/ticks.ts';
import type { CursorOptions } from '../../../kql/plan/cursor-options.ts';
import { readCursorOptions } from '../../../kql/plan/cursor-options.ts';
import { KqlError } from '../../../kql/plan/kql-error.ts';
import { kustoError } from '../errors/kusto-error.ts';

/** Where version 2 tells that a result broke off. */
export type ErrorPlacement = 'InData' | 'EndOfTable' | 'EndOfDataSet';

/** Options that change what we do. Others are accepted and ignored, as the service does. */
export interface RequestOptions {
  /** Undefined: the default of the kind of request. */
  readonly timeoutMs?: number;
  readonly notruncation: boolean;
  readonly truncationMaxRecords?: number;
  readonly truncationMaxSize?: number;
  readonly takeMaxRecords?: number;
  /** Bytes. */
  readonly memoryPerQuery?: number;
  readonly memoryPerOperator?: number;
  /** Absent: what the group says, or all. */
  readonly dataScope?: 'all' | 'hotcache';
  /** 1 to 100. */
  readonly threadsPercent?: number;
  readonly deferPartialFailures: boolean;
  readonly newlines: boolean;
  readonly fragmented: boolean;
  readonly placement: ErrorPlacement;
  readonly readonly: boolean;
  readonly readonlyHardline: boolean;
  /** Ticks. */
  readonly now?: bigint;
  readonly onlyIfRunning: boolean;
  readonly bestEffort: boolean;
  readonly forceRowLevelSecurity: boolean;
  readonly barred: Barred;
  /** `request_impersonation_disabled` */
  readonly noImpersonation: boolean;
  /** `strongconsistency` unless the client says otherwise: a weak one may be answered by a node that reads from what it has had for a few seconds. */
  readonly consistency: string;
  /** What its author says of the request. */
  readonly description: string;
  readonly cursors: CursorOptions;
  /** How old results may be that were computed before. Absent: they are not taken. */
  readonly cacheMaxAgeMs?: number;
  readonly cacheForceRefresh: boolean;
}

const memoryOptions = {
  memoryPerQuery: 'max_memory_consumption_per_query_per_node',
  memoryPerOperator: 'maxmemoryconsumptionperiterator',
} as const;

/** @see Kusto "Client request properties", "Query limits" */
export const queryTimeoutMs = 4 * 60_000;
export const commandTimeoutMs = 10 * 60_000;
export const timeoutMsMax = 60 * 60_000;

/** UTF-16 units of what a client says of its request. */
const shownUnitsMax = 1_024;

/** Names are compared without case. @throws KustoError `badRequest` for a value that the option cannot have */
export function readOptions(sent: JsonObject): RequestOptions {
  const values = new Map(Object.entries(sent).map(([name, value]) => [name.toLowerCase(), value ?? null]));
  const read = <T>(name: string, parse: (value: Json) => T | undefined): T | undefined => {
    const value = values.get(name);
    if (value === undefined || value === null) return undefined;
    const parsed = parse(value);
    if (parsed === undefined)
      throw kustoError(
        'badRequest',
        `Request is invalid and cannot be processed: the option '${name}' has a value that it cannot have.`,
      );
    return parsed;
  };
  const flag = (name: string): boolean => read(name, booleanOf) ?? false;
  const timeoutMs = flag('norequesttimeout') ? timeoutMsMax : read('servertimeout', timeoutOf);
  const records = read('truncationmaxrecords', countOf);
  const size = read('truncationmaxsize', countOf);
  const take = read('query_take_max_records', countOf);
  const memoryPerQuery = read(memoryOptions.memoryPerQuery, bytesOf);
  const memoryPerOperator = read(memoryOptions.memoryPerOperator, bytesOf);
  const dataScope = read('query_datascope', scopeOf);
  const threadsPercent = read('query_fanout_threads_percent', percentOf);
  const now = read('query_now', instantOf);
  const cacheMaxAge = read('query_results_cache_max_age', periodOf);
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    notruncation: flag('notruncation'),
    ...(records === undefined ? {} : { truncationMaxRecords: records }),
    ...(size === undefined ? {} : { truncationMaxSize: size }),
    ...(take === undefined ? {} : { takeMaxRecords: take }),
    ...(memoryPerQuery === undefined ? {} : { memoryPerQuery }),
    ...(memoryPerOperator === undefined ? {} : { memoryPerOperator }),
    ...(dataScope === undefined || dataScope === 'default' ? {} : { dataScope }),
    ...(threadsPercent === undefined ? {} : { threadsPercent }),
    deferPartialFailures: flag('deferpartialqueryfailures'),
    newlines: flag('results_v2_newlines_between_frames'),
    fragmented: flag('results_v2_fragment_primary_tables'),
    placement: read('results_error_reporting_placement', placementOf) ?? 'InData',
    readonly: flag('request_readonly'),
    readonlyHardline: flag('request_readonly_hardline'),
    ...(now === undefined ? {} : { now }),
    onlyIfRunning: flag('request_execute_only_if_running'),
    bestEffort: flag('best_effort'),
    forceRowLevelSecurity: flag('query_force_row_level_security'),
    barred: {
      externalData: flag('request_external_data_disabled'),
      externalTables: flag('request_external_table_disabled'),
      securedTables: flag('request_block_row_level_security'),
    },
    noImpersonation: flag('request_impersonation_disabled'),
    consistency: read('queryconsistency', textOf) ?? 'strongconsistency',
    description: read('request_description', textOf) ?? '',
    cursors: cursorsOf(Object.fromEntries(values)),
    ...(cacheMaxAge === undefined ? {} : { cacheMaxAgeMs: cacheMaxAge }),
    cacheForceRefresh: flag('query_results_cache_force_refresh'),
  };
}

/** @throws KustoError `badRequest` */
function cursorsOf(values: Readonly<Record<string, Json>>): CursorOptions {
  try {
    return readCursorOptions(values);
  } catch (error) {
    throw error instanceof KqlError ? kustoError('badRequest', error.message) : error;
  }
}

/** Adds what the text itself says by `set` statements; where both set a limit, the lower one holds.
 * @param set names in lower case */
export function withSetStatements(
  options: RequestOptions,
  set: Readonly<Record<string, string | boolean | number | null>>,
): RequestOptions {
  const { truncationmaxrecords, notruncation, query_take_max_records, deferpartialqueryfailures } = set;
  const inText = readOptions({
    ...(truncationmaxrecords === undefined ? {} : { truncationmaxrecords }),
    ...(notruncation === undefined ? {} : { notruncation: notruncation ?? true }),
    ...(query_take_max_records === undefined ? {} : { query_take_max_records }),
    ...(deferpartialqueryfailures === undefined
      ? {}
      : { deferpartialqueryfailures: deferpartialqueryfailures ?? true }),
  });
  const records = lower(options.truncationMaxRecords, inText.truncationMaxRecords);
  const take = lower(options.takeMaxRecords, inText.takeMaxRecords);
  return {
    ...options,
    notruncation: options.notruncation || inText.notruncation,
    deferPartialFailures: options.deferPartialFailures || inText.deferPartialFailures,
    ...(records === undefined ? {} : { truncationMaxRecords: records }),
    ...(take === undefined ? {} : { takeMaxRecords: take }),
  };
}

/** Of the limits of memory, what a text sets. @param set names in lower case @throws KustoError `badRequest` */
export function memorySet(
  set: Readonly<Record<string, string | boolean | number | null>>,
): Pick<RequestOptions, keyof typeof memoryOptions> {
  const named = Object.values(memoryOptions).flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]]]));
  return readOptions(Object.fromEntries(named) as JsonObject);
}

/** Of what a query reads and of its threads, what a text sets. @param set names in lower case @throws KustoError `badRequest` */
export function scopeSet(
  set: Readonly<Record<string, string | boolean | number | null>>,
): Pick<RequestOptions, 'dataScope' | 'threadsPercent'> {
  const { query_datascope, query_fanout_threads_percent } = set;
  return readOptions({
    ...(query_datascope === undefined ? {} : { query_datascope }),
    ...(query_fanout_threads_percent === undefined ? {} : { query_fanout_threads_percent }),
  });
}

export const lower = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : Math.min(one, other ?? one);

function booleanOf(value: Json): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value !== 'string') return undefined;
  const text = value.trim().toLowerCase();
  if (text === 'true' || text === '1') return true;
  return text === 'false' || text === '0' ? false : undefined;
}

const textOf = (value: Json): string | undefined =>
  typeof value === 'string' ? value.slice(0, shownUnitsMax) : undefined;

function countOf(value: Json): number | undefined {
  const number = typeof value === 'string' && /^\s*\d{1,18}\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number >= 0 ? Math.floor(number) : undefined;
}

const scopeOf = (value: Json): 'default' | 'all' | 'hotcache' | undefined =>
  (['default', 'all', 'hotcache'] as const).find((one) => typeof value === 'string' && one === value.toLowerCase());

const percentOf = (value: Json): number | undefined => {
  const percent = countOf(value);
  return percent === undefined || percent < 1 || percent > 100 ? undefined : percent;
};

/** At least one. */
const bytesOf = (value: Json): number | undefined => {
  const count = countOf(value);
  return count === 0 ? undefined : count;
};

/** `hh:mm:ss.fff`, `d.hh:mm:ss`, `50m`, `time(1h)`: ticks. */
function ticksIn(value: Json): bigint | undefined {
  if (typeof value !== 'string') return undefined;
  const inside = /^\s*(?:time|timespan)\s*\(\s*['"]?(.*?)['"]?\s*\)\s*$/i.exec(value)?.[1] ?? value;
  return parseTimespan(inside);
}

/** A period, or milliseconds; more than an hour is an hour. */
function timeoutOf(value: Json): number | undefined {
  if (typeof value === 'number') return value > 0 ? Math.min(value, timeoutMsMax) : undefined;
  const ticks = ticksIn(value);
  if (ticks === undefined || ticks <= 0n) return undefined;
  const milliseconds = Number(ticks / ticksPerMillisecond);
  return Math.min(Math.max(milliseconds, 1), timeoutMsMax);
}

/** Milliseconds of a period. */
function periodOf(value: Json): number | undefined {
  const ticks = value === 0 ? 0n : ticksIn(value);
  return ticks === undefined || ticks < 0n ? undefined : Number(ticks / ticksPerMillisecond);
}

function instantOf(value: Json): bigint | undefined {
  if (typeof value !== 'string') return undefined;
  const inside = /^\s*datetime\s*\(\s*['"]?(.*?)['"]?\s*\)\s*$/i.exec(value)?.[1] ?? value;
  return parseDatetime(inside);
}

const placements: Readonly<Record<string, ErrorPlacement>> = {
  in_data: 'InData',
  end_of_table: 'EndOfTable',
  end_of_dataset: 'EndOfDataSet',
};

const placementOf = (value: Json): ErrorPlacement | undefined =>
  typeof value === 'string' && Object.hasOwn(placements, value.toLowerCase())
    ? placements[value.toLowerCase()]
    : undefined;

/** @see Kusto "Query consistency" */
const weak: ReadonlySet<string> = new Set([
  'weakconsistency',
  'affinitizedweakconsistency',
  'databaseaffinitizedweakconsistency',
]);

/** Whether the answer may be a little old. */
export const isWeak = ({ consistency }: Pick<RequestOptions, 'consistency'>): boolean =>
  weak.has(consistency.toLowerCase());
