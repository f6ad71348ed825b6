import type { EntityKind, EntityPrincipal, EntityRole } from '../../authz/kusto-roles.ts';
import { entityScopes, roleWords } from '../../authz/kusto-roles.ts';
import type { RoleChange } from '../../authz/role-changes.ts';
import { afterChange } from '../../authz/role-changes.ts';
import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext, RoleSettings } from './command-context.ts';
import type { Permission } from './permissions.ts';
import { databasePrincipals, entityPrincipals, namedEntity, principalColumns } from './principal-commands.ts';

const principalsMax = 200;

function changeOf(command: Command, context: CommandContext, entity: RoleChange['entity']): RoleChange {
  // On materialized views, external tables and graph models there is one role.
  const role = roleWords.get(command.optional('Role')?.toLowerCase() ?? 'admins');
  invariant(role !== undefined, 'the parser knows the same roles');
  const action = command.kind.startsWith('Add') ? 'add' : command.kind.startsWith('Drop') ? 'drop' : 'set';
  const principals = [...command.all('Principal'), ...command.all('principal')];
  const notes = command.optional('Notes') ?? command.optional('notes') ?? '';
  if (principals.length > principalsMax)
    throw new KqlError('notSupported', `One command names at most ${principalsMax} principals.`);
  return {
    ...{ command: command.kind, database: context.data.database(command.databaseName(context)).name },
    ...{ action, role, principals, notes: notes.slice(0, 1_000) },
    ...(entity === undefined ? {} : { entity }),
  };
}

function settingsOf(command: Command, { roles }: CommandContext): RoleSettings {
  if (roles === undefined)
    throw new KqlError('notSupported', `The management command ${command.kind} is not supported here.`);
  return roles;
}

/** Of some commands the parser names the word, of others it does not. */
const skipsResults = (command: Command): boolean =>
  command.optional('SkipResults') !== undefined || command.has('skip-results');

async function changeDatabase(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { holders } = await settingsOf(command, context).change(changeOf(command, context, undefined));
  if (skipsResults(command)) return [];
  return databasePrincipals(command, { ...context, principals: holders });
}

/** Order: the directory says who is meant, and that it begins is recorded → the entity's record, in one commit → that it is done is recorded. */
async function changeEntity(command: Command, context: CommandContext, kind: EntityKind): Promise<readonly Row[]> {
  const roles = settingsOf(command, context);
  const entity = namedEntity(command, kind);
  const change = changeOf(command, context, entity);
  const role = entityRole(change, kind);
  entityPrincipals(context, change.database, entity); // refuses one that is not there, before anything is recorded
  const { principals } = await roles.change(change, 'Started');
  const named = principals.map((one): EntityPrincipal => ({ ...one, role, notes: change.notes }));
  try {
    await context.data.setPrincipals(change.database, entity, (held) => afterChange(held, change, named));
  } catch (error) {
    await roles.change(change, 'Failed');
    throw error;
  }
  await roles.change(change, 'Succeeded');
  return skipsResults(command) ? [] : entityPrincipals(context, change.database, entity);
}

function entityRole({ role }: RoleChange, kind: EntityKind): EntityRole {
  const found = (Object.keys(entityScopes[kind].roles) as EntityRole[]).find((one) => one === role);
  invariant(found !== undefined, 'the parser knows the same roles');
  return found;
}

const verbs = ['Add', 'Drop', 'Set'] as const;

/** Before `{Notes}`, which would take it for them. */
const skips = ['{Principal,} skip-results', '{Principal,} skip-results {Notes}', 'none skip-results'];
const principalLists = [...skips, '{Principal,}', '{Principal,} {Notes}', 'none'];

/** `.add`, `.drop` and `.set` of one place. */
const roleRow = (
  title: string,
  example: string,
  permission: Permission,
  run: (command: Command, context: CommandContext) => Promise<readonly Row[]>,
  patterns: readonly string[] = [],
): CommandRow => ({
  kinds: Object.fromEntries(
    verbs.map((verb) => {
      const word = verb.toLowerCase();
      return [`${verb}${title}`, [`.${word} ${example}`, ...patterns.map((pattern) => `${word} ${pattern}`)]];
    }),
  ),
  permission,
  columns: principalColumns,
  run,
});

/** @see Kusto "Security roles", "Manage database security roles", "Manage table security roles", "Manage function security roles",
 * "Manage materialized view security roles", "Manage external table roles" */
export const roleCommands: readonly CommandRow[] = [
  roleRow('DatabaseRole', "database D viewers ('aadgroup=readers@example.com') 'Readers'", 'admin', changeDatabase),
  roleRow('TableRole', "table T ingestors ('aadapp=load;example.com') 'Loads it'", 'tableAdmin', (command, context) =>
    changeEntity(command, context, 'table'),
  ),
  roleRow('FunctionRole', "function F admins ('aaduser=jane@example.com')", 'functionAdmin', (command, context) =>
    changeEntity(command, context, 'function'),
  ),
  roleRow(
    'MaterializedViewAdmins',
    "materialized-view V admins ('aaduser=jane@example.com')",
    'viewAdmin',
    (command, context) => changeEntity(command, context, 'view'),
    // Of a view that is not there the parser says that it is no table.
    principalLists.map((principals) => `materialized-view {MaterializedViewName} admins ${principals}`),
  ),
  roleRow(
    'ExternalTableAdmins',
    "external table E admins ('aaduser=jane@example.com')",
    'externalTableAdmin',
    (command, context) => changeEntity(command, context, 'externalTable'),
    // The parser does not tell apart where the list of principals is.
    principalLists.map((principals) => `external table {ExternalTableName} admins ${principals}`),
  ),
  roleRow(
    'GraphModelAdmins',
    "graph_model G admins ('aaduser=jane@example.com')",
    'graphModelAdmin',
    (command, context) => changeEntity(command, context, 'graphModel'),
    principalLists.map((principals) => `graph_model {GraphModelName} admins ${principals}`),
  ),
];
