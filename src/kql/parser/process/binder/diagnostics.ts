import { KqlError } from '../../../plan/kql-error.ts';
import type { LanguageDiagnostic, ParsedCode, SyntaxNode } from '../language/language.ts';
import { UnknownTable } from '../language/node-errors.ts';
import { failureOf, isFuzzy, isInsideLeftOut, startsFromNothing } from './fuzzy.ts';
import { children, kindOf, list, nameOf, need, part, symbolKind, toArray } from '../language/language.ts';
import { sourceOf } from '../language/pipes.ts';
import { complaintOf, isUnknownName, pathTo } from '../words/complaint.ts';
import { engineWords } from '../words/semantic-words.ts';
import { isSyntax, syntaxError } from '../words/syntax-words.ts';
import type { EngineFunctions } from './engine-functions.ts';
import { hasOpenPlugin } from './open-schemas.ts';
import type { BindOptions } from './options.ts';
import { missingPatterns } from './missing-patterns.ts';

/** @param mayBeUnknown what need not be known where a name or a type is wrong
 * @param within those of them that count; default: all of the text
 * @throws KqlError for the first diagnostic that the engine would refuse the text for */
export function checkDiagnostics(
  code: ParsedCode,
  functions: EngineFunctions,
  mayBeUnknown: (diagnostic: LanguageDiagnostic) => boolean = () => false,
  within?: readonly SyntaxNode[],
): void {
  const said = within?.map((node) => node.GetContainedDiagnostics?.()) ?? [code.GetDiagnostics()];
  const errors = said
    .flatMap((one) => toArray<LanguageDiagnostic>(one))
    .filter((diagnostic) => diagnostic.Severity === 'Error');
  const fatal = errors.filter(
    (diagnostic) =>
      !isTolerated(code.Syntax, diagnostic, functions) && (isSyntax(diagnostic.Code) || !mayBeUnknown(diagnostic)),
  );
  const first = firstOf(fatal);
  if (!first) return;
  const missing = fatal.flatMap((diagnostic) => patternCalls(code.Syntax, diagnostic));
  if (missing.length > 0 && !isSyntax(first.Code)) throw missingPatterns(missing, missing[0]?.TextStart);
  if (first.Code === 'KS245' || first.Code === 'KS244')
    throw new KqlError('limits', first.Message, first.Start, first.Code);
  throw worded(code.Syntax, code.Text, first, true);
}

/** A text is parsed, then its names are looked up, then the types of what they stand for are: the first mistake of the earliest of these
 * is told. */
function firstOf(fatal: readonly LanguageDiagnostic[]): LanguageDiagnostic | undefined {
  const inOrder = fatal.toSorted((a, b) => a.Start - b.Start);
  return inOrder.find(({ Code }) => isSyntax(Code)) ?? inOrder.find(({ Code }) => isUnknownName(Code)) ?? inOrder[0];
}

/** @param placed whether the text is the one that was sent, and not the body of a stored function */
function worded(root: SyntaxNode, text: string, diagnostic: LanguageDiagnostic, placed: boolean): KqlError {
  if (isSyntax(diagnostic.Code)) return syntaxError(text, diagnostic, placed);
  const complaint = complaintOf(root, text, diagnostic);
  const { code, text: message } = engineWords(complaint);
  const position = placed ? diagnostic.Start : undefined;
  const missing = unknownDatabase(root, diagnostic);
  const words = { code, token: complaint.token };
  return new KqlError('semantic', message, position, diagnostic.Code, missing, undefined, words);
}

/** Why a fuzzy union does without a leg, in the words that the engine has for the mistake where the leg is needed.
 * @returns undefined where nothing is to be told */
export function whyLeftOut(leg: SyntaxNode): string | undefined {
  const failure = failureOf(leg);
  return failure && worded(failure.root, wholeText(failure.root), failure.diagnostic, false).message;
}

/** What `database()` names, where there is no such database: to the binder it is one with any table. */
function unknownDatabase(root: SyntaxNode, { Code, Start }: LanguageDiagnostic): string | undefined {
  if (Code !== 'KS208') return undefined;
  const types = pathTo(root, Start).map(({ ResultType }) => ResultType);
  return types.findLast((type) => type != null && symbolKind(type) === 'DatabaseSymbol')?.Name.slice(0, 300);
}

