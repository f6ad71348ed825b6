import type { Where } from '../../api/kusto.ts';
import { mgmt } from '../../api/kusto.ts';
import { parseExact } from '../answer/exact-json.ts';
import type { PolicyOwner, PolicyRow } from './policy-rows.ts';
import { policyRows, showText } from './policy-rows.ts';

export interface FoundPolicy {
  readonly row: PolicyRow;
  /** `set`: its own; `inherited`: its database's. */
  readonly state: 'set' | 'inherited' | 'none' | 'failed';
  /** Parsed, with whole numbers exact; null where there is none. Of `encoding`: names of the columns that have one. */
  readonly policy: unknown;
  readonly failure?: Error;
}

/** All policies of one thing, each by its own command: one that is refused leaves the others. Those that are set come first.
 * @throws ApiError when none was answered */
export async function readPolicies(
  where: Where,
  owner: PolicyOwner,
  signal: AbortSignal,
): Promise<readonly FoundPolicy[]> {
  const rows = policyRows.filter(({ of }) => of.includes(owner.kind));
  const found = await Promise.all(rows.map((row) => readPolicy(where, owner, row, signal)));
  const failure = found.every(({ state }) => state === 'failed') ? found[0]?.failure : undefined;
  if (failure !== undefined) throw failure;
  const isShown = ({ state }: FoundPolicy): boolean => state !== 'none';
  return [...found.filter(isShown), ...found.filter((one) => !isShown(one))];
}

async function readPolicy(where: Where, owner: PolicyOwner, row: PolicyRow, signal: AbortSignal): Promise<FoundPolicy> {
  try {
    const own = await show(where, owner, row, signal);
    if (own !== null) return { row, state: 'set', policy: own };
    if (row.isInherited === true && owner.kind !== 'database') {
      const ofDatabase = { kind: 'database', name: where.database, columns: [] } as const;
      const inherited = await show(where, ofDatabase, row, signal);
      if (inherited !== null) return { row, state: 'inherited', policy: inherited };
    }
    return { row, state: 'none', policy: null };
  } catch (error) {
    if (signal.aborted) throw error;
    return { row, state: 'failed', policy: null, failure: error instanceof Error ? error : new Error(String(error)) }; // prettier-ignore
  }
}

async function show(where: Where, owner: PolicyOwner, row: PolicyRow, signal: AbortSignal): Promise<unknown> {
  const [table] = await mgmt(where, showText(owner, row), { signal });
  const cell = (name: string): string => {
    const value = table?.Rows[0]?.[table.Columns.findIndex(({ ColumnName }) => ColumnName === name)];
    return typeof value === 'string' ? value : '';
  };
  // Elsewhere the children of a database are its tables, which are no part of the policy.
  return parsed(cell('Policy')) ?? (row.name === 'encoding' ? parsed(cell('ChildEntities')) : null);
}

/** A text that is no JSON stays one. */
function parsed(text: string): unknown {
  if (text === '') return null;
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}
