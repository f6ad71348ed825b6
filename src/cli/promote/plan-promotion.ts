import { textMember } from '../../base/json.ts';
import { UserError } from '../user-error.ts';
import type { Batch } from './batches.ts';
import { rowsOf } from './batches.ts';
import type { KustoDatabase, Row } from './kusto-database.ts';
import type { PlannedBatch } from './promotion-record.ts';
import { numbersIn, readRecord, recordCommand, recordName, recordQuery } from './promotion-record.ts';
import { readBatches } from './read-batches.ts';
import type { DatabasePeriods } from './source.ts';
import type { ScriptPhases } from './script-phases.ts';
import { phasesOf, tablesWithUpdatePolicy } from './script-phases.ts';

/** A table and its rows, as they are to go. */
export interface TablePlan {
  /** As commands name it. */
  readonly table: string;
  readonly columns: readonly string[];
  /** All of them, of earlier runs, too. */
  readonly batches: readonly Batch[];
  /** Those that are not there yet. */
  readonly toSend: readonly Batch[];
  /** Rows that were there before the first batch. */
  readonly before: number;
}

export interface DatabasePlan {
  readonly name: string;
  readonly isThere: boolean;
  readonly phases: ScriptPhases;
  /** Update policies that are there from an earlier run, and would make rows of the rows that are still to come. */
  readonly paused: readonly string[];
  readonly tables: readonly TablePlan[];
  /** Of a database that is to be made. */
  readonly periods: DatabasePeriods;
  /** Keeps the batches, before the first one goes. */
  readonly record: string;
}

export interface PlanRequest {
  readonly name: string;
  readonly source: KustoDatabase;
  readonly sourceId: string;
  readonly ownClientId: string;
  readonly periods: DatabasePeriods;
  /** undefined: it is to be made. */
  readonly target: KustoDatabase | undefined;
  readonly rowsMax: number;
  readonly intoExisting: boolean;
  /** What is looked at, a few words. */
  readonly look: (what: string) => void;
}

interface There {
  readonly record: readonly PlannedBatch[];
  readonly updating: readonly string[];
  /** Rows of tables, by their names. */
  readonly rows: ReadonlyMap<string, number>;
}

/** Reads both sides and changes nothing. @throws UserError for what cannot be promoted, in either's words or by its name */
export async function planDatabase(request: PlanRequest): Promise<DatabasePlan> {
  const { name, source, sourceId, target, look } = request;
  look(`reading the schema of ${name}`);
  const phases = withoutOwn(phasesOf(await scriptOf(source, name)), request.ownClientId);
  requireWhole(phases, name);
  const there = target === undefined ? nothing : await gatherThere(target, name);
  const own = there.record.filter((batch) => batch.source === sourceId);
  const tables: TablePlan[] = [];
  const record: PlannedBatch[] = there.record.filter((batch) => batch.source !== sourceId);
  for (const table of phases.tables) {
    look(`dividing the rows of ${name}.${table}`);
    const planned = own.filter((batch) => batch.table === table);
    const isThere = there.rows.get(table);
    const zero = planned.find(({ number }) => number === 0);
    if (isThere !== undefined && isThere > 0 && zero === undefined && !request.intoExisting)
      throw new UserError(
        `The table ${table} of ${name} has ${isThere} rows there that this cluster did not send.`,
        'Drop them, or give --into-existing to add to them.',
      );
    const sent = planned.filter(({ number }) => number > 0).toSorted((left, right) => left.number - right.number);
    const plan = await planTable(request, table, sent, zero?.rows ?? isThere ?? 0);
    tables.push(plan);
    const kept = { source: sourceId, table };
    record.push({ ...kept, number: 0, after: '', to: '', createdOn: '', rows: plan.before });
    record.push(...plan.batches.map((batch) => ({ ...kept, ...batch })));
  }
  requireNoneDerived(phases, there, name);
  const isSending = tables.some(({ toSend }) => toSend.length > 0);
  return {
    ...{ name, isThere: target !== undefined, phases, tables, record: recordCommand(record) },
    periods: request.periods,
    paused: isSending ? there.updating.map((table) => `.alter table ${table} policy update "[]"`) : [],
  };
}

