import { invariant } from '../../../base/invariant.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { isTuple, startsFromNothing } from './builder.ts';
import { isFuzzy } from './diagnostics.ts';
import { kindOf, languagePackage, list, nameOf, need, toArray } from './language.ts';

type CreateColumns = (this: unknown, expression: SyntaxNode, builder: ColumnsBuilder, ...rest: unknown[]) => unknown;
interface ColumnsBuilder {
  Add: (...column: unknown[]) => unknown;
  Declare: (...column: unknown[]) => unknown;
}
interface NamingBinder {
  _defaultColumnNameSuffix: number;
}
/** Columns by name, and those of one name by type. */
interface ColumnMap {
  Add: (column: LanguageSymbol) => void;
  Remove: (name: string) => void;
  HasMutipleColumns: (name: string) => boolean;
  HasMultipleTypes: (name: string) => boolean;
  GetTypes: (name: string) => unknown;
  GetColumns: (name: string) => unknown;
  GetTypeKey: (type: unknown) => unknown;
}
type DefaultName = (this: NamingBinder, location: SyntaxNode, ...rest: unknown[]) => unknown;

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

const typePosition = 3;

function operatorAround(node: SyntaxNode): SyntaxNode | undefined {
  for (let at = node.Parent; at; at = at.Parent) if (kindOf(at).endsWith('Operator')) return at;
  return undefined;
}

/** What the engine does otherwise than the official binder, corrected in the binder, because it decides what the operators
 * that follow are bound to. */
export function correctBinder(): void {
  const { Binder } = languagePackage().Binding;
  const prototype = Binder.prototype as { CreateProjectionColumns?: CreateColumns; GetDefaultColumnName?: DefaultName };
  const { CreateProjectionColumns: create, GetDefaultColumnName: defaultName } = prototype;
  invariant(create && defaultName, 'the binder makes and names columns of projections');

  // In the projection of a graph pattern it takes a whole node or edge under a name for all its properties, where the
  // engine gives one bag; and each expression that mentions an edge of variable length for a list:
  // `strcat_array(map(edge, column), ',')` too, which then could not be sorted or grouped by.
  prototype.CreateProjectionColumns = function (expression, builder, ...rest): unknown {
    if (rest[1] === Binder.ProjectionStyle['GraphMatch']) {
      if (isNamedElement(expression)) {
        // In `print`, too, there is one column only.
        rest[1] = Binder.ProjectionStyle['Print'];
        rest[typePosition] = languagePackage().Symbols.ScalarTypes['Dynamic'];
      } else if (rest[typePosition] && hasTypeOfItsOwn(expression)) rest[typePosition] = null;
    }
    // `extend` and `serialize` add the columns that are named, and not the others that such a call yields.
    const operator = operatorAround(expression);
    if (operator && /^(Extend|Serialize)Operator$/.test(kindOf(operator)) && isNamedTuple(expression))
      return create.call(this, expression, declaredOnly(builder), ...rest);
    return create.call(this, expression, builder, ...rest);
  };

  // It numbers the columns without a name through the whole query, so that those of two legs of a union had nothing in common.
  const operators = new WeakMap<NamingBinder, SyntaxNode>();
  prototype.GetDefaultColumnName = function (location, ...rest): unknown {
    const operator = operatorAround(location);
    if (operator && operators.get(this) !== operator) {
      operators.set(this, operator);
      this._defaultColumnNameSuffix = 1;
    }
    return defaultName.call(this, location, ...rest);
  };

  correctColumnMap();
  correctFuzzyUnion();
}

interface UnionBinder {
  readonly _binder: { AddTables?: (type: LanguageSymbol | null, tables: unknown) => void };
}
type VisitUnion = (this: UnionBinder, node: SyntaxNode) => unknown;

/** A fuzzy union does without tables that are not there. The binder gives it the columns that what follows them speaks of. */
function correctFuzzyUnion(): void {
  const prototype = languagePackage().Binding.Binder.NodeBinder.prototype as { VisitUnionOperator?: VisitUnion };
  const { VisitUnionOperator: visit } = prototype;
  invariant(visit, 'the binder has unions');
  prototype.VisitUnionOperator = function (node): unknown {
    const legs = isFuzzy(node) ? list(node, 'Expressions').filter(startsFromNothing) : [];
    const missing = new Set(legs.map(({ ResultType }) => ResultType ?? null));
    const { _binder: binder } = this;
    const { AddTables: add } = binder;
    if (missing.size === 0 || !add) return visit.call(this, node);
    binder.AddTables = (type, tables): void => {
      if (!missing.has(type)) add.call(binder, type, tables);
    };
    try {
      return visit.call(this, node);
    } finally {
      delete binder.AddTables; // that of the prototype again
    }
  };
}

/** A map that holds several columns of one name and one type loses what comes after them in another type, so that the columns of a
 * union depended on the order of its legs. With one of the others in front of the first it does not. */
function correctColumnMap(): void {
  const prototype = languagePackage().Binding.ColumnMap.prototype as ColumnMap;
  const { Add: add } = prototype;
  prototype.Add = function (this: ColumnMap, column): void {
    const { Name: name } = column;
    const isList = this.HasMutipleColumns(name) && !this.HasMultipleTypes(name);
    const type = isList ? this.GetTypeKey(toArray(this.GetTypes(name))[0]) : undefined;
    if (!isList || type === this.GetTypeKey(column.Type)) {
      add.call(this, column);
      return;
    }
    const [first, ...others] = toArray<LanguageSymbol>(this.GetColumns(name));
    this.Remove(name);
    for (const one of [first, column, ...others]) if (one) add.call(this, one);
  };
}
