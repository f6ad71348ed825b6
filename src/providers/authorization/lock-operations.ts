import { Type } from '@sinclair/typebox';
import { isApiVersionBefore } from '../../arm/api-version.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { parseFilter, unsupportedTerm } from '../../arm/filter.ts';
import type { LockLevel, ManagementLock } from '../../arm/locks.ts';
import { lockLevels, lockResourceId, managementLocks } from '../../arm/locks.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { systemData } from '../../arm/system-data.ts';
import { isScopeWithin, subscriptionOfScope } from '../../authz/decide.ts';
import { subscriptionsOf } from '../../authz/role-assignments.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import { listAll, listIntact } from '../../state/list-all.ts';
import type { Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { authorizationErrors } from './authorization-errors.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';
import { requireResourceAt } from './existing-scope.ts';

const putBody = Type.Object({
  properties: Type.Object({
    level: Type.String({ maxLength: 32 }),
    notes: Type.Optional(Type.Union([Type.String({ maxLength: 512 }), Type.Null()])),
    owners: Type.Optional(
      Type.Union([
        Type.Array(Type.Object({ applicationId: Type.Optional(Type.String({ maxLength: 64 })) }), { maxItems: 20 }),
        Type.Null(),
      ]),
    ),
  }),
});

/** Azure's limit for one scope. */
const locksMax = 20;

/** Locks at any scope. They hold in the resource manager alone (`arm/locks.ts`): not in vaults, nor in clusters. */
export function lockOperations(deps: AuthorizationDependencies): readonly ArmOperation[] {
  const list = '{scope}/providers/Microsoft.Authorization/locks';
  const path = `${list}/{lockName}`;
  const action = (verb: string): string => `Microsoft.Authorization/locks/${verb}`;
  return [
    {
      id: 'ManagementLocks_ListByScope',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (request) => listLocks(deps, request),
    },
    {
      id: 'ManagementLocks_GetByScope',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const found = await findLock(deps, request);
        if (found === undefined) throw authorizationErrors.LockNotFound(request.params['lockName'] ?? '');
        return { status: 200, body: showLock(found.value, request) };
      },
    },
    {
      id: 'ManagementLocks_CreateOrUpdateByScope',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putBody, required: true },
      ignoresLocks: true,
      handle: (request) => retryOnConflict(() => putLock(deps, request)),
    },
    {
      id: 'ManagementLocks_DeleteByScope',
      method: 'DELETE',
      path,
      action: action('delete'),
      ignoresLocks: true,
      handle: (request) => retryOnConflict(() => deleteLock(deps, request)),
    },
  ];
}

const scopeOf = (request: ArmRequest): string => request.params['scope'] ?? '/';

function findLock(
  deps: AuthorizationDependencies,
  request: ArmRequest,
): Promise<Versioned<ManagementLock> | undefined> {
  const id = lockResourceId({ scope: scopeOf(request), name: request.params['lockName'] ?? '' });
  return deps.state.get(managementLocks, resourceRecordId(id));
}

async function putLock(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const scope = scopeOf(request);
  // Subscriptions, groups and resources have locks; one above them would hold those of every tenant.
  if (subscriptionOfScope(scope) === undefined) throw armErrors.InvalidRequestUri();
  await requireResourceAt(deps.state, scope);
  const name = request.params['lockName'] ?? '';
  if (name.length > 260 || /[<>%&:\\?/]/.test(name)) throw authorizationErrors.InvalidLockName(name.slice(0, 260));
  const sent = isJsonObject(request.body) ? request.body['properties'] : undefined;
  const properties = isJsonObject(sent) ? sent : {};
  const held = await findLock(deps, request);
  if (held === undefined) {
    const all = await listAll(deps.state, managementLocks);
    const here = all.filter(({ value }) => value.scope.toLowerCase() === scope.toLowerCase());
    if (here.length >= locksMax) throw authorizationErrors.LockLimitReached(scope, locksMax);
  }
  const { notes, owners } = properties;
  const lock: ManagementLock = {
    name: held?.value.name ?? name,
    scope: held?.value.scope ?? scope,
    level: readLevel(properties['level']),
    ...(typeof notes === 'string' ? { notes } : {}),
    ...(Array.isArray(owners) ? { owners: (owners as readonly Json[]).filter(isJsonObject) } : {}),
    systemData: systemData(request.caller, toIso(deps.clock.now()), held?.value.systemData),
  };
  const id = resourceRecordId(lockResourceId(lock));
  await deps.state.commit({ write: [writeRecord(managementLocks, id, held?.version ?? null, lock)] });
  return { status: held === undefined ? 201 : 200, body: showLock(lock, request) };
}

function readLevel(value: Json | undefined): LockLevel {
  const sent = typeof value === 'string' ? value : '';
  const level = lockLevels.find((known) => known.toLowerCase() === sent.toLowerCase());
  if (level === undefined) throw authorizationErrors.InvalidLockLevel(sent);
  return level;
}

async function deleteLock(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const found = await findLock(deps, request);
  if (found === undefined) return { status: 204 };
  await deps.state.commit({ write: [writeRecord(managementLocks, found.id, found.version, null)] });
  return { status: 200 };
}

/** Those at the scope and below it; with `atScope()` those at the scope and above, which hold there. */
async function listLocks(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const scope = scopeOf(request);
  const filter = request.query.get('$filter') ?? '';
  const terms = filter.trim() === '' ? [] : parseFilter(filter).flat();
  const other = terms.find((term) => term.kind !== 'call' || term.name.toLowerCase() !== 'atscope');
  if (other !== undefined) throw unsupportedTerm(other);
  const all = (await listIntact(deps.state, managementLocks)).map(({ value }) => value);
  const own = await subscriptionsOf(deps.state, request.caller.tenantId);
  const found = all.filter(
    (lock) =>
      own.has(subscriptionOfScope(lock.scope) ?? '') &&
      (terms.length === 0 ? isScopeWithin(lock.scope, scope) : isScopeWithin(scope, lock.scope)),
  );
  const idOf = (lock: ManagementLock): string => resourceRecordId(lockResourceId(lock));
  const page = pageOf(request, sortedById(found, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map((lock) => showLock(lock, request)) } };
}

const showLock = (lock: ManagementLock, { apiVersion }: ArmRequest): JsonObject => ({
  properties: {
    level: lock.level,
    ...(lock.notes === undefined ? {} : { notes: lock.notes }),
    ...(lock.owners === undefined ? {} : { owners: lock.owners }),
  },
  id: lockResourceId(lock),
  type: 'Microsoft.Authorization/locks',
  name: lock.name,
  ...(isApiVersionBefore(apiVersion, '2020-05-01') ? {} : { systemData: { ...lock.systemData } }),
});
