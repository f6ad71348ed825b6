import type { Expression } from '../../../../plan/expression.ts';
import type { Item, Plan } from '../../../../plan/plan.ts';
import type { ScanSettings } from '../../../../plan/row-settings.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf } from '../../language/node-types.ts';
import { notSupported, positionOf, semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { list, nameOf, need, part, tokenText } from '../../language/language.ts';
import { parametersOf, sortKeys, withInput } from './basic.ts';
import { schemaColumns } from './parse.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

/** scan: sorts first when it has `order by`; what it partitions by is a column, computed when it is an expression. */
const scan: OperatorBuilder = (b, node, given) => {
  const parameters = parametersOf(b, node);
  const matchColumn = parameters.get('with_match_id');
  for (const name of parameters.keys())
    if (name !== 'with_match_id' && !name.startsWith('hint.'))
      throw notSupported(b, node, `The option '${name}' of scan`);
  const cols = columnsOf(node);
  const source = ordered(b, node, withInput(given));
  const declared = declarationsOf(b, node);
  const taken = declared.find(({ name }) => source.cols.some((column) => column.name === name));
  if (taken) throw semantic(b, node, `scan: a column named '${taken.name}' is there already.`);
  // The binder always adds `match_id` (`match_id1` after another scan); the engine shows it only when it was asked for.
  const known = new Set([...source.cols, ...declared].map((column) => column.name));
  const implicit =
    cols
      .map((column) => column.name)
      .filter((name) => !known.has(name))
      .at(-1) ?? 'match_id';
  if (matchColumn === undefined) b.draft.implicitColumns.add(implicit);
  const computed = computedColumns(source.cols);
  const steps = list(node, 'Steps').map((step) => stepOf(b, step, computed));
  const names = steps.map(({ name }) => name);
  if (new Set(names).size < names.length) throw semantic(b, node, 'scan: the name of a step must be unique.');
  const settings: ScanSettings = {
    matchColumn: matchColumn ?? implicit,
    partitionBy: partitionOf(b, node, computed),
    declared,
    steps,
  };
  return {
    op: 'rowwise',
    name: 'scan',
    inputs: [computed.over(source)],
    settings,
    at: positionOf(b, node),
    cols,
  };
};

/** What depends on nothing but the row itself is computed beforehand, as a column: any function may stand there. */
interface ComputedColumns {
  replaced(expression: Expression): Expression;
  over(input: Plan): Plan;
}

/** Functions of neighbouring rows; the engine refuses them in scan. */
const ofNeighbours = /^(prev|next|row_\w+)$/;

function computedColumns(cols: readonly Column[]): ComputedColumns {
  const names = new Set(cols.map((column) => column.name));
  const items: Item[] = [];
  const isOfRow = (expression: Expression): boolean => {
    if (expression.k === 'column') return expression.side === undefined && names.has(expression.name);
    return expression.k === 'call' ? !ofNeighbours.test(expression.name) && expression.args.every(isOfRow) : true;
  };
  const replaced = (expression: Expression): Expression => {
    if (expression.k === 'literal' || expression.k === 'column' || expression.k === 'table') return expression;
    if (isOfRow(expression)) {
      const name = `$scan${items.length}`;
      items.push({ names: [name], expression });
      return { k: 'column', name, type: expression.type };
    }
    if (expression.k !== 'call') return expression;
    const { name, args, at } = expression;
    const [span] = args;
    // What the clock says is of the row; only what it is moved by is of the state.
    if ((name === 'now' || name === 'ago') && span) {
      const now: Expression = { k: 'call', name: 'now', args: [], type: 'datetime', at };
      return { ...expression, name: name === 'now' ? '+' : '-', args: [now, span].map(replaced) };
    }
    return { ...expression, args: args.map(replaced) };
  };
  return {
    replaced,
    over(input) {
      const added = items.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type }));
      return items.length === 0 ? input : { op: 'extend', input, items, cols: [...input.cols, ...added] };
    },
  };
}

function ordered(b: Builder, node: SyntaxNode, input: Plan): Plan {
  const clause = part(node, 'OrderByClause');
  return clause ? { op: 'sort', input, keys: sortKeys(b, list(clause, 'Expressions')), cols: input.cols } : input;
}

function partitionOf(b: Builder, node: SyntaxNode, computed: ComputedColumns): string[] {
  const clause = part(node, 'PartitionByClause');
  return (clause ? list(clause, 'Expressions') : []).map((expression) => {
    const column = computed.replaced(buildScalar(b, expression));
    if (column.k !== 'column') throw semantic(b, expression, 'scan: a column is needed to partition by.');
    return column.name;
  });
}

function declarationsOf(b: Builder, node: SyntaxNode): ScanSettings['declared'] {
  const clause = part(node, 'DeclareClause');
  return (clause ? list(clause, 'Declarations') : []).map((declaration) => {
    const typed = need(declaration, 'NameAndType');
    const fallback = part(declaration, 'DefaultValue');
    return {
      ...(schemaColumns(fakeSchema(typed))[0] ?? { name: nameOf(need(typed, 'Name')), type: 'dynamic' as const }),
      ...(fallback && { fallback: buildScalar(b, need(fallback, 'Value')) }),
    };
  });
}

function stepOf(b: Builder, step: SyntaxNode, computed: ComputedColumns): ScanSettings['steps'][number] {
  if (tokenText(step, 'OptionalKeyword') !== '') throw notSupported(b, step, "An 'optional' step of scan");
  const computation = part(step, 'ComputationClause');
  const output = part(step, 'ScanStepOutput');
  return {
    name: nameOf(need(step, 'Name')),
    output: output ? (/all|last|none/.exec(output.toString())?.[0] ?? 'all') : 'all',
    condition: computed.replaced(buildScalar(b, need(step, 'Condition'))),
    assignments: (computation ? list(computation, 'Assignments') : []).map((assignment) => ({
      name: nameOf(need(assignment, 'Name')),
      expression: computed.replaced(buildScalar(b, need(assignment, 'Expression'))),
    })),
  };
}

/** `schemaColumns` reads a list; a declaration is one of its elements. */
const fakeSchema = (declaration: SyntaxNode): SyntaxNode =>
  ({ Columns: { ChildCount: 1, Kind: declaration.Kind, GetChild: () => declaration } }) as unknown as SyntaxNode;

export const scanOperator: Readonly<Record<string, OperatorBuilder>> = { ScanOperator: scan };