/** The call of a pattern, where the complaint is that no pattern is declared for its values or for its path. */
function patternCalls(root: SyntaxNode, { Code, Start }: LanguageDiagnostic): SyntaxNode[] {
  if (Code !== 'KS188' && Code !== 'KS142') return [];
  const nodes = pathTo(root, Start);
  if (Code === 'KS188') return nodes.filter((node) => kindOf(node) === 'FunctionCallExpression').slice(-1);
  const owner = nodes.findLast((node) => kindOf(node) === 'PathExpression');
  const call = owner && part(owner, 'Expression');
  const symbol = call?.ReferencedSymbol;
  return call && symbol && symbolKind(symbol) === 'PatternSymbol' && call.End <= Start ? [call] : [];
}

/** The binder is stricter than the engine in a few shapes: terms inside `search`, arguments of which the row of a function
 * says so, dynamics that are no array or bag, indexes that are bools, names
 * that are constants where it wants literals, tables by wildcard and legs that a fuzzy union does without, and the bodies of functions, whose
 * types are known only where they are called. */
function isTolerated(
  root: SyntaxNode,
  { Code, Start, Length }: LanguageDiagnostic,
  functions: EngineFunctions,
): boolean {
  if (!isSyntax(Code) && isInsideLeftOut(root, Start)) return true;
  if (Code === 'KS142')
    return isInsideInnerNodes(root, Start) || isFuzzyWildcard(root, Start) || isInsideRender(root, Start);
  if (Code === 'KS111' && isMissingLeg(root, Start)) return true;
  if (Code === 'KS234' && isVariableEdge(root, Start, Start + Length)) return true;
  // The functions library looks for shortest paths in every partition of a graph; the binder knows only graph-match there.
  if (Code === 'KS177')
    return /PartitionedByClause,(PipeExpression,)*GraphShortestPathsOperator/.test(
      pathTo(root, Start).map(kindOf).join(),
    );
  if (Code === countOfArguments && isDefaultedCursor(root, Start)) return true;
  // The binder takes the column that a hint of `evaluate` names for a plugin.
  if (Code === 'KS237') return pathTo(root, Start).some((node) => kindOf(node) === 'NamedParameter');
  if ((Code === 'KS234' || Code === 'KS235') && isDynamicArgument(root, Start, Start + Length)) return true;
  if (Code === 'KS141' && isIndex(root, Start, Start + Length)) return true;
  if (Code === 'KS131') return variableAt(root, Start, Start + Length);
  if (isTextOfPlugin(root, Start, Code)) return true;
  if (!ofTypes.test(Code)) return false;
  if (isInsideFunction(root, Start)) return true;
  if (!/^KS(106|107|134)$/.test(Code)) return false;
  if (isTypeOfPercentiles(root, Start)) return true;
  for (let node: SyntaxNode | undefined = root; node;) {
    const kind = kindOf(node);
    if ((kind === 'SearchOperator' || kind === 'FindOperator') && Code !== 'KS134') return true;
    if (kind === 'FunctionCallExpression') {
      const name = part(node, 'Name');
      if (name && functions.facts(nameOf(name)).tolerated?.includes(Code)) return true;
    }
    node = children(node).find((child) => child.TextStart <= Start && Start < child.End);
  }
  return false;
}

/** A cursor that is not written down is a property of the request. */
const isDefaultedCursor = (root: SyntaxNode, at: number): boolean => {
  const call = pathTo(root, at).findLast((node) => kindOf(node) === 'FunctionCallExpression');
  return (
    call !== undefined &&
    /^cursor_(after|before_or_at)$/.test(nameOf(need(call, 'Name'))) &&
    list(need(call, 'ArgumentList'), 'Expressions').length === 0
  );
};

