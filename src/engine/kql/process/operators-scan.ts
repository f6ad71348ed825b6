import type { Item, Plan } from '../ir/plan.ts';
import type { ScanSettings } from '../ir/row-settings.ts';
import type { Column } from '../types.ts';
import type { Builder } from './builder.ts';
import { columnsOf, notSupported, positionOf } from './builder.ts';
import { buildScalar } from './expressions.ts';
import type { SyntaxNode } from './language.ts';
import { kindOf, list, nameOf, need, part, tokenText } from './language.ts';
import { parametersOf, sortKeys, withInput } from './operators-basic.ts';
import { schemaColumns } from './operators-parse.ts';
import type { OperatorBuilder } from './tables.ts';

/** scan: sorts first when it has `order by`; what it partitions by is a column, computed when it is an expression. */
const scan: OperatorBuilder = (b, node, given) => {
  const parameters = parametersOf(b, node);
  const matchColumn = parameters.get('with_match_id');
  for (const name of parameters.keys())
    if (name !== 'with_match_id' && !name.startsWith('hint.'))
      throw notSupported(b, node, `The option '${name}' of scan`);
  const cols = columnsOf(node);
  // The binder always adds `match_id`; the engine shows it only when it was asked for.
  if (matchColumn === undefined) b.draft.implicitColumns.add('match_id');
  const { input, partitionBy } = partitioned(b, node, ordered(b, node, withInput(given)));
  const settings: ScanSettings = {
    matchColumn: matchColumn ?? 'match_id',
    partitionBy,
    declared: declarationsOf(b, node),
    steps: list(node, 'Steps').map((step) => stepOf(b, step)),
  };
  return { op: 'rowwise', name: 'scan', inputs: [input], settings, at: positionOf(b, node), cols };
};

function ordered(b: Builder, node: SyntaxNode, input: Plan): Plan {
  const clause = part(node, 'OrderByClause');
  return clause ? { op: 'sort', input, keys: sortKeys(b, list(clause, 'Expressions')), cols: input.cols } : input;
}

function partitioned(b: Builder, node: SyntaxNode, input: Plan): { input: Plan; partitionBy: string[] } {
  const clause = part(node, 'PartitionByClause');
  const items: Item[] = [];
  const partitionBy = (clause ? list(clause, 'Expressions') : []).map((expression, index) => {
    if (kindOf(expression) === 'NameReference') return nameOf(expression);
    const name = `$partition${index}`;
    items.push({ names: [name], expression: buildScalar(b, expression) });
    return name;
  });
  if (items.length === 0) return { input, partitionBy };
  const added = items.map((item): Column => ({ name: item.names[0] ?? '', type: item.expression.type }));
  return { input: { op: 'extend', input, items, cols: [...input.cols, ...added] }, partitionBy };
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

function stepOf(b: Builder, step: SyntaxNode): ScanSettings['steps'][number] {
  if (tokenText(step, 'OptionalKeyword') !== '') throw notSupported(b, step, "An 'optional' step of scan");
  const computation = part(step, 'ComputationClause');
  const output = part(step, 'ScanStepOutput');
  return {
    name: nameOf(need(step, 'Name')),
    output: output ? (/all|last|none/.exec(output.toString())?.[0] ?? 'all') : 'all',
    condition: buildScalar(b, need(step, 'Condition')),
    assignments: (computation ? list(computation, 'Assignments') : []).map((assignment) => ({
      name: nameOf(need(assignment, 'Name')),
      expression: buildScalar(b, need(assignment, 'Expression')),
    })),
  };
}

/** `schemaColumns` reads a list; a declaration is one of its elements. */
const fakeSchema = (declaration: SyntaxNode): SyntaxNode =>
  ({ Columns: { ChildCount: 1, Kind: declaration.Kind, GetChild: () => declaration } }) as unknown as SyntaxNode;

export const scanOperator: Readonly<Record<string, OperatorBuilder>> = { ScanOperator: scan };
