import { dataError } from '../catalog/data-error.ts';
import type { KqlCatalog } from '../kql/catalog.ts';
import { missingDatabase } from '../kql/kql-error.ts';
import type { CommandContext } from './command-context.ts';
import { requirePermission } from './permissions.ts';

/** What names mean for whoever sends a command. A database in which it has no role is not there: neither its rows nor its names and types
 * may be told. The database of the request is always there, without tables if need be: clients name one also for commands
 * about the cluster, which may not exist. */
export function readableCatalog(context: CommandContext): KqlCatalog {
  const { database, data, caller } = context;
  const catalog = catalogOf(data.kqlCatalog(caller.fqn), (name) => hasAnyRole(context, name));
  if (catalog.databases.some(({ name }) => name === database)) return catalog;
  if (!/^[\w .-]{1,260}$/.test(database)) throw dataError('DatabaseNotFound', database.slice(0, 200));
  const empty = { name: database, tables: [], functions: [] };
  return { ...catalog, version: `${catalog.version} ${database}`, databases: [...catalog.databases, empty] };
}

/** The databases of a catalog that somebody may know of. */
export function catalogOf(catalog: KqlCatalog, sees: (database: string) => boolean): KqlCatalog {
  const databases = catalog.databases.filter(({ name }) => sees(name));
  if (databases.length === catalog.databases.length) return catalog;
  const names = JSON.stringify(databases.map(({ name }) => name));
  return { ...catalog, version: `${catalog.version} only ${names}`, databases };
}

function hasAnyRole({ clusterRoles, databases }: CommandContext, database: string): boolean {
  return clusterRoles.length > 0 || databases.some(({ name, roles }) => name === database && roles.length > 0);
}

/** A database that is there, but not for this caller, is refused as such. */
export function explainDatabase(context: CommandContext, error: unknown, command: string): unknown {
  const lower = missingDatabase(error)?.toLowerCase();
  const found = context.data.databases().find(({ name }) => name.toLowerCase() === lower);
  if (found !== undefined) requirePermission(context, 'read', found.name, command);
  return error;
}
