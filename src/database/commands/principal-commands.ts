import type { EntityKind, EntityPrincipal, RoleHolder } from '../../authz/kusto-roles.ts';
import { entityScopes } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { madeOnce } from '../../base/made-once.ts';
import { dataError } from '../catalog/data-error.ts';
import type { DatabaseView } from '../catalog/catalog-view.ts';
import type { Entity } from '../catalog/principal-changes.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { entityParts, isAllowed, isMember, principalsOf } from './permissions.ts';

export const principalColumns =
  'Role: string, PrincipalType: string, PrincipalDisplayName: string, PrincipalObjectId: string, PrincipalFQN: string, Notes: string, RoleAssignmentIdentifier: string';
const roleColumns = 'Scope: string, DisplayName: string, AADObjectID: string, Role: string';

/** Those of one database and of the whole cluster, in the order of the list. */
const holdersIn = madeOnce((principals: readonly RoleHolder[]): ((databaseId: Guid) => readonly RoleHolder[]) => {
  const places = new Map<Guid | undefined, number[]>();
  for (const [place, { databaseId }] of principals.entries()) {
    const there = places.get(databaseId);
    if (there === undefined) places.set(databaseId, [place]);
    else there.push(place);
  }
  return (databaseId) =>
    [...(places.get(databaseId) ?? []), ...(places.get(undefined) ?? [])]
      .sort((left, right) => left - right)
      .flatMap((place) => principals[place] ?? []);
});

/** Principals of one database, and those of the whole cluster, as one text column of other tables. */
export function principalsJson(databaseId: Guid, { principals }: CommandContext): string {
  const here = holdersIn(principals)(databaseId);
  // Whoever has several roles is listed once.
  const each = here.filter(({ fqn }, index) => here.findIndex((other) => other.fqn === fqn) === index);
  return JSON.stringify(
    each.map(({ principalType, displayName, objectId, fqn, notes = '' }) => ({
      Type: typeText(principalType),
      DisplayName: displayName,
      ObjectId: objectId,
      FQN: fqn,
      Notes: notes,
    })),
  );
}

export const typeText = (type: string): string =>
  type === 'App' ? 'Microsoft Entra Application' : `Microsoft Entra ${type}`;

const onCluster = ({ principals }: CommandContext): readonly RoleHolder[] =>
  principals.filter(({ databaseId }) => databaseId === undefined);

function onDatabase(context: CommandContext, name: string): readonly RoleHolder[] {
  const { databaseId } = context.data.database(name);
  return context.principals.filter((principal) => principal.databaseId === databaseId);
}

const principalRow = (
  scope: string,
  { role, principalType, displayName, objectId, fqn, notes = '' }: RoleHolder | EntityPrincipal,
): Row => [...[`${scope} ${role}`, typeText(principalType), displayName, objectId, fqn, notes, '']];

/** The cluster's principals come with every database's, since their roles hold there. */
export function databasePrincipals(command: Command, context: CommandContext): readonly Row[] {
  const { name } = context.data.database(command.databaseName(context));
  return inDatabase(context, name);
}

const inDatabase = (context: CommandContext, name: string): readonly Row[] => [
  ...onDatabase(context, name).map((principal) => principalRow(`Database ${name}`, principal)),
  ...onCluster(context).map((principal) => principalRow('Cluster', principal)),
];

const missing = {
  table: 'TableNotFound',
  function: 'FunctionNotFound',
  view: 'ViewNotFound',
  externalTable: 'ExternalTableNotFound',
  graphModel: 'GraphModelNotFound',
} as const;

