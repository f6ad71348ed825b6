import { parseGuid } from '../../base/guid.ts';
import { textMember } from '../../base/json.ts';
import { UserError } from '../user-error.ts';
import { rowsOf } from './batches.ts';
import type { KustoDatabase, Row } from './kusto-database.ts';
import type { DatabasePlan, TablePlan } from './plan-promotion.ts';
import { entity } from './plan-promotion.ts';
import { viewName } from './script-phases.ts';
import { nameOf, sendRows } from './send-rows.ts';
import type { Source } from './source.ts';
import type { Step } from './steps.ts';
import type { Target } from './target.ts';

export interface Counted {
  readonly kind: 'table' | 'view';
  readonly name: string;
  /** Of here, with what was there before. */
  readonly expected: number;
  readonly there: number;
}

export interface Performed {
  readonly counted: readonly Counted[];
  /** Roles that the target refused, with its words. */
  readonly refusedRoles: readonly { readonly command: string; readonly why: string }[];
  /** Blobs of staging that are left to the target. */
  readonly stagedBlobsLeft: number;
}

export interface PerformRequest {
  readonly plan: DatabasePlan;
  readonly steps: readonly Step[];
  readonly source: Source;
  readonly target: Target;
  /** Makes the database. */
  readonly createDatabase: () => Promise<void>;
  readonly patienceMs: number;
  readonly monotonicMs: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A step begins; what of it is done. */
  readonly begin: (text: string) => void;
  readonly progress: (text: string) => void;
}

/** Does the steps in their order. What is done stays done; done again, it makes no second row. @throws UserError in either side's words */
export async function performPromotion(request: PerformRequest): Promise<Performed> {
  const { plan, steps, source, target } = request;
  const [here, there] = [source.database(plan.name), target.database(plan.name)];
  const counted: Counted[] = [];
  const refusedRoles: { command: string; why: string }[] = [];
  const created: string[] = [];
  let stagedBlobsLeft = 0;
  const perform = async (step: Step): Promise<void> => {
    switch (step.kind) {
      case 'createDatabase':
        return request.createDatabase();
      case 'command': {
        const rows = await refusing(step.text, there.command(step.text));
        if (step.isAsync !== true) return;
        await operation(request, there, rows, step.text);
        created.push(viewName(step.text));
        return;
      }
      case 'rows':
        stagedBlobsLeft += await sent(request, step.table, here);
        return;
      case 'counts':
        counted.push(...(await countTables(plan, there)));
        return;
      case 'role':
        await there.command(step.text).catch((error: unknown) => {
          if (!(error instanceof UserError)) throw error;
          refusedRoles.push({ command: step.text, why: error.message });
        });
    }
  };
  for (const [at, step] of steps.entries()) {
    request.begin(step.text);
    await perform(step);
    // What hides rows comes after the views.
    if (step.kind === 'command' && step.isAsync === true && isLastView(steps, at))
      counted.push(...(await countViews(created, here, there)));
  }
  return { counted, refusedRoles, stagedBlobsLeft };
}

const isLastView = (steps: readonly Step[], at: number): boolean =>
  !steps.slice(at + 1).some((step) => step.kind === 'command' && step.isAsync === true);

async function sent(request: PerformRequest, table: TablePlan, here: KustoDatabase): Promise<number> {
  const { plan, source, target, patienceMs, monotonicMs, sleep } = request;
  let arrived = 0;
  return sendRows({
    ...{ database: plan.name, plan: table, source: here, sourceId: source.id, target, patienceMs, monotonicMs, sleep },
    arrived: (batches) => {
      arrived += batches;
      request.progress(`${table.table}: ${arrived} of ${table.toSend.length} batches are there`);
    },
  });
}

/** As policies that hide rows cannot change. */
async function countTables({ tables }: DatabasePlan, there: KustoDatabase): Promise<readonly Counted[]> {
  const details = await there.command('.show tables details | project TableName, TotalRowCount');
  const rows = new Map(details.map((row) => [entity(textMember(row, 'TableName')), Number(row['TotalRowCount'])]));
  return tables.map(({ table, batches, before }) => ({
    ...{ kind: 'table' as const, name: nameOf(table), expected: before + rowsOf(batches) },
    there: rows.get(table) ?? 0,
  }));
}

async function countViews(
  views: readonly string[],
  here: KustoDatabase,
  there: KustoDatabase,
): Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  for (const view of views) {
    const count = async (database: KustoDatabase): Promise<number> =>
      Number((await database.query(`${view} | count`))[0]?.['Count']);
    counted.push({ kind: 'view', name: nameOf(view), expected: await count(here), there: await count(there) });
  }
  return counted;
}

/** Waits for what goes on behind an answer. @throws UserError when it fails */
async function operation(
  { sleep, monotonicMs, patienceMs }: PerformRequest,
  there: KustoDatabase,
  rows: readonly Row[],
  text: string,
): Promise<void> {
  const [first] = rows;
  const id = first === undefined ? undefined : parseGuid(textMember(first, 'OperationId'));
  // A view that is there already is no operation.
  if (id === undefined) return;
  const endsAt = monotonicMs() + patienceMs;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    const [state] = await there.command(`.show operations ${id} | project State, Status`);
    const word = state === undefined ? '' : textMember(state, 'State');
    if (word === 'Completed') return;
    if (word !== 'InProgress' && word !== 'Scheduled')
      throw new UserError(`${text}: ${word} ${state === undefined ? '' : textMember(state, 'Status')}`);
    if (monotonicMs() > endsAt)
      throw new UserError(`${text}: not done in ${patienceMs / 1000} s.`, 'It goes on there: run this again later.');
    await sleep(pauseMs);
  }
}

async function refusing<T>(text: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${error.message}\nIt was: ${text.slice(0, 500)}`, error.hint);
  }
}

export const differences = ({ counted }: Performed): readonly Counted[] =>
  counted.filter(({ expected, there }) => expected !== there);
