import { textMember } from '../../base/json.ts';
import { UserError } from '../user-error.ts';
import type { Batch } from './batches.ts';
import type { KustoDatabase } from './kusto-database.ts';
import type { TablePlan } from './plan-promotion.ts';
import { tagsOf } from './plan-promotion.ts';
import { numbersIn, tagOf } from './promotion-record.ts';
import type { Target } from './target.ts';

/** On their way at once: staging need not hold a whole table. */
const underWayMax = 16;
/** The most that a blob of rows may have. */
const blobBytesMax = 4_000_000_000;

export interface SendRequest {
  readonly database: string;
  readonly plan: TablePlan;
  readonly source: KustoDatabase;
  readonly sourceId: string;
  readonly target: Target;
  /** Without a batch that arrives. */
  readonly patienceMs: number;
  readonly monotonicMs: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly arrived: (batches: number) => void;
}

/** The command that leaves a batch in the target's staging. @param container with its signature, or what stands for it */
export const exportCommand = (table: string, { number, after, to }: Batch, container: string): string =>
  `.export compressed to json (h@"${container}") with (namePrefix="kustody-promote-${number}", sizeLimit=${blobBytesMax}) <| ${table} | where ingestion_time() <= datetime(${to})${after === '' ? '' : ` and ingestion_time() > datetime(${after})`}`;

/** Sends what is not there yet. Order for each batch: the list of batches is durable there (before this) → its rows are in one blob of the
 * target's staging, told of here as an export → a message with its tag is in the queue → the extent with the tag is there → the blob goes.
 * Whatever ends between two of these is made good by a repetition: a tag that is there is not sent again, and what comes twice is taken once.
 * @returns blobs that could not be deleted
 * @throws UserError for what was refused, or does not come */
export async function sendRows(request: SendRequest): Promise<number> {
  const { plan, target, database, sourceId } = request;
  const { table, columns, toSend } = plan;
  const there = target.database(database);
  const underWay = new Map<number, string>();
  let left = 0;
  let patienceEndsAt = request.monotonicMs() + request.patienceMs;
  const settle = async (untilAtMost: number): Promise<void> => {
    for (let pauseMs = 250; underWay.size > untilAtMost; pauseMs = Math.min(pauseMs * 2, 5_000)) {
      const numbers = numbersIn(await tagsOf(there, table), sourceId);
      const came = [...underWay].filter(([number]) => numbers.has(number));
      for (const [number, url] of came) {
        if (!(await target.deleteBlob(url))) left += 1;
        underWay.delete(number);
      }
      if (came.length > 0) {
        patienceEndsAt = request.monotonicMs() + request.patienceMs;
        request.arrived(came.length);
        continue;
      }
      await requireNoneFailed(there, table, underWay);
      if (request.monotonicMs() > patienceEndsAt)
        throw new UserError(
          `${underWay.size} batches of ${database}.${table} have not come in ${request.patienceMs / 1000} s.`,
          'They may still come: run it again later, no row comes twice.',
        );
      await request.sleep(pauseMs);
    }
  };
  for (const batch of toSend) {
    const url = await staged(request, batch);
    // Its rows were deleted since it was planned: the counts tell.
    if (url === undefined) continue;
    const tag = tagOf(sourceId, batch.number);
    await target.enqueue({
      ...{ database, table: nameOf(table), columns, url: url.url, bytes: url.bytes, tag, createdOn: batch.createdOn },
    });
    underWay.set(batch.number, url.url);
    await settle(underWayMax - 1);
  }
  await settle(0);
  return left;
}

async function staged(
  { plan: { table }, target, source }: SendRequest,
  batch: Batch,
): Promise<{ readonly url: string; readonly bytes: number } | undefined> {
  const containers = await target.containers();
  const container = containers[batch.number % containers.length];
  if (container === undefined) throw new UserError('The target names no container for staging.');
  const blobs = await source.command(exportCommand(table, batch, container));
  const [first, ...others] = blobs;
  if (first === undefined) return undefined;
  if (others.length > 0)
    throw new UserError(
      `A batch of ${table} does not fit into one blob of ${blobBytesMax / 1e9} GB.`,
      'Give a smaller --batch-rows, for a target that has none of its rows.',
    );
  const signature = container.slice(container.indexOf('?'));
  return { url: `${textMember(first, 'Path')}${signature}`, bytes: Number(first['SizeInBytes']) };
}

/** @throws UserError with the target's reason */
async function requireNoneFailed(
  there: KustoDatabase,
  table: string,
  underWay: ReadonlyMap<number, string>,
): Promise<void> {
  const failures = await there.command(
    `.show ingestion failures | where Table == ${JSON.stringify(nameOf(table))} | project IngestionSourcePath, Details`,
  );
  for (const [number, url] of underWay) {
    const path = url.split('?')[0] ?? '';
    const failed = failures.find((row) => textMember(row, 'IngestionSourcePath').split('?')[0] === path);
    if (failed !== undefined)
      throw new UserError(`Batch ${number} of ${table} was not taken: ${textMember(failed, 'Details')}`);
  }
}

/** The name itself of what commands call `['…']`. */
export const nameOf = (table: string): string =>
  /^\[(["'])([\s\S]*)\1\]$/.exec(table)?.[2]?.replace(/\\(.)/g, '$1') ?? table;
