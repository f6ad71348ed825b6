import type { Column, KqlType } from '../../plan/types.ts';
import { isKqlType } from '../../plan/types.ts';
import type { Expression } from '../../plan/expression.ts';
import type { Placed, Plan, Program, ProgramResult, SharedTable } from '../../plan/plan.ts';
import { startsFromContext } from '../../plan/walk.ts';
import { KqlError } from '../../plan/kql-error.ts';
import { placeOf } from './binder/open-schemas.ts';
import type { Graph } from './graph-patterns.ts';
import type { KeptGraphs } from './kept-graphs.ts';
import type { Binding, Scope } from './scope.ts';
import type { Visitors } from './visit.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { symbolKind, toArray } from './language.ts';

export interface Draft {
  readonly lets: SharedTable[];
  readonly options: Record<string, string | boolean | number | null>;
  readonly parameters: Program['parameters'][number][];
  readonly results: ProgramResult[];
  readonly database: string;
  /** The tables of that database. */
  readonly tables: readonly LanguageSymbol[];
  /** Columns that the binder adds and the engine does not show. */
  readonly implicitColumns: Set<string>;
  readonly keptGraphs: KeptGraphs;
  readonly visitors: Visitors;
  /** Calls inlined so far: a bound on what one text can unfold to. */
  inlined: number;
  /** Nodes of expressions that names stood for so far: another. */
  unfolded: number;
}

/** Carries what a subtree is built with. Immutable; narrower ones are made by spreading. */
export interface Builder {
  readonly draft: Draft;
  readonly scope: Scope;
  /** Added to a node's start to get the offset in the text as sent; undefined inside stored functions. */
  readonly offset: number | undefined;
  /** The places of the function calls that this is in, from the outermost. */
  readonly calls?: readonly string[];
  /** The rows that a subquery without a source starts from (mv-apply, partition, fork). */
  readonly context?: Plan;
  /** The column whose value a subquery with a source of its own runs for (partition … { … }). */
  readonly partitionKey?: LanguageSymbol;
  /** How many tables inside expressions this is in: toscalar(…), in (…), arguments. */
  readonly depth?: number;
  /** The graph that an operator without a source works on (make-graph … partitioned-by). */
  readonly graph?: Graph;
}

/** A table with a source of its own does not see the rows around it. */
export const withoutContext = ({ draft, scope, offset, calls, partitionKey, depth }: Builder): Builder => ({
  draft,
  scope,
  offset,
  ...(calls && { calls }),
  ...(depth !== undefined && { depth }),
  ...(partitionKey && { partitionKey }),
});

/** A table inside an expression has rows of its own. */
export const inside = (b: Builder): Builder => ({ ...withoutContext(b), depth: (b.depth ?? 0) + 1 });

/** A name for an expression, good where the rows are that the expression reads. */
export const scalarBinding = (b: Builder, expression: Expression): Binding =>
  readsRow(expression) ? { k: 'scalar', expression, depth: b.depth ?? 0 } : { k: 'scalar', expression };

export const readsRow = (expression: Expression): boolean =>
  expression.k === 'column' || (expression.k === 'call' && expression.args.some(readsRow));

export const positionOf = (b: Pick<Builder, 'offset'>, node: SyntaxNode): number | undefined =>
  b.offset === undefined ? undefined : b.offset + node.TextStart;

/** For what may be kept while the text is compiled again. */
export const placedAt = (b: Builder, node: SyntaxNode): Required<Pick<Placed, 'place'>> & Placed => ({
  place: placeOf(node),
  ...(b.calls && { calls: b.calls }),
});

/** Inside of the function that a node calls. */
export const callsThrough = (b: Builder, node: SyntaxNode): Required<Pick<Builder, 'calls'>> => ({
  calls: [...(b.calls ?? []), placeOf(node)],
});

export function notSupported(b: Pick<Builder, 'offset'>, node: SyntaxNode, what: string): KqlError {
  const at = positionOf(b, node);
  return new KqlError('notSupported', `${what} is not supported.`, at);
}

/** No such table: a fuzzy union does without what needs it. */
export class UnknownTable extends KqlError {
  constructor(message: string, position?: number, parserCode?: string) {
    super('semantic', message, position, parserCode);
  }
}

/** @param parserCode of the parser's complaint that this one is like */
export function semantic(b: Pick<Builder, 'offset'>, node: SyntaxNode, message: string, parserCode?: string): KqlError {
  const at = positionOf(b, node);
  return new KqlError('semantic', message, at, parserCode);
}

/** A type the binder could not settle (`unknown`) stands for dynamic. */
export function typeOfSymbol(symbol: LanguageSymbol | null | undefined): KqlType {
  if (!symbol) return 'dynamic';
  return isKqlType(symbol.Name) ? symbol.Name : 'dynamic';
}

export const typeOf = (node: SyntaxNode): KqlType => typeOfSymbol(node.ResultType);

export const columnsOfSymbol = (symbol: LanguageSymbol | null | undefined): Column[] =>
  toArray<LanguageSymbol>(symbol?.Columns).map((column) => ({ name: column.Name, type: typeOfSymbol(column.Type) }));

export const columnsOf = (node: SyntaxNode): Column[] => distinctNames(columnsOfSymbol(node.ResultType));

/** Columns that an operator adds may be there already, under the same names; operators that follow know them by numbered ones. */
function distinctNames(cols: readonly Column[]): Column[] {
  const taken = new Set<string>();
  return cols.map((column) => {
    let { name } = column;
    for (let number = 1; taken.has(name); number += 1) name = `${column.name}${number}`;
    taken.add(name);
    return { ...column, name };
  });
}

export const isTabular = (node: SyntaxNode): boolean => {
  const result = node.ResultType;
  return (
    result !== null &&
    result !== undefined &&
    /^(Table|Group|MaterializedView|StoredQueryResult)Symbol$/.test(symbolKind(result))
  );
};

/** Gives a tabular expression a number, so that it is planned once however often it is named. What starts from the rows of a
 * subquery has other rows for each of its runs, and stays where it is.
 * @param once the node whose rows are computed once, whoever reads them */
export function shareTable(b: Builder, plan: Plan, once?: SyntaxNode): Plan {
  if (startsFromContext(plan) || (plan.op === 'reference' && !once)) return plan;
  if (plan.op === 'reference' && b.draft.lets.some(({ id, materialized }) => materialized && id === plan.id))
    return plan;
  const id = b.draft.lets.length;
  b.draft.lets.push({ id, plan, materialized: once !== undefined, ...(once && placedAt(b, once)) });
  return { op: 'reference', id, cols: plan.cols };
}

/** Inlining and nesting are bounded, whatever the text. */
export const inliningLimit = 5_000;