/** As commands write roles on an entity: `Table T`. */
const scopeOf = ({ kind, name }: Entity): string => {
  const words = entityScopes[kind].word.split(' ');
  return [...words.map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`), name].join(' ');
};

/** Those of one entity, and then those of its database and the cluster, who are its principals by that.
 * @throws DataError `TableNotFound` | `FunctionNotFound` | `ViewNotFound` | `ExternalTableNotFound` | `GraphModelNotFound` */
export function entityPrincipals(context: CommandContext, database: string, entity: Entity): readonly Row[] {
  const view = context.data.database(database);
  return [
    ...requireEntity(view, entity).map((principal) => principalRow(scopeOf(entity), principal)),
    ...inDatabase(context, view.name),
  ];
}

function requireEntity(database: DatabaseView, { kind, name }: Entity): readonly EntityPrincipal[] {
  const principals = principalsOf[kind](database, name);
  if (principals === undefined) throw dataError(missing[kind], name.slice(0, 200));
  return principals;
}

/** As the parser's names of commands have them; the first that is there counts. */
const kindsInNames: readonly (readonly [string, EntityKind])[] = [
  ['ExternalTable', 'externalTable'],
  ['Table', 'table'],
  ['Function', 'function'],
  ['MaterializedView', 'view'],
  ['GraphModel', 'graphModel'],
];

/** The entity that a command is about. */
const entityOf = (command: Command): Entity =>
  namedEntity(command, kindsInNames.find(([word]) => command.kind.includes(word))?.[1] ?? 'view');

export function namedEntity(command: Command, kind: EntityKind): Entity {
  const [name] = entityParts[kind].flatMap((part) => command.all(part));
  invariant(name !== undefined, 'a command about an entity names it');
  return { kind, name };
}

const roleRows = (context: CommandContext, scope: string, roles: readonly string[]): readonly Row[] =>
  roles.map((role) => [scope, context.caller.displayName, context.caller.objectId, role]);

/** The caller's own roles. */
const ownRoles = (context: CommandContext, database: string | undefined): readonly Row[] => [
  ...roleRows(context, 'Cluster', context.clusterRoles),
  ...context.databases
    .filter(({ name }) => database === undefined || name.toLowerCase() === database.toLowerCase())
    .flatMap(({ name, roles }) => roleRows(context, `Database ${name}`, roles)),
];

const ownRolesOn = (context: CommandContext, database: DatabaseView, entity: Entity): readonly Row[] =>
  roleRows(
    context,
    scopeOf(entity),
    (principalsOf[entity.kind](database, entity.name) ?? [])
      .filter(({ fqn }) => isMember(context.caller, fqn))
      .map(({ role }) => role),
  );

/** Of all entities in databases that the caller may know of. */
const ownEntityRoles = (context: CommandContext): readonly Row[] =>
  context.data
    .databases()
    .filter(({ name }) => isAllowed(context, 'list', name))
    .flatMap((database) => [
      ...[...database.tables.keys()].flatMap((name) => ownRolesOn(context, database, { kind: 'table', name })),
      ...[...database.functions.keys()].flatMap((name) => ownRolesOn(context, database, { kind: 'function', name })),
      ...[...database.views.keys()].flatMap((name) => ownRolesOn(context, database, { kind: 'view', name })),
      ...database.externalTables.flatMap(({ name }) => ownRolesOn(context, database, { kind: 'externalTable', name })),
      ...database.graphModels.flatMap(({ name }) => ownRolesOn(context, database, { kind: 'graphModel', name })),
    ]);

/** @see Kusto "Manage database security roles" */
export const principalCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDatabasePrincipals: '.show database D principals' },
    permission: 'monitor',
    columns: principalColumns,
    run: databasePrincipals,
  },
  {
    kinds: { ShowClusterPrincipals: '.show cluster principals' },
    permission: 'clusterMonitor',
    columns: principalColumns,
    run: (_command, context) => onCluster(context).map((principal) => principalRow('Cluster', principal)),
  },
  ...(
    [
      [{ ShowTablePrincipals: '.show table T principals' }, 'tableMonitor'],
      [{ ShowFunctionPrincipals: '.show function F principals' }, 'functionMonitor'],
      [
        {
          // The page of it leaves out the hyphen, which the parser does not know.
          ShowMaterializedViewPrincipals: [
            '.show materialized-view V principals',
            'show materialized view {MaterializedViewName} principals',
          ],
        },
        'viewMonitor',
      ],
    ] as const
  ).map(([kinds, permission]): CommandRow => ({
    ...{ kinds, permission, parsed: true, columns: principalColumns },
    run: (command, context) => entityPrincipals(context, command.databaseName(context), entityOf(command)),
  })),
  {
    // Of one that is not there the parser says that it is no table.
    kinds: {
      ShowExternalTablePrincipals: [
        '.show external table E principals',
        'show external table {ExternalTableName} principals',
      ],
    },
    parsed: true,
    permission: 'externalTableAdmin',
    columns: principalColumns,
    run: (command, context) => entityPrincipals(context, context.database, entityOf(command)),
  },
  {
    kinds: {
      ShowGraphModelPrincipals: ['.show graph_model G principals', 'show graph_model {GraphModelName} principals'],
    },
    permission: 'graphModelAdmin',
    columns: principalColumns,
    run: (command, context) => entityPrincipals(context, context.database, entityOf(command)),
  },
  {
    kinds: { ShowPrincipalRoles: '.show principal roles', ShowClusterPrincipalRoles: '.show cluster principal roles' },
    permission: 'anyone',
    columns: roleColumns,
    run: (command, context) => {
      const asked = command.optional('Principal');
      if (asked === undefined || asked === context.caller.fqn)
        return [...ownRoles(context, undefined), ...ownEntityRoles(context)];
      const all = context.principals.filter(({ fqn }) => fqn.toLowerCase() === asked.toLowerCase());
      const names = new Map(context.data.databases().map(({ databaseId, name }) => [databaseId, name]));
      const mayKnow = context.clusterRoles.includes('AllDatabasesAdmin');
      return (mayKnow ? all : []).map(({ databaseId, displayName, objectId, role }) => [
        databaseId === undefined ? 'Cluster' : `Database ${names.get(databaseId) ?? ''}`,
        ...[displayName, objectId, role],
      ]);
    },
  },
  {
    kinds: { ShowDatabasePrincipalRoles: '.show database D principal roles' },
    permission: 'anyone',
    columns: roleColumns,
    run: (command, context) => ownRoles(context, command.databaseName(context)),
  },
  {
    kinds: {
      ShowTablePrincipalRoles: '.show table T principal roles',
      ShowFunctionPrincipalRoles: '.show function F principal roles',
      // The parser does not know it.
      ShowMaterializedViewPrincipalRoles: [
        '.show materialized-view V principal roles',
        'show materialized-view {MaterializedViewName} principal roles',
      ],
      ShowExternalTablesPrincipalRoles: [
        '.show external table E principal roles',
        'show external table {ExternalTableName} principal roles',
      ],
      ShowGraphModelPrincipalRoles: [
        '.show graph_model G principal roles',
        'show graph_model {GraphModelName} principal roles',
      ],
    },
    permission: 'anyone',
    columns: roleColumns,
    run: (command, context) => {
      const database = context.data.database(command.databaseName(context));
      return [...ownRoles(context, database.name), ...ownRolesOn(context, database, entityOf(command))];
    },
  },
];
