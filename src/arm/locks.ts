import { isScopeWithin } from '../authz/decide.ts';
import { invariant } from '../base/invariant.ts';
import type { JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { listAll } from '../state/list-all.ts';
import type { State, StateWrite, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { armErrors } from './arm-errors.ts';
import type { SystemData } from './system-data.ts';

export const lockLevels = ['NotSpecified', 'CanNotDelete', 'ReadOnly'] as const;

export type LockLevel = (typeof lockLevels)[number];

/** A management lock: holds for its scope and everything below it, whoever asks. */
export interface ManagementLock {
  readonly name: string;
  /** A subscription, group or resource, in the casing that it was locked with. */
  readonly scope: string;
  readonly level: LockLevel;
  readonly notes?: string;
  readonly owners?: readonly JsonObject[];
  readonly systemData: SystemData;
}

/** Record id: the lock's resource id in lower case. */
export const managementLocks: Table<ManagementLock> = {
  name: 'arm-locks',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['scope'] === 'string', 'a lock has a scope');
    return value as unknown as ManagementLock;
  },
};

export const lockResourceId = ({ scope, name }: Pick<ManagementLock, 'scope' | 'name'>): string =>
  `${scope}/providers/Microsoft.Authorization/locks/${name}`;

/** What is deleted takes with it what is below, so a lock there holds it, too.
 * @throws ArmError 409 `ScopeLocked` naming the locked scopes */
export async function requireUnlocked(state: State, method: string, scope: string): Promise<void> {
  if (method === 'GET' || method === 'HEAD') return;
  const locks = (await listAll(state, managementLocks)).map(({ value }) => value);
  const isDelete = method === 'DELETE';
  const held = locks.filter(
    (lock) =>
      (lock.level === 'ReadOnly' || (isDelete && lock.level === 'CanNotDelete')) &&
      (isScopeWithin(scope, lock.scope) || (isDelete && isScopeWithin(lock.scope, scope))),
  );
  if (held.length === 0) return;
  const scopes = [...new Set(held.map((lock) => lock.scope))];
  throw armErrors.ScopeLocked(scope, isDelete ? 'delete' : 'write', scopes);
}

/** The deletes of what was locked while its group was already being deleted. */
export async function dropLocksWithin(state: State, scope: string): Promise<readonly StateWrite[]> {
  const all = await listAll(state, managementLocks);
  return all
    .filter(({ value }) => isScopeWithin(value.scope, scope))
    .map(({ id, version }) => writeRecord(managementLocks, id, version, null));
}