/** `percentiles_array_tdigest(t, range(0, 100, 50), typeof(int))`: to the binder the type is one more percentile, and the array none. */
const isTypeOfPercentiles = (root: SyntaxNode, at: number): boolean => {
  const nodes = pathTo(root, at);
  const call = nodes.findLast((node) => kindOf(node) === 'FunctionCallExpression' && node.TextStart < at);
  if (!call || nameOf(need(call, 'Name')) !== 'percentiles_array_tdigest') return false;
  const args = list(need(call, 'ArgumentList'), 'Expressions');
  const wrong = args.find((argument) => argument.TextStart === at);
  const last = args.at(-1);
  return (
    last !== undefined &&
    kindOf(last) === 'TypeOfLiteralExpression' &&
    (wrong === last || wrong?.ResultType?.Name === 'dynamic')
  );
};

/** What depends on the types of operands and arguments. */
const ofTypes = /^KS(106|107|108|116|127|134|135|136|137|138|141|206|232|23[3-5])$/;

/** Whether a complaint is one about types that the engine has, too. */
export const isTypeMistake =
  (functions: EngineFunctions): BindOptions['isMistake'] =>
  (root, diagnostic) =>
    ofTypes.test(diagnostic.Code) && !isTolerated(root, diagnostic, functions);

/** @param stored of a stored function, which nobody has checked since its tables were as they are. What comes after columns that only a
 * run tells is checked once they are told.
 * @throws KqlError for the first error in the body of a function, bound for one call: of types, or any in a stored one;
 * UnknownTable where the body starts from a table that is not there */
export function checkBody(body: SyntaxNode, functions: EngineFunctions, stored: boolean): void {
  const counts = ({ Code }: LanguageDiagnostic): boolean => ofTypes.test(Code) || (stored && !hasOpenPlugin(body));
  const found = toArray<LanguageDiagnostic>(body.GetContainedDiagnostics?.()).filter(
    (diagnostic) =>
      diagnostic.Severity === 'Error' &&
      counts(diagnostic) &&
      !isTolerated(body, diagnostic, functions) &&
      !(stored && isCapturedTwice(body, diagnostic)),
  );
  const first = firstOf(found);
  if (!first) return;
  const error = worded(body, wholeText(body), first, false);
  const expression = part(body, 'Expression');
  if (isUnknownName(first.Code) && expression && startsFromNothing(expression)) {
    if (sourceOf(expression).TextStart === first.Start)
      throw new UnknownTable(error.message, undefined, first.Code, error.engine);
  }
  throw error;
}

const wholeText = (node: SyntaxNode): string => node.Tree.Root.toString();

/** The service takes in a stored function what it refuses in a query: `parse` that captures one name twice. */
const isCapturedTwice = (body: SyntaxNode, { Code, Start }: LanguageDiagnostic): boolean =>
  Code === 'KS171' && pathTo(body, Start).some((node) => /^Parse(Where)?Operator$/.test(kindOf(node)));

/** In the body of a function with parameters: it is bound again for every call, and checked then. */
const isInsideFunction = (root: SyntaxNode, at: number): boolean =>
  pathTo(root, at).some(
    (node) =>
      kindOf(node) === 'FunctionDeclaration' &&
      list(need(node, 'Parameters'), 'Parameters').length > 0 &&
      need(node, 'Body').TextStart <= at,
  );

/** `array_length(d)` where `d` is known to be a bag: functions of arrays and of bags are null for other dynamics, known or not.
 * The columns of array_sort_asc() and array_sort_desc() come from the arguments. */
const isDynamicArgument = (root: SyntaxNode, start: number, end: number): boolean => {
  const nodes = pathTo(root, start);
  const call = nodes.findLast((node) => kindOf(node) === 'FunctionCallExpression' && node.TextStart < start);
  const argument = nodes.find((node) => node.TextStart === start && node.End === end && node.ResultType);
  return (
    call !== undefined &&
    /^(array_(?!sort)|bag_(?!unpack)|set_)/.test(nameOf(need(call, 'Name'))) &&
    argument?.ResultType != null &&
    /^Dynamic\w*Symbol$/.test(symbolKind(argument.ResultType))
  );
};

