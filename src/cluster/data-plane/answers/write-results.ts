import { encodeRows, jsonRows } from '../../../kql/row-json.ts';
import type { Completion, FromCache, ResultFormat, ResultHead } from './result-format.ts';
import type { KustoError } from '../errors/kusto-error.ts';
import { ResultBudget, truncationStatusCode } from './truncation.ts';
import type { TruncationLimits } from './truncation.ts';
import type { QueryResult } from '../../../kql/query-engine.ts';

/** A result whose rows are JSON arrays. */
export interface EncodedResult extends ResultHead {
  readonly chunks: AsyncIterable<readonly string[]> | Iterable<readonly string[]>;
}

export const encodedResults = (results: readonly QueryResult[]): readonly EncodedResult[] =>
  results.map((result) => {
    const { name, columns, visualization } = result;
    return { name, columns, ...(visualization && { visualization }), chunks: encodedChunks(result) };
  });

async function* encodedChunks({ columns, chunks, rowsAs }: QueryResult): AsyncGenerator<readonly string[]> {
  for await (const chunk of chunks) yield rowsAs === 'json' ? jsonRows(chunk) : encodeRows(columns, chunk);
}

export interface WriteOptions {
  readonly format: ResultFormat;
  readonly limits: TruncationLimits;
  /** More rows of a result than this are left out without a word. */
  readonly takeMax: number;
  readonly deferFailures: boolean;
  /** Writes a piece, in the client's own time. */
  readonly write: (text: string) => Promise<void>;
  /** Whether rows may still go out. @throws KustoError */
  readonly requireLease: () => Promise<void>;
  readonly translate: (error: unknown) => KustoError;
  /** The whole answer is to become this error instead. */
  readonly becomesAnswer: (error: KustoError) => boolean;
  readonly errorJson: (error: KustoError) => string;
  /** Absent: the query ran. */
  readonly fromCache?: FromCache;
  /** What went out of a result. Absent: nobody asks. */
  readonly wrote?: (index: number, rows: readonly string[]) => void;
  /** Not called for what failed or was cut. */
  readonly complete?: () => void;
  readonly completion: (tables: readonly WrittenTable[]) => Omit<Completion, 'errors' | 'cancelled' | 'deferred'>;
}

/** What went out of one result; bytes of its rows as JSON. */
export interface WrittenTable {
  readonly rows: number;
  readonly bytes: number;
}

/** Writes results as they come. The status has been sent by then, so a failure from here on becomes part of the answer. */
export async function writeResults(results: readonly EncodedResult[], options: WriteOptions): Promise<void> {
  const { format, write, errorJson } = options;
  const budget = new ResultBudget(options.limits);
  const tables: WrittenTable[] = [];
  let failure: KustoError | undefined;
  await write(format.begin(results, options.fromCache));
  for (const [index, result] of results.entries()) {
    await write(format.beginTable(index, result));
    const written = failure === undefined ? await writeRows(index, result, budget, options) : { count: 0, bytes: 0 };
    tables.push({ rows: written.count, bytes: written.bytes });
    const failed = failure === undefined ? written.failure : undefined;
    failure ??= failed;
    const told =
      failed === undefined || options.deferFailures ? undefined : { json: errorJson(failed), text: failed.message };
    await write(format.endTable(index, written.count, told));
  }
  if (failure === undefined) options.complete?.();
  const deferred = failure !== undefined && options.deferFailures;
  const completion: Completion = {
    ...options.completion(tables),
    errors: failure === undefined || deferred ? [] : [errorJson(failure)],
    cancelled: failure?.kind === 'cancelled',
    ...(deferred ? { deferred: deferredStatus(failure) } : {}),
  };
  await write(format.end(completion));
}

async function writeRows(
  index: number,
  { chunks }: EncodedResult,
  budget: ResultBudget,
  { format, write, wrote, requireLease, translate, becomesAnswer, takeMax }: WriteOptions,
): Promise<{ readonly count: number; readonly bytes: number; readonly failure?: KustoError }> {
  let count = 0;
  let bytes = 0;
  try {
    for await (const chunk of chunks) {
      await requireLease();
      const rows = chunk.slice(0, takeMax - count);
      const fitting = budget.take(rows);
      if (fitting.count > 0) {
        const out = fitting.count === rows.length ? rows : rows.slice(0, fitting.count);
        bytes += out.reduce((sum, row) => sum + row.length, 0);
        wrote?.(index, out);
        await write(format.rows(index, out.join(','), count === 0));
      }
      count += fitting.count;
      if (fitting.exceeded !== undefined) return { count, bytes, failure: fitting.exceeded };
      if (count >= takeMax) break;
    }
  } catch (error) {
    const failure = translate(error);
    if (becomesAnswer(failure)) throw failure;
    return { count, bytes, failure };
  }
  return { count, bytes };
}

/** 0x80DA0001 */
const runawayStatusCode = -2133196799;
/** 0x80DA0007 */
const lowMemoryStatusCode = -2133196793;

function deferredStatus(failure: KustoError | undefined): NonNullable<Completion['deferred']> {
  if (failure?.kind === 'limits') {
    const text = 'Query result set too large (E_QUERY_RESULT_SET_TOO_LARGE).';
    return { statusCode: truncationStatusCode, text, kind: 'QueryLimitsExceeded' };
  }
  if (failure?.kind === 'runaway')
    return { statusCode: runawayStatusCode, text: failure.message, kind: 'QueryLimitsExceeded' };
  if (failure?.kind === 'lowMemory')
    return { statusCode: lowMemoryStatusCode, text: failure.message, kind: 'QueryFailure' };
  return { statusCode: -2133196792, text: failure?.message ?? '', kind: 'QueryFailure' };
}
