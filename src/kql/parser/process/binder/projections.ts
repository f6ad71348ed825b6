import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { isTuple, kindOf, languagePackage, nameOf, need, toArray } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import { scalarType } from './symbols.ts';

interface ColumnsBuilder {
  Add: (...column: unknown[]) => unknown;
  Declare: (...column: unknown[]) => unknown;
}
interface CreateColumns {
  readonly self: unknown;
  readonly args: [
    expression: SyntaxNode,
    builder: ColumnsBuilder,
    diagnostics: unknown,
    style: unknown,
    doNotRepeat: unknown,
    type: unknown,
    name: unknown,
  ];
  readonly result: unknown;
}
interface NamingBinder {
  _defaultColumnNameSuffix: number;
}
/** Columns by name, and those of one name by type. */
interface ColumnMap {
  Remove: (name: string) => void;
  HasMutipleColumns: (name: string) => boolean;
  HasMultipleTypes: (name: string) => boolean;
  GetTypes: (name: string) => unknown;
  GetColumns: (name: string) => unknown;
  GetTypeKey: (type: unknown) => unknown;
}

/** Calls that give a list for edges of variable length, and `any`, which the binder takes for the aggregate. */
const listCalls: ReadonlySet<string> = new Set(['map', 'any', 'inner_nodes', 'nodes', 'labels', 'node_id']);

/** A call or an operation over a list gives what it gives; what names the list itself stays one. */
function hasTypeOfItsOwn(expression: SyntaxNode): boolean {
  const kind = kindOf(expression);
  if (kind === 'SimpleNamedExpression') return hasTypeOfItsOwn(need(expression, 'Expression'));
  if (kind === 'FunctionCallExpression') return !listCalls.has(nameOf(need(expression, 'Name')));
  return !['NameReference', 'PathExpression', 'ElementExpression', 'CompoundNamedExpression'].includes(kind);
}

const isNamedElement = (expression: SyntaxNode): boolean =>
  kindOf(expression) === 'SimpleNamedExpression' && isTuple(need(expression, 'Expression').ResultType);

/** `(a, b) = f(x)` or `a = f(x)` of a call that yields several columns. */
const isNamedTuple = (expression: SyntaxNode): boolean =>
  /^(Simple|Compound)NamedExpression$/.test(kindOf(expression)) && isTuple(need(expression, 'Expression').ResultType);

/** The same columns being built, to which only those with a name that the query gives are added. */
function declaredOnly(builder: ColumnsBuilder): ColumnsBuilder {
  const only = Object.create(builder) as ColumnsBuilder;
  only.Add = (): undefined => undefined;
  only.Declare = (...column): unknown => builder.Declare(...column);
  return only;
}

function operatorAround(node: SyntaxNode): SyntaxNode | undefined {
  for (let at = node.Parent; at; at = at.Parent) if (kindOf(at).endsWith('Operator')) return at;
  return undefined;
}

/** For each binder, the operator whose columns it has numbered last. */
const numbered = new WeakMap<NamingBinder, SyntaxNode>();

const graph = `let E = datatable(s:long, t:long)[1, 2]; E | make-graph s --> t with_node_id=id | graph-match (m)-[e*1..2]->(n)`;