async function planTable(
  { name, source, sourceId, target, rowsMax }: PlanRequest,
  table: string,
  sent: readonly Batch[],
  before: number,
): Promise<TablePlan> {
  try {
    const columns = (await source.query(`${table} | getschema | project ColumnName`)).map((row) =>
      textMember(row, 'ColumnName'),
    );
    const last = sent.at(-1);
    const next = { after: last?.to ?? '', number: (last?.number ?? 0) + 1 };
    const batches = [...sent, ...(await readBatches(source, { table, rowsMax, ...next }))];
    const tags = sent.length === 0 || target === undefined ? [] : await tagsOf(target, table);
    const arrived = numbersIn(tags, sourceId);
    return { table, columns, batches, before, toSend: batches.filter(({ number }) => !arrived.has(number)) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`Table ${table} of ${name}: ${error.message}`, error.hint);
  }
}

export const scriptOf = async (database: KustoDatabase, name: string): Promise<readonly string[]> =>
  (await database.command(`.show database ${entity(name)} schema as csl script`)).map((row) =>
    textMember(row, 'DatabaseSchemaScript'),
  );

/** Whoever runs this here has a right there already. */
const withoutOwn = ({ roles, left, ...others }: ScriptPhases, ownClientId: string): ScriptPhases => ({
  ...others,
  roles: roles.filter((role) => !role.includes(`"aadapp=${ownClientId};`)),
  left: [
    ...left,
    ...roles
      .filter((role) => role.includes(`"aadapp=${ownClientId};`))
      .map((role) => `${role}\n  (the application of this data directory is nobody there)`),
  ],
});

const nothing: There = { record: [], updating: [], rows: new Map() };

async function gatherThere(target: KustoDatabase, name: string): Promise<There> {
  const script = await scriptOf(target, name);
  const functions = await target.command('.show functions | project Name');
  const isKept = functions.some((row) => textMember(row, 'Name') === recordName);
  const details = await target.command('.show tables details | project TableName, TotalRowCount');
  return {
    record: isKept ? readRecord(await target.query(recordQuery)) : [],
    updating: tablesWithUpdatePolicy(script),
    rows: new Map(details.map((row) => [entity(textMember(row, 'TableName')), Number(row['TotalRowCount'])])),
  };
}

export const tagsOf = async (target: KustoDatabase, table: string): Promise<readonly string[]> =>
  (await target.command(`.show table ${table} extents | project Tags`)).map((row: Row) => textMember(row, 'Tags'));

/** A policy that hides rows hides them from whoever sends them. */
function requireWhole({ secured }: ScriptPhases, name: string): void {
  if (secured.size === 0) return;
  const [first = ''] = secured;
  throw new UserError(
    `Row level security of ${[...secured].join(', ')} in ${name} hides rows from whoever sends them.`,
    `Disable it here while the rows go, and enable it there when they are counted: .alter table ${first} policy row_level_security disable "…".`,
  );
}

/** What another table's policy makes of the rows that go would be there twice. */
function requireNoneDerived({ derived }: ScriptPhases, { updating }: There, name: string): void {
  const foreign = updating.filter((table) => !derived.has(table));
  if (foreign.length === 0) return;
  throw new UserError(
    `${foreign.join(', ')} of ${name} there has an update policy that is not of here: rows that come would make rows of it.`,
    'Delete it while the rows go: .delete table … policy update.',
  );
}

/** A name as commands take it, whatever is in it. */
export const entity = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? name : `['${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;

export const rowsToSend = (plan: DatabasePlan): number =>
  plan.tables.reduce((sum, { toSend }) => sum + rowsOf(toSend), 0);
