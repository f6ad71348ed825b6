import type { CommandPart, ParsedCommand } from '../../plan/command.ts';
import { commandResults } from '../../plan/command.ts';
import type { ToldSchema } from '../../plan/told-schema.ts';
import type { Program } from '../../plan/plan.ts';
import { engineMistake, KqlError } from '../../plan/kql-error.ts';
import { columnsOf } from './language/node-types.ts';
import { Scope } from './build/draft/scope.ts';
import { withBindOptions } from './binder/options.ts';
import { byPlace } from './compile.ts';
import { checkDiagnostics, isTypeMistake } from './binder/diagnostics.ts';
import { commandOf, withWholeCommands } from './language/partial-commands.ts';
import type { GlobalState, SyntaxNode } from './language/language.ts';
import { children, elements, kindOf, languagePackage, list, nameOf, need, part } from './language/language.ts';
import type { KeptGraphs } from './build/draft/draft.ts';
import { newDraft, untoldProgram } from './build/draft/draft.ts';
import { literalOf } from './language/literals.ts';
import { commandRows } from './build/tables.ts';
import { buildStatement } from './build/draft/visit.ts';
import { visitors } from './build/visitors.ts';

/** Management command text → its kind, its parts, and the programs of the query after `<|` and of what follows `|`.
 * @throws KqlError syntax, semantic; a command that the parser does not know is a syntax error */
export function compileCommand(
  text: string,
  database: string,
  graphs: KeptGraphs,
  told: readonly ToldSchema[] = [],
): ParsedCommand {
  const options = { database, told: byPlace(told), isMistake: isTypeMistake(graphs.functions) };
  return withBindOptions(options, () => compileBound(text, database, graphs));
}

function compileBound(text: string, database: string, graphs: KeptGraphs): ParsedCommand {
  const state = graphs.state(database);
  const code = withWholeCommands(() => languagePackage().KustoCode.ParseAndAnalyze(text, state));
  if (code.Kind !== 'Command') throw new KqlError('syntax', 'This is not a management command.', 0);
  try {
    checkDiagnostics(
      code,
      graphs.functions,
      ({ Start }) => isNameOfEntity(code.Syntax, Start) || skipsValidation(text),
    );
  } catch (error) {
    throw error instanceof KqlError && error.code === 'semantic' ? aboutCommand(error, code.Syntax) : error;
  }
  const [statement, ...after] = list(code.Syntax, 'Statements');
  // The parser reads one command and statements of a query, and passes over the rest.
  const rest = part(code.Syntax, 'SkippedTokens');
  if (rest && !/^[;\s]*$/.test(rest.toString()))
    throw new KqlError('semantic', 'A request has one management command, and nothing after it.', rest.TextStart);
  const expression = statement && part(statement, 'Expression');
  if (!expression) throw new KqlError('syntax', 'The command is empty.', 0);
  const command = commandOf(expression);
  if (!command || kindOf(command) !== 'CustomCommand') throw new KqlError('syntax', 'The command is not known.', 0);
  const root = need(command, 'Custom');
  requireOwnName(nameOfCommand(command) ?? '', root, state);
  const query = find(root, 'QueryOrCommand') ?? queryOfOther(root);
  return {
    kind: nameOfCommand(command) ?? '',
    columns: columnsOf(command),
    parts: partsOf(root).children ?? [],
    ...(query && {
      query: programOf(elements(query), database, graphs),
      queryText: text.slice(query.TextStart, query.End),
    }),
    ...((command !== expression || after.length > 0) && {
      pipe: queryOver(command, [...(command === expression ? [] : [statement]), ...after], database, graphs),
    }),
  };
}

const nameOfCommand = ({ ReferencedSymbol, CommandKind }: SyntaxNode): string | undefined =>
  ReferencedSymbol?.Name ?? CommandKind;

/** A stored function cannot have the name of one that the language has: nobody could call it.
 * @see https://github.com/mmaitre314/duckdb-kql docs/stored-functions-proposal.md, which measured the code and these words of it; Kusto
 * "Functions": built-in functions cannot be modified by users */
