import { entityKindOf } from '../../authz/kusto-roles.ts';
import { invariant } from '../../base/invariant.ts';
import type { ParsedCommand } from '../../kql/plan/command.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Asking } from '../catalog/journal.ts';
import { onBehalfOf } from '../catalog/journal.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { withoutLiterals } from '../../kql/values/string-literals.ts';
import { Command } from './command.ts';
import type { CommandAnswer, CommandInput, CommandRow, QueriedTables } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { commandRow } from './command-rows.ts';
import { toldCommand } from './journal-commands.ts';
import { withTableWord } from './ingest-commands.ts';
import { withoutBrackets } from './inline-records.ts';
import { pipeParsed, pipeText } from './command-pipe.ts';
import { requirePermission, requirePermissionOn } from './permissions.ts';
import { commandName } from './command-type.ts';
import { recognizeCommand } from './recognize.ts';
import { explainDatabase, readableCatalog } from './readable-catalog.ts';
import { refusalOf, refusalOfText, unknownCommand } from './refused-commands.ts';
import { withoutHotWindows } from './policy-values.ts';
import { columnsOfText } from './schema-text.ts';
import { withQuotedTable } from './view-properties.ts';
import { withJoinedLiterals } from './words.ts';

/** Runs a management command, and the query operators that may follow it, for one caller.
 * @returns one table, or results of a query; values as in the chunks of a query
 * @throws KqlError, DataError, CommitRefusedError, ForbiddenError */
export async function runCommand(context: CommandContext, text: string): Promise<CommandAnswer> {
  const here = withDatabaseName(context);
  try {
    return await onBehalfOf(requesterOf(here, text), () => runText(here, text));
  } catch (error) {
    throw explainDatabase(here, error, 'Query');
  }
}

/** What the journal says of the changes that a command makes. */
const requesterOf = ({ caller, clientRequestId, activityId }: CommandContext, text: string): Asking => ({
  ...{ principal: caller.fqn, user: caller.displayName, command: () => toldCommand(text) },
  ...{ clientRequestId, activityId },
});

async function runText(here: CommandContext, sent: string): Promise<CommandAnswer> {
  const text = withJoinedLiterals(withoutBrackets(sent) ?? withTableWord(sent) ?? sent);
  const recognized = recognizeCommand(text);
  if (recognized !== undefined) {
    const made = await runInput(here, recognized.input);
    return recognized.pipe === undefined ? made : overQuery(made, await pipeText(here, made, recognized.pipe));
  }
  const parsed = await parse(here, withQuotedTable(withoutHotWindows(text)));
  const made = await runInput(here, { ...parsed, text });
  return parsed.pipe === undefined ? made : overQuery(made, await pipeParsed(here, made, parsed.pipe, text));
}

function overQuery({ kind }: CommandAnswer, queried: QueriedTables): CommandAnswer {
  const [first] = queried.tables;
  invariant(first !== undefined, 'a query has a result');
  return { kind, ...first, queried };
}

async function runInput(context: CommandContext, input: CommandInput): Promise<CommandAnswer> {
  const row = commandRow(input.kind);
  if (row === undefined) throw refusalOf(input.kind, commandName(input.text));
  requireEndpoint(row, context, commandName(input.text));
  const command = new Command(input);
  const own = command.ownDatabase();
  const here = own === undefined ? context : { ...context, database: context.data.database(own).name };
  requireRow(row, command, here);
  const columns = typeof row.columns === 'string' ? row.columns : row.columns(command);
  const made = await row.run(command, here, (text) => runCommand(context, text));
  // The grammar lets commands have properties of which no page says what they are.
  if (input.kind.includes('Show')) command.requireNoOtherProperties();
  if ('columns' in made) return { kind: input.kind, ...made };
  return { kind: input.kind, columns: columnsOfText(columns), rows: made };
}

/** Each endpoint answers its own commands. That of ingestion does not know those of the engine.
 * @see https://github.com/MicrosoftDocs/azure-docs/issues/51705 */
