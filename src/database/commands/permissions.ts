import type { KustoRight } from '../../authz/kusto-roles.ts';
import { hasKustoRight, holdersOf, kustoRights } from '../../authz/kusto-roles.ts';
import type { CommandContext } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';

/** What a command needs, as the section "Permissions" on its page says. `anyone` may call the cluster. */
export type Permission = KustoRight | 'anyone';

export const isAllowed = (context: CommandContext, permission: Permission, database: string): boolean =>
  permission === 'anyone' || hasKustoRight(context, permission, database);

/** @param command the parser's name of it
 * @throws ForbiddenError that names the roles any of which would do */
export function requirePermission(
  context: CommandContext,
  permission: Permission,
  database: string,
  command: string,
): void {
  if (permission === 'anyone' || isAllowed(context, permission, database)) return;
  const isOfCluster = kustoRights[permission].database.length === 0;
  const place = isOfCluster ? `cluster '${context.cluster.name}'` : `database '${database.slice(0, 200)}'`;
  throw new ForbiddenError(
    `Principal '${context.caller.fqn}' is not authorized to perform operation '${command}' on ${place}: it needs one of the roles ${holdersOf(permission)}.`,
  );
}