export const projectionCorrections: readonly Correction[] = [
  // In the projection of a graph pattern the binder takes a whole node or edge under a name for all its properties, where the
  // engine gives one bag.
  correction<CreateColumns>(
    'Binder.CreateProjectionColumns',
    (official, _binder, expression, builder, diagnostics, style, doNotRepeat, type, name) => {
      const { ProjectionStyle } = languagePackage().Binding.Binder;
      // In `print`, too, there is one column only.
      return style === ProjectionStyle['GraphMatch'] && isNamedElement(expression)
        ? official(expression, builder, diagnostics, ProjectionStyle['Print'], doNotRepeat, scalarType('dynamic'), name)
        : official(expression, builder, diagnostics, style, doNotRepeat, type, name);
    },
    {
      text: `${graph} project x = n`,
      official: 'x:long',
      corrected: 'x:dynamic',
    },
  ),
  // It takes each expression that mentions an edge of variable length for a list: `strcat_array(map(edge, column), ',')` too,
  // which then could not be sorted or grouped by.
  correction<CreateColumns>(
    'Binder.CreateProjectionColumns',
    (official, _binder, expression, builder, diagnostics, style, doNotRepeat, type, name) => {
      const isPattern = style === languagePackage().Binding.Binder.ProjectionStyle['GraphMatch'];
      const given = isPattern && !isNamedElement(expression) && hasTypeOfItsOwn(expression) ? null : type;
      return official(expression, builder, diagnostics, style, doNotRepeat, given, name);
    },
    { text: `${graph} project x = strcat_array(map(e, s), ",")`, official: 'x:dynamic', corrected: 'x:string' },
  ),
  // `extend` and `serialize` add the columns that are named, and not the others that such a call yields.
  correction<CreateColumns>(
    'Binder.CreateProjectionColumns',
    (official, _binder, expression, builder, ...rest) => {
      const operator = operatorAround(expression);
      const isOnly = operator && /^(Extend|Serialize)Operator$/.test(kindOf(operator)) && isNamedTuple(expression);
      return official(expression, isOnly ? declaredOnly(builder) : builder, ...rest);
    },
    {
      text: 'print p = dynamic([1]) | extend x = series_periods_detect(p, 1, 2, 1) | project-away p',
      official: 'x:dynamic, series_periods_detect_p_periods_scores:dynamic',
      corrected: 'x:dynamic',
    },
  ),
  // A column that `serialize` gives anew replaces the one of its name, as extend does; the binder adds another one.
  correction<CreateColumns>(
    'Binder.CreateProjectionColumns',
    (official, _binder, expression, builder, diagnostics, style, ...rest) => {
      const operator = operatorAround(expression);
      const isSerialize = operator && kindOf(operator) === 'SerializeOperator';
      const { ProjectionStyle } = languagePackage().Binding.Binder;
      return official(expression, builder, diagnostics, isSerialize ? ProjectionStyle['Extend'] : style, ...rest);
    },
    { text: 'T | serialize a = "x"', official: 'a:long, a1:string', corrected: 'a:string' },
  ),
  // The binder numbers the columns without a name through the whole query, so that those of two legs of a union had nothing in common.
  correction<{ self: NamingBinder; args: [SyntaxNode, ...unknown[]]; result: unknown }>(
    'Binder.GetDefaultColumnName',
    (official, binder, location, ...rest) => {
      const operator = operatorAround(location);
      if (operator && numbered.get(binder) !== operator) {
        numbered.set(binder, operator);
        binder._defaultColumnNameSuffix = 1;
      }
      return official(location, ...rest);
    },
    {
      text: 'union (T | project a + 1), (T | project a + 2)',
      official: 'Column1:long, Column2:long',
      corrected: 'Column1:long',
    },
  ),
  // A map that holds several columns of one name and one type loses what comes after them in another type, so that the columns of
  // a union depended on the order of its legs. With one of the others in front of the first it does not.
  correction<{ self: ColumnMap; args: [LanguageSymbol]; result: unknown }>(
    'ColumnMap.Add',
    (official, map, column) => {
      const { Name: name } = column;
      const isList = map.HasMutipleColumns(name) && !map.HasMultipleTypes(name);
      const type = isList ? map.GetTypeKey(toArray(map.GetTypes(name))[0]) : undefined;
      if (!isList || type === map.GetTypeKey(column.Type)) return official(column);
      const [first, ...others] = toArray<LanguageSymbol>(map.GetColumns(name));
      map.Remove(name);
      for (const one of [first, column, ...others]) if (one) official(one);
      return undefined;
    },
    {
      text: 'union (print x = 1), (print x = 2), (print x = "c")',
      official: 'x:long',
      corrected: 'x_long:long, x_string:string',
    },
  ),
];
