import type { EntityKind, EntityPrincipal, EntityRole, KustoRight } from '../../authz/kusto-roles.ts';
import { findBy } from '../../base/find-by.ts';
import { entityKindOf, hasKustoRight, holdersOf, kustoRights } from '../../authz/kusto-roles.ts';
import type { DatabaseView } from '../catalog/catalog-view.ts';
import type { ClusterData } from '../cluster-data.ts';
import type { CommandAccess, CommandCaller, CommandContext } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';

/** What a command needs, as the section "Permissions" on its page says. `anyone` may call the cluster. */
export type Permission = KustoRight | 'anyone';

type Asking = Pick<CommandAccess, 'caller' | 'clusterRoles' | 'databases'> & {
  readonly data: Pick<ClusterData, 'databases'>;
};

/** What the caller is in a database, by its id. */
export const accessById = findBy(({ databaseId }: CommandAccess['databases'][number]) => databaseId);

/** @param entity what a right on one is about. Absent: a role on one alone is not enough */
export function isAllowed(context: Asking, permission: Permission, database: string, entity?: string): boolean {
  if (permission === 'anyone' || hasKustoRight(context, permission, database)) return true;
  const kind = entityKindOf(permission);
  if (kind === undefined || entity === undefined) return false;
  return hasKustoRight(context, permission, database, rolesOn(context, database, kind, entity));
}

interface Held {
  readonly principals?: readonly EntityPrincipal[];
}

const heldOn = (entity: Held | undefined): readonly EntityPrincipal[] | undefined =>
  entity && (entity.principals ?? []);

/** Who has a role on an entity alone; undefined where there is no such entity. */
export const principalsOf: Readonly<
  Record<EntityKind, (database: DatabaseView, name: string) => readonly EntityPrincipal[] | undefined>
> = {
  table: ({ tables }, name) => tables.get(name)?.principals,
  function: ({ functions }, name) => heldOn(functions.get(name)),
  view: ({ views }, name) => views.get(name)?.principals,
  externalTable: ({ externalTables }, name) => heldOn(externalTables.find((one) => one.name === name)),
  graphModel: ({ graphModels }, name) => heldOn(graphModels.find((one) => one.name === name)),
};

function rolesOn({ caller, data }: Asking, database: string, kind: EntityKind, name: string): readonly EntityRole[] {
  const lower = database.toLowerCase();
  const found = data.databases().find((one) => one.name.toLowerCase() === lower);
  const principals = (found && principalsOf[kind](found, name)) ?? [];
  return principals.filter(({ fqn }) => isMember(caller, fqn)).map(({ role }) => role);
}

/** Whether somebody is a principal, or in it. */
export const isMember = ({ fqn, memberOf = [] }: CommandCaller, principal: string): boolean =>
  fqn === principal || memberOf.includes(principal);

/** @param command the parser's name of it
 * @throws ForbiddenError that names the roles any of which would do */
export function requirePermission(
  context: CommandContext,
  permission: Permission,
  database: string,
  command: string,
  entity?: string,
): void {
  if (permission === 'anyone' || isAllowed(context, permission, database, entity)) return;
  const isOfCluster = kustoRights[permission].database.length === 0;
  const place = isOfCluster ? `cluster '${context.cluster.name}'` : `database '${database.slice(0, 200)}'`;
  throw new ForbiddenError(
    `Principal '${context.caller.fqn}' is not authorized to perform operation '${command}' on ${place}: it needs one of the roles ${holdersOf(permission)}.`,
  );
}

/** The parts of a command that name entities. */
export const entityParts: Readonly<Record<EntityKind, readonly string[]>> = {
  table: ['TableName', 'Table', 'tableName'],
  function: ['FunctionName', 'functionName'],
  view: ['MaterializedViewName', 'materializedViewName'],
  externalTable: ['ExternalTableName', 'externalTableName', 'tableName'],
  graphModel: ['GraphModelName'],
};

/** For a right on entities: on each one that the command names. @throws ForbiddenError */
export function requirePermissionOn(
  context: CommandContext,
  permission: KustoRight,
  database: string,
  command: { readonly kind: string; all(part: string): readonly string[] },
): void {
  const kind = entityKindOf(permission);
  const named = kind === undefined ? [] : entityParts[kind].flatMap((part) => command.all(part));
  for (const entity of named.length === 0 ? [undefined] : named)
    requirePermission(context, permission, database, command.kind, entity);
}

/** Whoever makes an entity without administering its database administers it. @returns none where the caller needs no role on it */
export function ownPrincipals(context: CommandContext): { readonly principals?: readonly EntityPrincipal[] } {
  if (isAllowed(context, 'admin', context.database)) return {};
  const { objectId, displayName, fqn } = context.caller;
  const principalType = fqn.startsWith('aaduser=') ? 'User' : 'App';
  return { principals: [{ role: 'Admin', principalType, displayName, objectId, fqn, notes: '' }] };
}
