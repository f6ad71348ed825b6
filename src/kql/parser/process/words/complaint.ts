import type { LanguageDiagnostic, SyntaxNode } from '../language/language.ts';
import { children, kindOf, nameOf, need, part, toArray } from '../language/language.ts';
import { operatorTitle } from '../language/pipes.ts';

/** What the language service complains of, and where in the query that is: what the engine's words are made of. */
export interface Complaint {
  /** `KS142` */
  readonly ks: string;
  /** The words of the language service. */
  readonly said: string;
  /** As written: a name without its brackets and quotes, an operator. */
  readonly token: string;
  /** The nodes around the place, outermost first. */
  readonly path: readonly SyntaxNode[];
  /** The innermost tabular operator around it, as the engine calls it. */
  readonly operator: string | undefined;
}

/** A name that stands for nothing: of a column, a table, a function, a plugin, a database. */
export const isUnknownName = (code: string): boolean =>
  /^KS(122|123|124|142|143|145|204|208|209|21[01]|24[78]|26[01])$/.test(code);

/** @param text that the diagnostic is of; its start is counted in it */
export function complaintOf(
  root: SyntaxNode,
  text: string,
  { Code, Message, Start, Length }: LanguageDiagnostic,
): Complaint {
  const path = pathTo(root, Start);
  const named = path.findLast(
    (node) => node.TextStart === Start && /^(Name|WildcardedName)Reference$/.test(kindOf(node)),
  );
  const operator = path.findLast((node) => isOperator(node) && node.TextStart < Start) ?? path.findLast(isOperator);
  return {
    ks: Code,
    said: Message,
    token: nameIn(Message) ?? (named ? nameOf(named) : text.slice(Start, Start + Length)),
    path,
    operator: operator && engineName(operator),
  };
}

/** What a complaint is of by name: `table(p)` misses what `p` names. */
const nameIn = (said: string): string | undefined => /^The name '(.+)' does not refer to/.exec(said)?.[1];

/** The innermost nodes around a position, outermost first. */
export function pathTo(root: SyntaxNode, at: number): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let node: SyntaxNode | undefined = root; node;) {
    found.push(node);
    node = children(node).find((child) => child.TextStart <= at && at < child.End);
  }
  return found;
}

const isOperator = (node: SyntaxNode): boolean => kindOf(node).endsWith('Operator');

/** `mvexpand` is how the service tells of `mv-expand`. @see Kusto documentation, ".show database schema violations" */
const engineName = (operator: SyntaxNode): string => {
  const title = operatorTitle(operator);
  return title === 'mv-expand' ? 'mvexpand' : title;
};

/** The node that complains: the name itself, not what it is part of. */
export const nodeOf = ({ path }: Complaint): SyntaxNode | undefined =>
  path.findLast((node) => /^(Name|WildcardedName)Reference$|CallExpression$/.test(kindOf(node)));

/** The operator that a table is piped into. */
export function pipedTo(complaint: Complaint): string | undefined {
  let node = nodeOf(complaint);
  while (node?.Parent && /^(Parenthesized|Path)Expression$/.test(kindOf(node.Parent))) node = node.Parent;
  const pipe = node?.Parent;
  if (!pipe || kindOf(pipe) !== 'PipeExpression' || part(pipe, 'Expression') !== node) return undefined;
  return engineName(need(pipe, 'Operator'));
}

/** Nothing but the name: a statement of its own, the body of a function, or in parentheses as a leg of join or union. */
export const isAlone = (complaint: Complaint): boolean => {
  const parent = nodeOf(complaint)?.Parent;
  return parent != null && /^(ExpressionStatement|FunctionBody)$/.test(kindOf(parent));
};

/** The name of a function that is called there. */
export const isCalled = ({ path }: Complaint): boolean => {
  const name = path.findLast((node) => kindOf(node) === 'NameReference');
  return (
    name?.Parent != null && kindOf(name.Parent) === 'FunctionCallExpression' && name.Parent.TextStart === name.TextStart
  );
};

const comparing = /^(Equal|NotEqual|LessThan|LessThanOrEqual|GreaterThan|GreaterThanOrEqual)Expression$/;

/** As an operand of `==` and the like, the engine takes a name for that of a column first. */
export const isCompared = (complaint: Complaint): boolean => {
  const parent = nodeOf(complaint)?.Parent;
  return parent != null && comparing.test(kindOf(parent));
};

/** As an argument of a plugin, too. @see https://github.com/Azure/Azure-Sentinel/issues/10021 */
export const isArgumentOfPlugin = (complaint: Complaint): boolean => {
  const call = complaint.path.find(
    ({ NameInParent, Parent }) =>
      NameInParent === 'FunctionCall' && Parent != null && kindOf(Parent) === 'EvaluateOperator',
  );
  const list = nodeOf(complaint)?.Parent?.Parent;
  return call !== undefined && list?.Parent?.Parent === call;
};

/** The function that is called there, as the engine calls it: `floor` is another name of `bin`. */
export function calledFunction({ path }: Complaint): string {
  const call = path.findLast((node) => kindOf(node) === 'FunctionCallExpression');
  const name = call ? nameOf(need(call, 'Name')) : '';
  return name === 'floor' ? 'bin' : name;
}

interface Arity {
  readonly MinArgumentCount: number;
  readonly MaxArgumentCount: number;
}

/** How many arguments the function takes whose name stands there: `1`, or `[2..3]`. */
export function arityOf(complaint: Complaint): string {
  const [one] = /\d+ and \d+|\d+/.exec(complaint.said.replace(/^The function '.*?'/, '')) ?? [];
  if (one !== undefined) return one.includes(' and ') ? `[${one.replace(' and ', '..')}]` : one;
  const [signature] = toArray<Arity>(nodeOf(complaint)?.ReferencedSymbol?.Signatures ?? []);
  if (!signature) return '1';
  const { MinArgumentCount: least, MaxArgumentCount: most } = signature;
  return least === most ? String(least) : `[${String(least)}..${String(most)}]`;
}

/** The operator of an expression and the types of its operands. */
export function operandsOf({ said }: Complaint): { readonly sign: string; readonly types: readonly string[] } {
  const [, sign = '', types = ''] =
    /^The operator '(.+?)' is not defined for the operand types? (.*)\.$/.exec(said) ?? [];
  return { sign, types: types.split(/, | and /) };
}

/** @see Kusto documentation, "Scalar data types", internal storage types */
const storageTypes: Readonly<Record<string, string>> = {
  ...{ bool: 'I8', datetime: 'DateTime', dynamic: 'Dynamic', guid: 'UniqueId', int: 'I32', long: 'I64' },
  ...{ real: 'R64', string: 'StringBuffer', timespan: 'TimeSpan', decimal: 'Decimal' },
};
export const storageType = (type: string | undefined): string => storageTypes[type ?? ''] ?? type ?? '';
