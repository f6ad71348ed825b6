import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { isExternal } from '../../kql/plan/external-data.ts';
import { guardOf } from '../../database/catalog/read-policies.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { eachPlan, tablesOf } from '../../kql/plan/walk.ts';
import type { QueryRequest } from '../../kql/query-request.ts';
import { parseTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import { withoutLiterals } from '../../kql/values/string-literals.ts';
import type { ResultHead } from './answers/result-format.ts';
import type { WriteOptions } from './answers/write-results.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import { requireDatabase } from './database-access.ts';
import type { DataPlanePorts } from './ports.ts';
import type { KustoRequest } from './requests/request-body.ts';
import type { CachedAnswer } from './answers/results-cache.ts';
import { cachedAnswerMax } from './answers/results-cache.ts';

/** Where the answer of one query is looked for and kept. */
export interface AnswerPlace {
  /** What may be answered instead of running the query. Absent: nothing. */
  readonly found?: CachedAnswer;
  /** Gathers what goes out, and keeps it once it is whole. */
  collect(
    answered: Pick<CachedAnswer, 'options' | 'warnings'> & { readonly results: readonly ResultHead[] },
    clientRequestId: string,
  ): Pick<WriteOptions, 'wrote' | 'complete'>;
}

const option = 'query_results_cache_max_age';
const refreshOption = 'query_results_cache_force_refresh';

/** For a query whose client takes old results, and that gives the same to everybody who may run it. What it names is looked up as for running
 * it, so that whoever may not read something is not answered from here either.
 * @returns undefined for every other query
 * @throws KustoError `forbidden` | `databaseNotFound`
 * @see Kusto "Query results cache" */
export async function answerPlace(
  { host, results }: Pick<DataPlanePorts, 'host' | 'results'>,
  access: AllowedRequest,
  data: Pick<ClusterData, 'database'>,
  { options, properties }: KustoRequest,
  { text, database, catalog }: QueryRequest,
): Promise<AnswerPlace | undefined> {
  const isAsked = options.cacheMaxAgeMs !== undefined || text.toLowerCase().includes(option);
  const own = access.databases.find(({ name }) => name === database);
  if (!isAsked || own === undefined || access.following !== undefined) return undefined;
  const program = await compiled(() => host.engine.programOf({ text, database, catalog }).compile([]));
  if (program === undefined || !isForEverybody(program, text, data)) return undefined;
  const maxAgeMs = Math.min(options.cacheMaxAgeMs ?? Infinity, ageInText(program.options[option]) ?? Infinity);
  if (maxAgeMs === Infinity || maxAgeMs <= 0) return undefined;
  for (const table of tablesOf(program)) requireDatabase(access, table.database, 'read');
  const key = { databaseId: own.databaseId, text, properties: identical(properties), catalog: catalog.version };
  const startedOn = instant(access.now);
  const found = options.cacheForceRefresh ? undefined : results.find(key, startedOn, maxAgeMs);
  return {
    ...(found && { found }),
    collect: ({ results: heads, ...told }, clientRequestId) =>
      collector(heads, (answered) => {
        const { options, warnings } = told;
        results.keep(key, { results: answered, options, warnings, clientRequestId, startedOn });
      }),
  };
}

function collector(
  heads: readonly ResultHead[],
  keep: (results: CachedAnswer['results']) => void,
): Pick<WriteOptions, 'wrote' | 'complete'> {
  let gathered: string[][] | undefined = heads.map(() => []);
  let size = 0;
  return {
    wrote: (index, rows) => {
      size += rows.reduce((sum, row) => sum + row.length, 0);
      if (size > cachedAnswerMax) gathered = undefined;
      for (const row of rows) gathered?.[index]?.push(row);
    },
    complete: () => {
      const rows = gathered;
      if (rows === undefined) return;
      keep(
        heads.map(({ name, columns, visualization }, index) => ({
          ...{ name, columns, rows: rows[index] ?? [] },
          ...(visualization && { visualization }),
        })),
      );
    },
  };
}

/** That it computes an answer anew makes no other query of it. */
const identical = ({ Options: options, ...others }: JsonObject): JsonObject => ({
  ...others,
  Options: isJsonObject(options)
    ? Object.fromEntries(Object.entries(options).filter(([name]) => name.toLowerCase() !== refreshOption))
    : null,
});

/** What is wrong with a query is said when it runs. */
async function compiled(compile: () => Promise<Program>): Promise<Program | undefined> {
  try {
    return await compile();
  } catch (error) {
    if (error instanceof KqlError) return undefined;
    throw error;
  }
}

/** A literal is ticks by now. */
function ageInText(value: Program['options'][string] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  const ticks = /^\d{1,18}$/.test(value) ? BigInt(value) : parseTimespan(value);
  return ticks === undefined ? undefined : Number(ticks / ticksPerMillisecond);
}

function isForEverybody(program: Program, text: string, data: Pick<ClusterData, 'database'>): boolean {
  if (/\bevaluate\b/i.test(withoutLiterals(text)) || asksWhoCalls([program.lets, program.results])) return false;
  const operators = new Set<string>();
  eachPlan([program.lets, program.results], ({ op }) => operators.add(op));
  return (
    !operators.has('rowwise') && tablesOf(program).every(({ database, table }) => isOpenTable(data, database, table))
  );
}

/** Neither outside of the cluster, nor one of which not everybody sees everything. */
function isOpenTable(data: Pick<ClusterData, 'database'>, database: string, table: string): boolean {
  if (isExternal(table)) return false;
  const hidden = hiddenTable(table);
  if (hidden !== undefined && hidden.kind !== 'view') return false;
  return guardOf(data.database(database), table) === undefined;
}

function asksWhoCalls(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(asksWhoCalls);
  if (typeof value !== 'object' || value === null) return false;
  const { k, name } = value as { readonly k?: unknown; readonly name?: unknown };
  if (k === 'call' && typeof name === 'string' && name.startsWith('current_principal')) return true;
  return Object.values(value).some(asksWhoCalls);
}
