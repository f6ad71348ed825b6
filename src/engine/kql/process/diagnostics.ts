import { KqlError } from '../kql-error.ts';
import type { LanguageDiagnostic, ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, list, nameOf, need, part, toArray } from './language.ts';

/** @param mayBeUnknown what need not be known where a name or a type is wrong
 * @throws KqlError for the first diagnostic that the engine would refuse the text for */
export function checkDiagnostics(
  code: ParsedCode,
  mayBeUnknown: (diagnostic: LanguageDiagnostic) => boolean = () => false,
): void {
  const errors = toArray<LanguageDiagnostic>(code.GetDiagnostics()).filter(
    (diagnostic) => diagnostic.Severity === 'Error',
  );
  const fatal = errors.filter(
    (diagnostic) => !isTolerated(code.Syntax, diagnostic) && (isSyntax(diagnostic.Code) || !mayBeUnknown(diagnostic)),
  );
  const first = fatal.find((diagnostic) => isSyntax(diagnostic.Code)) ?? fatal[0];
  if (!first) return;
  if (first.Code === 'KS245' || first.Code === 'KS244')
    throw new KqlError('limits', first.Message, first.Start, first.Code);
  throw new KqlError(isSyntax(first.Code) ? 'syntax' : 'semantic', first.Message, first.Start, first.Code);
}

const isSyntax = (code: string): boolean => /^KS00[1-6]$/.test(code);

/** The binder is stricter than the engine in a few shapes: terms inside `search`, `count(x)` of a value, and parts of a second in
 * make_timespan(). */
function isTolerated(root: SyntaxNode, { Code, Start }: LanguageDiagnostic): boolean {
  if (Code === 'KS142') return isInsideInnerNodes(root, Start);
  if (!/^KS(106|107|134)$/.test(Code)) return false;
  for (let node: SyntaxNode | undefined = root; node;) {
    const kind = kindOf(node);
    if ((kind === 'SearchOperator' || kind === 'FindOperator') && Code !== 'KS134') return true;
    if (kind === 'FunctionCallExpression') {
      const name = part(node, 'Name');
      if (name && nameOf(name) === (Code === 'KS134' ? 'make_timespan' : 'count') && Code !== 'KS106') return true;
    }
    node = children(node).find((child) => child.TextStart <= Start && Start < child.End);
  }
  return false;
}

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
