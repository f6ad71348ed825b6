import type { Call, Expression } from '../../../../plan/expression.ts';
import type { KqlType } from '../../../../plan/types.ts';
import type { CallContext, TypedCall } from '../../binder/call-types.ts';
import { constantOf } from '../../binder/call-types.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, nameOf, need, part, toArray } from '../../language/language.ts';
import { positionOf, semantic } from '../../language/node-errors.ts';
import { columnsOfSymbol, typeOf } from '../../language/node-types.ts';
import type { Builder } from '../draft/builder.ts';
import { buildScalar } from '../draft/visit.ts';

/** A function that is decided while the text is compiled, from more than the values of its arguments: it has its row here, and none
 * among the functions that become SQL. */
interface CompiledCall extends TypedCall {
  readonly build: (b: Builder, node: SyntaxNode, args: readonly SyntaxNode[]) => Expression;
}

export const call = (
  b: Builder,
  node: SyntaxNode,
  name: string,
  args: readonly Expression[],
  type: KqlType = typeOf(node),
): Call => ({
  k: 'call',
  name,
  args,
  type,
  at: positionOf(b, node),
});

export const compiledCalls: Readonly<Record<string, CompiledCall>> = {
  column_ifexists: { aliases: ['columnifexists'], type: typeOfColumnIfExists, build: columnIfExists },
  pack_all: { build: packAll },
  column_names_of: {
    build: (b, node, args) => {
      const [table] = args;
      const columns = table ? columnsOfSymbol(table.ResultType) : rowColumns(b, node);
      return { k: 'literal', type: 'dynamic', value: JSON.stringify(columns.map((column) => column.name)) };
    },
  },
  bag_pack_columns: {
    build: (b, node, args) => {
      const pairs = args.flatMap((argument): Expression[] => [
        { k: 'literal', type: 'string', value: nameOf(argument) },
        buildScalar(b, argument),
      ]);
      return call(b, node, 'bag_pack', pairs);
    },
  },
};

/** It has the type of the column where there is one; the binder always takes the other's. */
function typeOfColumnIfExists(context: CallContext): unknown {
  const name = constantOf(context, 0);
  const column = toArray<LanguageSymbol>(context.RowScope?.Columns).find((candidate) => candidate.Name === name);
  return column ? column.Type : toArray(context.ArgumentTypes)[1];
}

function columnIfExists(b: Builder, node: SyntaxNode, args: readonly SyntaxNode[]): Expression {
  const [nameNode, fallback] = args;
  if (!nameNode || !fallback) throw semantic(b, node, 'column_ifexists() takes two arguments.');
  const name = buildScalar(b, nameNode);
  if (name.k !== 'literal' || typeof name.value !== 'string')
    throw semantic(b, nameNode, 'column_ifexists() takes a constant name.');
  const row = rowColumns(b, node).find((column) => column.name === name.value);
  return row ? { k: 'column', name: row.name, type: row.type } : buildScalar(b, fallback);
}

function packAll(b: Builder, node: SyntaxNode, args: readonly SyntaxNode[]): Expression {
  const fields = rowColumns(b, node).flatMap((column): Expression[] => [
    { k: 'literal', type: 'string', value: column.name },
    { k: 'column', name: column.name, type: column.type },
  ]);
  const ignoreNulls = args[0] ? buildScalar(b, args[0]) : undefined;
  const skip = ignoreNulls?.k === 'literal' && ignoreNulls.value === true;
  return call(b, node, skip ? 'bag_pack_nonempty' : 'bag_pack', fields, 'dynamic');
}

/** The columns that an expression can see: those of the rows its operator takes in. */
export function rowColumns(b: Builder, node: SyntaxNode): ReturnType<typeof columnsOfSymbol> {
  let child = node;
  for (let parent = node.Parent; parent; child = parent, parent = parent.Parent) {
    if (kindOf(parent) === 'PipeExpression' && part(parent, 'Operator') === child)
      return visibleColumns(b, columnsOfSymbol(need(parent, 'Expression').ResultType));
  }
  return visibleColumns(b, b.context?.cols ?? []);
}

/** Without what only the binder adds. */
export const visibleColumns = <T extends { readonly name: string }>(b: Builder, cols: readonly T[]): T[] =>
  cols.filter((column) => !b.draft.implicitColumns.has(column.name));
