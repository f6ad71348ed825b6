import { columnsOfSymbol } from '../language/node-types.ts';
import { isFuzzy, isLeftOut } from './fuzzy.ts';
import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { list, nameOf, need, symbolKind, toArray } from '../language/language.ts';
import { pipedInto } from '../language/pipes.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { ColumnOf, SemanticInfo } from './symbols.ts';
import { corrected } from './symbols.ts';

type AddTables = (type: LanguageSymbol | null, tables: unknown) => void;
interface UnionBinder {
  AddTables?: AddTables;
}
interface BinderOwner {
  readonly _binder: UnionBinder;
}
interface Visit {
  readonly self: BinderOwner;
  readonly args: [node: SyntaxNode];
  readonly result: SemanticInfo | null;
}

/** A fuzzy union does without legs of which something is not there. The binder gives it the columns that what follows them speaks of. */
function withoutMissing(
  official: (node: SyntaxNode) => SemanticInfo | null,
  { _binder: binder }: BinderOwner,
  node: SyntaxNode,
): SemanticInfo | null {
  const legs = isFuzzy(node) ? list(node, 'Expressions').filter(isLeftOut) : [];
  const missing = new Set(legs.map(({ ResultType }) => ResultType ?? null));
  const { AddTables: add } = binder;
  if (missing.size === 0 || !add) return official(node);
  binder.AddTables = (type, tables): void => {
    if (!missing.has(type)) add.call(binder, type, tables);
  };
  try {
    return official(node);
  } finally {
    delete binder.AddTables; // that of the prototype again
  }
}

/** Of a `union kind=inner`: the columns that all its legs have; undefined where the columns of a leg are not known yet. */
function commonColumns(official: readonly ColumnOf[], node: SyntaxNode): readonly ColumnOf[] | undefined {
  const settings = list(node, 'Parameters').map((parameter) => ({
    name: nameOf(need(parameter, 'Name')).toLowerCase(),
    value: need(parameter, 'Expression'),
  }));
  if (!settings.some(({ name, value }) => name === 'kind' && value.toString().trim().toLowerCase() === 'inner'))
    return undefined;
  const isThere = (leg: SyntaxNode): boolean => !(isFuzzy(node) && isLeftOut(leg));
  const piped = pipedInto(node);
  const given = [...(piped ? [piped] : []), ...list(node, 'Expressions').filter(isThere)];
  const legs = given.flatMap(({ ResultType: symbol }) =>
    symbol && symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol],
  );
  if (legs.some((leg) => !leg || symbolKind(leg) !== 'TableSymbol')) return undefined;
  const [first = [], ...others] = legs.map((leg) => columnsOfSymbol(leg));
  const source = settings.find(({ name }) => name === 'withsource' || name === 'with_source')?.value;
  const isCommon = (name: string): boolean => {
    const type = first.find((column) => column.name === name)?.type;
    return type !== undefined && others.every((leg) => leg.some((one) => one.name === name && one.type === type));
  };
  return official.filter(({ Name }) => Name === (source && nameOf(source)) || isCommon(Name));
}

export const unionCorrections: readonly Correction[] = [
  correction<Visit>('NodeBinder.VisitUnionOperator', withoutMissing, {
    text: 'union isfuzzy=true T, (Gone | project b)',
    official: 'a:long, b:unknown',
    corrected: 'a:long',
  }),
  correction<Visit>(
    'NodeBinder.VisitUnionOperator',
    (official, _binder, node) => corrected(official(node), (columns) => commonColumns(columns, node)),
    {
      text: 'union kind=inner T, (print a = 1, b = 2)',
      official: 'a:long, b:long',
      corrected: 'a:long',
    },
  ),
];