function requireOwnName(command: string, root: SyntaxNode, state: GlobalState): void {
  if (!/^(Create|CreateOrAlter|Alter)Function$/.test(command)) return;
  const node = find(root, 'FunctionName');
  const name = node ? nameOf(node) : '';
  if (!state.GetFunction(name) && !state.GetAggregate(name)) return;
  const words = { code: 'SEM0515', token: name };
  const text = `function ${name}: is invalid callable name (reserved for internal provider)`;
  throw engineMistake('semantic', words, text, node?.TextStart);
}

/** What is wrong in a command may not matter to whoever does not know the command at all. */
function aboutCommand(error: KqlError, root: SyntaxNode): KqlError {
  const [statement] = list(root, 'Statements');
  const command = commandOf(statement && part(statement, 'Expression'));
  const { code, message, position, parserCode, database, engine } = error;
  return new KqlError(code, message, position, parserCode, database, command && nameOfCommand(command), engine);
}

const isQuery = ({ NameInParent }: SyntaxNode): boolean =>
  NameInParent === 'QueryOrCommand' || NameInParent === 'Query';

/** Of `.set stored_query_result` and of exports; the queries of other commands that call theirs so are not run here. */
const queryOfOther = (root: SyntaxNode): SyntaxNode | undefined =>
  ['StoredQueryResultName', 'DataConnectionString', 'ExternalTableName'].some((name) => find(root, name))
    ? find(root, 'Query')
    : undefined;

/** Entities that a command names may be missing (`.drop table T ifexists`): the command itself says so, in its own words. */
function isNameOfEntity(root: SyntaxNode, position: number): boolean {
  let inName = false;
  for (let node: SyntaxNode | undefined = root; node;) {
    if (isQuery(node)) return false;
    inName ||= /^(New|Source|External)?(Table|Column|Function|Database|database|MaterializedView)Name$/.test(
      node.NameInParent ?? '',
    );
    node = children(node).find((child) => child.TextStart <= position && position < child.End);
  }
  return inName;
}

/** Commands about following name what another cluster has. */
const skipsValidation = (text: string): boolean =>
  /^\s*\.\s*(alter|add|drop|delete|show)\s+follower\b/i.test(text) ||
  /^\s*\.(create|create-or-alter|alter)\s+function\b[^{]*\bskipvalidation\s*=\s*["']?true\b/i.test(text);

/** @throws KqlError semantic when the statements give no result */
function queryOver(
  command: SyntaxNode,
  statements: readonly SyntaxNode[],
  database: string,
  graphs: KeptGraphs,
): Program {
  const scope = new Scope();
  scope.bind(commandResults, { k: 'table', plan: commandRows(command) });
  const program = programOf(statements, database, graphs, scope);
  if (program.results.length > 0) return program;
  throw new KqlError('semantic', 'The query after the command has no tabular expression statement.', command.End);
}

function programOf(
  statements: readonly SyntaxNode[],
  database: string,
  graphs: KeptGraphs,
  scope = new Scope(),
): Program {
  const draft = newDraft(database, graphs, visitors);
  const builder = { draft, scope, offset: 0 };
  for (const statement of statements) buildStatement(builder, statement);
  const { parameters, options, lets, results } = draft;
  return untoldProgram(draft) ?? { parameters, options, lets, results };
}

const isList = (node: SyntaxNode): boolean => /^(List|SeparatedElement|CustomNode|ExpressionList)$/.test(kindOf(node));

function partsOf(node: SyntaxNode): CommandPart {
  const name = node.NameInParent ?? '';
  const base = { ...(name !== '' && { name }), text: textOf(node), start: node.TextStart, end: node.End };
  if (isList(node) && !isQuery(node)) {
    return {
      ...base,
      children: children(node)
        .filter((child) => child.TextStart < child.End)
        .map(partsOf),
    };
  }
  if (node.IsToken) return base;
  const literal = literalOf(node);
  if (literal) return { ...base, value: literal.value };
  return /Name|Type/.test(kindOf(node)) ? { ...base, value: nameOf(node) } : base;
}

const textOf = (node: SyntaxNode): string => (node.IsToken ? (node.Text ?? '') : node.toString().trim());

function find(node: SyntaxNode, name: string): SyntaxNode | undefined {
  if (node.NameInParent === name) return node;
  for (const child of children(node)) {
    const found = child.IsToken ? undefined : find(child, name);
    if (found) return found;
  }
  return undefined;
}
