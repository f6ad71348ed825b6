import type { FunctionSchema } from '../catalog/schema.ts';
import type { FunctionView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { withoutHidden } from '../../kql/values/obfuscated.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { isAllowed, ownPrincipals, requirePermission } from './permissions.ts';
import { boolOf } from './view-properties.ts';

const functionColumns = 'Name: string, Parameters: string, Body: string, Folder: string, DocString: string';

const functionRow = (fn: FunctionSchema | FunctionView): Row => {
  const { name, parameters, body, folder = '', docstring = '' } = withHiddenTexts(fn);
  return [name, parameters, body, folder, docstring];
};

/** A function as it is shown: what its obfuscated literals hide is nobody's but its administrators'. */
export const withHiddenTexts = <Fn extends Pick<FunctionView, 'parameters' | 'body'>>(fn: Fn): Fn => ({
  ...fn,
  parameters: withoutHidden(fn.parameters),
  body: withoutHidden(fn.body),
});

/** Whoever asks for hidden texts without administering the function gets it without them. */
export const asAllowed = (
  fn: FunctionView,
  isAsked: boolean,
  context: CommandContext,
  database: string,
): FunctionView => (isAsked && isAllowed(context, 'functionAdmin', database, fn.name) ? fn : withHiddenTexts(fn));

const shownProperties = ['ShowObfuscatedStrings', 'IncludeHiddenFunctions', 'Builtin'] as const;

function showOne(command: Command, context: CommandContext): Row {
  const { data, database } = context;
  const given = command.properties(shownProperties);
  const [asksHidden, , isBuiltIn] = shownProperties.map((name) => boolOf(name, given[name]) ?? false);
  if (isBuiltIn === true)
    throw new KqlError('notSupported', "The property 'Builtin' is not built: functions of the service are not stored.");
  const name = command.required('FunctionName');
  const found = data.database(database).functions.get(name);
  if (found === undefined) throw dataError('FunctionNotFound', name.slice(0, 200));
  const fn = asAllowed(found, asksHidden === true, context, database);
  return [fn.name, fn.parameters, fn.body, fn.folder, fn.docstring];
}

/** `(n:long) { … }` → parameters and body, each with its brackets. */
function splitDeclaration(text: string): { readonly parameters: string; readonly body: string } {
  let depth = 0;
  for (const { index, 0: found } of text.matchAll(/@"[^"]*"|@'[^']*'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()]/g)) {
    if (found === '(') depth += 1;
    if (found !== ')') continue;
    depth -= 1;
    if (depth === 0) return { parameters: text.slice(0, index + 1).trim(), body: text.slice(index + 1).trim() };
  }
  throw new KqlError('syntax', 'The function has no parameter list.');
}

function declarationOf(command: Command): FunctionSchema {
  const at = command.leaves.findIndex(({ name }) => name === 'FunctionName');
  const declaration = command.leaves
    .slice(at + 1)
    .map(({ text }) => text)
    .join(' ');
  const { docstring, folder, view } = command.properties(['docstring', 'folder', 'skipvalidation', 'view']);
  return {
    name: command.required('FunctionName'),
    ...splitDeclaration(declaration),
    ...(docstring === undefined ? {} : { docstring }),
    ...(folder === undefined ? {} : { folder }),
    ...(view === undefined ? {} : { view: view.toLowerCase() === 'true' }),
  };
}

async function put(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const fn = declarationOf(command);
  const { data, database } = context;
  const exists = data.database(database).functions.has(fn.name);
  const owned = { ...fn, ...ownPrincipals(context) };
  if (command.kind === 'CreateOrAlterFunction') {
    // To change somebody's function takes more than to make one.
    if (exists) requirePermission(context, 'functionAdmin', database, command.kind, fn.name);
    return [functionRow(await data.putFunction(database, owned, 'createOrAlter'))];
  }
  if (command.kind === 'AlterFunction') return [functionRow(await data.putFunction(database, fn, 'alter'))];
  return [
    functionRow(await data.putFunction(database, owned, command.has('ifnotexists') ? 'createIfNotExists' : 'create')),
  ];
}

async function drop(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const names = command.all('FunctionName');
  await data.dropFunctions(database, names, command.has('ifexists'));
  if (command.kind === 'DropFunction') return names.map((name) => [name]);
  return [...data.database(database).functions.values()].map(functionRow);
}

async function setText(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const docstring = command.optional('Documentation');
  const text = docstring === undefined ? { folder: command.required('Folder') } : { docstring };
  return [functionRow(await data.setFunctionText(database, command.required('FunctionName'), text))];
}

/** @see Kusto "Stored functions" */
export const functionCommands: readonly CommandRow[] = [
  {
    kinds: { ShowFunctions: ['.show functions', 'show functions'] },
    parsed: true,
    permission: 'metadata',
    columns: functionColumns,
    run: (_command, { data, database }) => [...data.database(database).functions.values()].map(functionRow),
  },
  {
    kinds: { ShowFunction: '.show function F' },
    permission: 'metadata',
    columns: functionColumns,
    run: (command, context) => [showOne(command, context)],
  },
  {
    kinds: {
      CreateFunction: '.create function F(x: long) { T | extend Least = x }',
      CreateOrAlterFunction: '.create-or-alter function F(x: long) { T | extend Least = x }',
    },
    permission: 'create',
    columns: functionColumns,
    run: put,
  },
  {
    kinds: { AlterFunction: '.alter function F(x: long) { T | extend Most = x }' },
    permission: 'functionAdmin',
    columns: functionColumns,
    run: put,
  },
  {
    kinds: {
      AlterFunctionDocString: '.alter function F docstring "What it gives"',
      AlterFunctionFolder: '.alter function F folder "Shared"',
    },
    permission: 'functionAdmin',
    columns: functionColumns,
    run: setText,
  },
  {
    kinds: { DropFunction: '.drop function F ifexists' },
    permission: 'functionAdmin',
    columns: 'Name: string',
    run: drop,
  },
  {
    kinds: { DropFunctions: '.drop functions (F, G) ifexists' },
    permission: 'functionAdmin',
    columns: functionColumns,
    run: drop,
  },
];
