import type { RoleHolder } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';

const principalColumns =
  'Role: string, PrincipalType: string, PrincipalDisplayName: string, PrincipalObjectId: string, PrincipalFQN: string, Notes: string, RoleAssignmentIdentifier: string';
const roleColumns = 'Scope: string, DisplayName: string, AADObjectID: string, Role: string';

/** Principals of one database, and those of the whole cluster, as one text column of other tables. */
export function principalsJson(databaseId: Guid, { principals }: CommandContext): string {
  const here = principals.filter(
    (principal) => principal.databaseId === databaseId || principal.databaseId === undefined,
  );
  // Whoever has several roles is listed once.
  const each = here.filter(({ fqn }, index) => here.findIndex((other) => other.fqn === fqn) === index);
  return JSON.stringify(
    each.map(({ principalType, displayName, objectId, fqn }) => ({
      Type: typeText(principalType),
      DisplayName: displayName,
      ObjectId: objectId,
      FQN: fqn,
      Notes: '',
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

const scopedRole = (scope: string, role: string): string => `${scope} ${role}`;

const principalRow = (scope: string, { role, principalType, displayName, objectId, fqn }: RoleHolder): Row => [
  ...[scopedRole(scope, role), typeText(principalType), displayName, objectId, fqn, '', ''],
];

/** The cluster's principals come with every database's, since their roles hold there. */
function databasePrincipals(command: Command, context: CommandContext): readonly Row[] {
  const { name } = context.data.database(command.databaseName(context));
  return [
    ...onDatabase(context, name).map((principal) => principalRow(`Database ${name}`, principal)),
    ...onCluster(context).map((principal) => principalRow('Cluster', principal)),
  ];
}

/** The caller's own roles. */
function ownRoles(context: CommandContext, database: string | undefined): readonly Row[] {
  const { displayName, objectId } = context.caller;
  const mine = (scope: string, roles: readonly string[]): Row[] =>
    roles.map((role) => [scope, displayName, objectId, role]);
  return [
    ...mine('Cluster', context.clusterRoles),
    ...context.databases
      .filter(({ name }) => database === undefined || name.toLowerCase() === database.toLowerCase())
      .flatMap(({ name, roles }) => mine(`Database ${name}`, roles)),
  ];
}

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
  {
    kinds: { ShowTablePrincipals: '.show table T principals', ShowFunctionPrincipals: '.show function F principals' },
    permission: 'monitor',
    columns: principalColumns,
    run: (command, context) => {
      // Nobody has a role on a table or function alone.
      const table = command.optional('TableName');
      if (table !== undefined) context.data.table(context.database, table);
      return databasePrincipals(command, context);
    },
  },
  {
    kinds: { ShowPrincipalRoles: '.show principal roles', ShowClusterPrincipalRoles: '.show cluster principal roles' },
    permission: 'anyone',
    columns: roleColumns,
    run: (command, context) => {
      const asked = command.optional('Principal');
      if (asked === undefined || asked === context.caller.fqn) return ownRoles(context, undefined);
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
    kinds: {
      ShowDatabasePrincipalRoles: '.show database D principal roles',
      ShowTablePrincipalRoles: '.show table T principal roles',
      ShowFunctionPrincipalRoles: '.show function F principal roles',
    },
    permission: 'anyone',
    columns: roleColumns,
    run: (command, context) => ownRoles(context, command.databaseName(context)),
  },
];
