import type { KustoAccess, KustoRight } from '../../authz/kusto-roles.ts';
import { hasKustoRight } from '../../authz/kusto-roles.ts';
import { dataError } from '../catalog/data-error.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { missingDatabase } from '../../kql/plan/kql-error.ts';
import type { CommandContext } from './command-context.ts';
import { requirePermission } from './permissions.ts';

/** What names mean for whoever sends a command. A database in which it has no role is not there: neither its rows nor its names and types
 * may be told. The database of the request is always there, without tables if need be: clients name one also for commands
 * about the cluster, which may not exist. */
export function readableCatalog(context: CommandContext): KqlCatalog {
  const { database, data, caller } = context;
  const catalog = withRight(data.kqlCatalog(caller.fqn), context, 'list');
  if (catalog.databases.some(({ name }) => name === database)) return catalog;
  if (!/^[\w .-]{1,260}$/.test(database)) throw dataError('DatabaseNotFound', database.slice(0, 200));
  const empty = { name: database, tables: [], functions: [] };
  return { ...catalog, version: `${catalog.version} ${database}`, databases: [...catalog.databases, empty] };
}

/** The databases of a catalog that somebody has a right on. */
export function withRight(catalog: KqlCatalog, access: KustoAccess, right: KustoRight): KqlCatalog {
  const databases = catalog.databases.filter(({ name }) => hasKustoRight(access, right, name));
  if (databases.length === catalog.databases.length) return catalog;
  const names = JSON.stringify(databases.map(({ name }) => name));
  return { ...catalog, version: `${catalog.version} only ${names}`, databases };
}

/** A database that is there, but not for this caller, is refused as such. */
export function explainDatabase(context: CommandContext, error: unknown, command: string): unknown {
  const lower = missingDatabase(error)?.toLowerCase();
  const found = context.data.databases().find(({ name }) => name.toLowerCase() === lower);
  if (found !== undefined) requirePermission(context, 'read', found.name, command);
  return error;
}