/** `array_length(e)` of an edge of variable length: the binder takes all its properties for it, the engine the list of its edges. */
function isVariableEdge(root: SyntaxNode, start: number, end: number): boolean {
  const nodes = pathTo(root, start);
  const reference = nodes.find((node) => kindOf(node) === 'NameReference' && node.End === end);
  const operator = nodes.findLast((node) => /^Graph(Match|ShortestPaths)Operator$/.test(kindOf(node)));
  if (!reference || !operator) return false;
  const elements = list(operator, 'Patterns').flatMap((pattern) => list(pattern, 'PatternElements'));
  return elements.some((element) => {
    const name = part(element, 'Name');
    return name && part(element, 'Range') && nameOf(name) === nameOf(reference);
  });
}

/** `list[isLater]`: a bool is 0 or 1. `list['-1']`: a place may be written as a text. */
const isIndex = (root: SyntaxNode, start: number, end: number): boolean =>
  pathTo(root, start).some(
    (node) =>
      node.Parent != null &&
      kindOf(node.Parent) === 'BracketedExpression' &&
      node.End === end &&
      (node.ResultType?.Name === 'bool' || /^\s*(["'])-?\d{1,9}\1\s*$/.test(node.toString())),
  );

const variableAt = (root: SyntaxNode, start: number, end: number): boolean =>
  pathTo(root, start).some(
    (node) =>
      kindOf(node) === 'NameReference' &&
      node.End === end &&
      node.ReferencedSymbol != null &&
      /^(Variable|Parameter)Symbol$/.test(symbolKind(node.ReferencedSymbol)),
  );

const countOfArguments = 'KS119';

/** A window of a plugin may be a period of the calendar; bag_unpack() has four parameters, the binder knows two, and takes those
 * given by name for others. The plugin checks both. */
const isTextOfPlugin = (root: SyntaxNode, at: number, code: string): boolean => {
  const nodes = pathTo(root, at);
  const call = nodes.find(
    (node) => node.NameInParent === 'FunctionCall' && node.Parent && kindOf(node.Parent) === 'EvaluateOperator',
  );
  if (!call) return false;
  const name = nameOf(need(call, 'Name'));
  if (code === 'KS138')
    return name === 'activity_metrics' && kindOf(nodes.at(-2) ?? call) === 'StringLiteralExpression';
  if (name !== 'bag_unpack') return false;
  return (
    code === countOfArguments || (code === 'KS107' && nodes.some((node) => kindOf(node) === 'SimpleNamedExpression'))
  );
};

/** Properties of `render` are for who draws the result: nobody looks up the columns that they name. */
const isInsideRender = (root: SyntaxNode, at: number): boolean =>
  pathTo(root, at).some((node) => kindOf(node) === 'RenderWithClause');

const isFuzzyWildcard = (root: SyntaxNode, at: number): boolean => {
  const nodes = pathTo(root, at);
  const union = nodes.findLast((node) => kindOf(node) === 'UnionOperator');
  return union !== undefined && nodes.some((node) => /Wildcard/.test(kindOf(node))) && isFuzzy(union);
};

/** A function that is nothing but a table that is not there is no table to the binder. */
const isMissingLeg = (root: SyntaxNode, at: number): boolean => {
  const union = pathTo(root, at).findLast((node) => kindOf(node) === 'UnionOperator');
  const leg = union && list(union, 'Expressions').find((node) => node.TextStart === at);
  return union !== undefined && leg !== undefined && isFuzzy(union) && startsFromNothing(leg);
};

/** `map(inner_nodes(e), name)`: the binder does not know the nodes of a graph that was made without tables of nodes. The names
 * are checked when the pattern is built. */
function isInsideInnerNodes(root: SyntaxNode, at: number): boolean {
  for (let node: SyntaxNode | undefined = root; node;) {
    if (kindOf(node) === 'FunctionCallExpression' && /^(all|any|map)$/.test(nameOf(need(node, 'Name')))) {
      const [first, second] = list(need(node, 'ArgumentList'), 'Expressions');
      if (first && second && second.TextStart <= at && isInnerNodes(first)) return true;
    }
    node = children(node).find((child) => child.TextStart <= at && at < child.End);
  }
  return false;
}
const isInnerNodes = (node: SyntaxNode): boolean =>
  kindOf(node) === 'FunctionCallExpression' && nameOf(need(node, 'Name')) === 'inner_nodes';