function requireEndpoint(row: CommandRow, context: CommandContext, name: string): void {
  const endpoint = row.endpoint ?? 'engine';
  if (endpoint === 'both' || context.endpoint === undefined || context.endpoint === endpoint) return;
  const other = context.cluster.uri.replace('https://', endpoint === 'ingestion' ? 'https://ingest-' : 'https://');
  if (/^\.(get|show) ingestion resources$/i.test(name))
    throw dataError(
      'WrongEndpoint',
      `Cannot get ingestion resources from this service endpoint. The appropriate endpoint is most likely '${other}/'.`,
    );
  if (endpoint === 'engine') throw unknownCommand();
  throw new KqlError(
    'notSupported',
    `The management command '${name}' is answered by another endpoint of the cluster: ${other}`,
  );
}

function requireRow({ permission }: CommandRow, command: Command, context: CommandContext): void {
  if (permission === 'anyone') return;
  if (permission === 'clusterAdmin' || permission === 'clusterMonitor') {
    requirePermission(context, permission, context.database, command.kind);
    return;
  }
  const { name } = context.data.database(command.databaseName(context));
  requirePermissionOn(context, permission, name, command);
}

async function parse(context: CommandContext, text: string): Promise<ParsedCommand> {
  const parseWith = (catalog: KqlCatalog): Promise<ParsedCommand> =>
    context.engine.parseCommand({
      ...{ text, database: context.database, catalog },
      ...{ caller: context.caller.fqn, signal: context.signal },
    });
  try {
    if (namesMatter(text)) return await parseWith(readableCatalog(context));
    try {
      return await parseWith(withoutNames(context));
    } catch (error) {
      // A few commands have their names looked up by the parser.
      if (error instanceof KqlError && error.code === 'semantic') return await parseWith(readableCatalog(context));
      throw error;
    }
  } catch (error) {
    if (!(error instanceof KqlError) || context.signal?.aborted) throw error;
    requireFirst(context, error);
    throw explainCommand(error, text);
  }
}

/** Whoever may not give a command is not told what is wrong in it. A right that a role on one entity gives is asked for when it is known
 * which one is meant. @throws ForbiddenError */
function requireFirst(context: CommandContext, { code, command }: KqlError): void {
  const permission = command === undefined ? undefined : commandRow(command)?.permission;
  if (code !== 'semantic' || command === undefined || permission === undefined || permission === 'anyone') return;
  const isKnown = context.data.databases().some(({ name }) => name === context.database);
  if (isKnown && entityKindOf(permission) === undefined)
    requirePermission(context, permission, context.database, command);
}

/** The parser knows nearly every command there is; what it does not know, and what is not built, is named rather than called a mistake. */
function explainCommand(error: KqlError, text: string): KqlError {
  const name = commandName(text);
  if (error.command !== undefined)
    return commandRow(error.command) === undefined ? refusalOf(error.command, name) : error;
  if (error.code !== 'syntax') return error;
  return refusalOfText(text, name) ?? (error.parserCode === undefined ? refusalOf(undefined, name) : error);
}

/** Names of databases are compared without case; from here on it is spelled as the cluster spells it. */
function withDatabaseName(context: CommandContext): CommandContext {
  if (context.database === '') return { ...context, database: 'NetDefaultDB' }; // as clients do whose user names none
  const lower = context.database.toLowerCase();
  const found = context.data.databases().find(({ name }) => name.toLowerCase() === lower);
  return found === undefined ? context : { ...context, database: found.name };
}

/** A query, operators after the command or a function's body mean something by the names that exist. All other names are looked up by the
 * command itself, and each new catalog costs the parser far more than a command does. */
const namesMatter = (text: string): boolean => /[|{]|;\s*\S/.test(withoutLiterals(text));

const withoutNames = ({ database, cluster }: CommandContext): KqlCatalog => ({
  version: `no names ${database}`,
  cluster: cluster.name,
  databases: [{ name: database, tables: [], functions: [] }],
});
