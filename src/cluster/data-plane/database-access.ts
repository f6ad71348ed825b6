import type { DatabaseAccess, KustoRight } from '../../authz/kusto-roles.ts';
import { hasKustoRight, holdersOf } from '../../authz/kusto-roles.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

/** A database by name, without case, with a right of the caller on it. Who has none at all learns nothing about it.
 * @throws KustoError `databaseNotFound` | `forbidden` */
export function requireDatabase(access: AllowedRequest, name: string, right: KustoRight): DatabaseAccess {
  const wanted = name.toLowerCase();
  const found = access.databases.find((database) => database.name.toLowerCase() === wanted);
  if (found === undefined) {
    throw kustoError(
      'databaseNotFound',
      `Request is invalid and cannot be processed: Database '${name}' could not be found.`,
    );
  }
  if (!hasKustoRight(access, right, found.name)) {
    throw kustoError(
      'forbidden',
      `Principal '${access.caller.fqn}' is not authorized to perform this operation on database '${found.name}': it needs one of the roles ${holdersOf(right)}.`,
    );
  }
  return found;
}
