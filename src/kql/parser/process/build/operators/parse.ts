import type { ParsePart } from '../../../../plan/plan.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf, typeOfSymbol } from '../../language/node-types.ts';
import { notSupported, semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../../language/language.ts';
import { literalOf } from '../../language/literals.ts';
import { parametersOf, parameterValue, withInput } from './basic.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

function parsePart(b: Builder, node: SyntaxNode): ParsePart {
  const kind = kindOf(node);
  const literal = literalOf(node);
  if (literal) return { k: 'text', text: String(literal.value) };
  if (kind === 'StarExpression') return { k: 'star' };
  if (kind === 'NameDeclaration') return { k: 'capture', name: nameOf(node), type: 'string' };
  if (kind === 'NameAndTypeDeclaration') {
    return { k: 'capture', name: nameOf(need(node, 'Name')), type: typeOfSymbol(need(node, 'Type').ReferencedSymbol) };
  }
  const constant = buildScalar(b, node);
  if (constant.k !== 'literal' || typeof constant.value !== 'string')
    throw semantic(b, node, 'parse takes constant patterns.');
  return { k: 'text', text: constant.value };
}

/** What is captured under the name of a column that is there replaces it. */
function checkCaptured(b: Builder, node: SyntaxNode, names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined) throw semantic(b, node, `A column named '${twice}' is captured twice.`);
}

const parse =
  (onlyMatches: boolean): OperatorBuilder =>
  (b, node, given) => {
    const parameters = parametersOf(b, node);
    const mode = parameters.get('kind') ?? 'simple';
    if (mode !== 'simple' && mode !== 'relaxed' && mode !== 'regex') throw notSupported(b, node, `parse kind=${mode}`);
    // Its page lists simple and regex.
    if (onlyMatches && mode === 'relaxed') throw semantic(b, node, `parse-where has no kind 'relaxed'.`);
    const parts = list(node, 'Patterns').map((pattern) => parsePart(b, pattern));
    // In a stored function the last of several captures of one name counts.
    if (b.offset !== undefined)
      checkCaptured(
        b,
        node,
        parts.flatMap((one) => (one.k === 'capture' ? [one.name] : [])),
      );
    return {
      op: 'parse',
      input: withInput(given),
      source: buildScalar(b, need(node, 'Expression')),
      mode,
      flags: parameters.get('flags') ?? '',
      parts,
      onlyMatches,
      cols: columnsOf(node),
    };
  };

export function schemaColumns(rowSchema: SyntaxNode): Column[] {
  return list(rowSchema, 'Columns').map((column) => ({
    name: nameOf(need(column, 'Name')),
    type: typeOfSymbol(need(column, 'Name').ReferencedSymbol?.Type ?? need(column, 'Type').ReferencedSymbol),
  }));
}

function keyValueOptions(b: Builder, clause: SyntaxNode): Record<string, string[]> {
  const options: Record<string, string[]> = {};
  for (const property of list(clause, 'Properties'))
    (options[nameOf(need(property, 'Name')).toLowerCase()] ??= []).push(
      parameterValue(b, need(property, 'Expression')),
    );
  return options;
}

const parseKv: OperatorBuilder = (b, node, given) => {
  const clause = part(node, 'WithClause');
  const keys = schemaColumns(need(node, 'Keys'));
  checkCaptured(
    b,
    node,
    keys.map(({ name }) => name),
  );
  return {
    op: 'parseKv',
    input: withInput(given),
    source: buildScalar(b, need(node, 'Expression')),
    keys,
    options: clause ? keyValueOptions(b, clause) : {},
    cols: columnsOf(node),
  };
};

export const parseOperators: Readonly<Record<string, OperatorBuilder>> = {
  ParseOperator: parse(false),
  ParseWhereOperator: parse(true),
  ParseKvOperator: parseKv,
};
