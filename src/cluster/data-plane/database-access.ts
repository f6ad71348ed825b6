import type { DatabaseAccess, KustoRight } from '../../authz/kusto-roles.ts';
import { holdersOf } from '../../authz/kusto-roles.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { isAllowed } from '../../database/commands/permissions.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

/** A database by name, without case, with a right of the caller on it. Who has none at all learns nothing about it.
 * @throws KustoError `databaseNotFound` | `forbidden` */
export function requireDatabase(access: AllowedRequest, name: string, right: KustoRight): DatabaseAccess {
  return requireRight(access, name, right, { databases: () => [] });
}

/** The same for rows that go into one of its tables, which a role on the table is enough for. */
export const requireIngestion = (
  access: AllowedRequest,
  data: Pick<ClusterData, 'databases'>,
  name: string,
  table: string,
): DatabaseAccess => requireRight(access, name, 'tableIngest', data, table);

function requireRight(
  access: AllowedRequest,
  name: string,
  right: KustoRight,
  data: Pick<ClusterData, 'databases'>,
  entity?: string,
): DatabaseAccess {
  const wanted = name.toLowerCase();
  const found = access.databases.find((database) => database.name.toLowerCase() === wanted);
  if (found === undefined) {
    throw kustoError(
      'databaseNotFound',
      `Request is invalid and cannot be processed: Database '${name}' could not be found.`,
    );
  }
  if (!isAllowed({ ...access, data }, right, found.name, entity)) {
    throw kustoError(
      'forbidden',
      `Principal '${access.caller.fqn}' is not authorized to perform this operation on database '${found.name}': it needs one of the roles ${holdersOf(right)}.`,
    );
  }
  return found;
}
