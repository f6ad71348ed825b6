import type { FollowerConfiguration, HotSpans, OverridePrincipal } from '../../authz/follower-overrides.ts';
import type { PrincipalsModification } from '../../authz/database-sharing.ts';
import type { DatabaseRole } from '../../authz/kusto-roles.ts';
import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext, FollowerSettings } from './command-context.ts';
import { readCaching } from './policy-values.ts';
import { typeText } from './principal-commands.ts';

const columns =
  'DatabaseName: string, LeaderClusterMetadataPath: string, CachingPolicyOverride: string, AuthorizedPrincipalsOverride: string, AuthorizedPrincipalsModificationKind: string, IsAutoPrefetchEnabled: bool, TableMetadataOverrides: string, CachingPoliciesModificationKind: string';

const roles: ReadonlyMap<string, DatabaseRole> = new Map([
  ['admins', 'Admin'],
  ['users', 'User'],
  ['viewers', 'Viewer'],
  ['unrestrictedviewers', 'UnrestrictedViewer'],
  ['monitors', 'Monitor'],
]);
const kinds: ReadonlyMap<string, PrincipalsModification> = new Map([
  ['none', 'None'],
  ['union', 'Union'],
  ['replace', 'Replace'],
]);

const refused = (what: string): Error =>
  new KqlError('notSupported', `${what} is not supported for a followed database.`);

/** @throws KqlError `notSupported` in a script of the resource manager, which runs without a token */
function settingsOf(command: Command, { followers }: CommandContext): FollowerSettings {
  if (followers === undefined)
    throw new KqlError('notSupported', `The management command ${command.kind} is not supported in scripts.`);
  if (command.has('from')) throw refused('A path of the metadata of the leader (from)');
  return followers;
}

/** Its parts have other names than those of other commands. */
const databaseOf = (command: Command): string => command.required('dbName');

const spansJson = ({ rows, index }: HotSpans): object => ({
  DataHotSpan: { Value: rows },
  IndexHotSpan: { Value: index },
});

const principalJson = ({ principalType, displayName, objectId, fqn, role, notes }: OverridePrincipal): object => ({
  Principal: { Type: typeText(principalType), DisplayName: displayName, ObjectId: objectId, FullyQualifiedName: fqn },
  Role: role,
  Notes: notes,
});

/** Where the leader keeps its metadata is nobody's business here, as `.show databases` tells no place either. */
function configurationRow({ name, principalsKind, overrides }: FollowerConfiguration): Row {
  const tables = Object.entries(overrides.tables).map(([table, hot]) => [
    table,
    { CachingPolicyOverride: spansJson(hot) },
  ]);
  return [
    ...[name, ''],
    overrides.caching === undefined ? 'null' : JSON.stringify(spansJson(overrides.caching)),
    JSON.stringify(overrides.principals.map(principalJson)),
    ...[principalsKind, overrides.prefetch],
    tables.length === 0 ? '' : JSON.stringify(Object.fromEntries(tables)),
    overrides.cachingKind,
  ];
}

const rowsOf = (all: readonly FollowerConfiguration[]): Row[] => all.map(configurationRow);

async function changePrincipals(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const role = roles.get(command.required('operationRole').toLowerCase());
  invariant(role !== undefined, 'the parser knows the same roles');
  const action = command.kind.startsWith('Add') ? 'add' : 'drop';
  const principals = command.all('principal');
  const notes = command.optional('notes') ?? '';
  const settings = settingsOf(command, context);
  return rowsOf(await settings.change(databaseOf(command), { what: 'principals', action, role, principals, notes }));
}

async function changeCaching(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const isOfTables = command.kind.includes('Tables');
  // Tables and materialized views share their names.
  const tables = isOfTables ? command.all('name') : [];
  invariant(!isOfTables || tables.length > 0, 'a command about tables names one');
  const policy = command.kind.startsWith('Drop') ? undefined : readCaching(command, undefined);
  if (policy?.HotWindows !== undefined) throw refused('A hot window of a followed database');
  const hot = policy === undefined ? null : { rows: policy.DataHotSpan, index: policy.IndexHotSpan };
  return rowsOf(await settingsOf(command, context).change(databaseOf(command), { what: 'caching', tables, hot }));
}

async function changeConfiguration(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const settings = settingsOf(command, context);
  const database = databaseOf(command);
  const prefetch = command.optional('prefetchExtents')?.toLowerCase();
  if (prefetch !== undefined) {
    if (prefetch !== 'true' && prefetch !== 'false') throw new KqlError('syntax', 'prefetch-extents is true or false.');
    return rowsOf(await settings.change(database, { what: 'prefetch', on: prefetch === 'true' }));
  }
  const kind = kinds.get(command.optional('modificationKind')?.toLowerCase() ?? '');
  if (kind === undefined) throw refused('Metadata or another name, which the configuration says,');
  const what = command.has('principals-modification-kind') ? 'principalsKind' : 'cachingKind';
  return rowsOf(await settings.change(database, { what, kind }));
}

/** @see Kusto "Follower commands" */
export const followerCommands: readonly CommandRow[] = [
  {
    kinds: {
      ShowFollowerDatabase: [
        '.show follower database D',
        'show follower database {DatabaseName}',
        'show follower databases',
      ],
    },
    permission: 'anyone',
    columns,
    run: async (command, context) => {
      const names = [...command.all('DatabaseName'), ...command.all('databaseName'), ...command.all('dbName')];
      return rowsOf(await settingsOf(command, context).tell(names));
    },
  },
  {
    kinds: {
      AddFollowerDatabaseAuthorizedPrincipals: ".add follower database D viewers ('aadgroup=readers') 'Readers'",
      DropFollowerDatabaseAuthorizedPrincipals: ".drop follower database D viewers ('aadgroup=readers')",
    },
    permission: 'anyone',
    columns,
    run: changePrincipals,
  },
  {
    kinds: {
      // The parser's name of it, whatever it says.
      AlterFollowerDatabaseAuthorizedPrincipals: '.alter follower database D policy caching hot = 7d',
      DropFollowerDatabasePolicyCaching: '.delete follower database D policy caching',
      AlterFollowerTablesPolicyCaching: '.alter follower database D table T policy caching hot = 7d',
      DropFollowerTablesPolicyCaching: '.delete follower database D tables (T, U) policy caching',
    },
    permission: 'anyone',
    columns,
    run: changeCaching,
  },
  {
    kinds: { AlterFollowerDatabaseConfiguration: '.alter follower database D principals-modification-kind = union' },
    permission: 'anyone',
    columns,
    run: changeConfiguration,
  },
];
