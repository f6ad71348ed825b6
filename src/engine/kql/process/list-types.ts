import { invariant } from '../../../base/invariant.ts';
import type { SyntaxNode } from './language.ts';
import { kindOf, languagePackage, nameOf, need } from './language.ts';

type CreateColumns = (this: unknown, expression: SyntaxNode, ...rest: unknown[]) => unknown;

/** Calls that give a list for edges of variable length, and `any`, which the binder takes for the aggregate. */
const listCalls: ReadonlySet<string> = new Set(['map', 'any', 'inner_nodes', 'nodes', 'labels', 'node_id']);

/** A call or an operation over a list gives what it gives; what names the list itself stays one. */
function hasTypeOfItsOwn(expression: SyntaxNode): boolean {
  const kind = kindOf(expression);
  if (kind === 'SimpleNamedExpression') return hasTypeOfItsOwn(need(expression, 'Expression'));
  if (kind === 'FunctionCallExpression') return !listCalls.has(nameOf(need(expression, 'Name')));
  return !['NameReference', 'PathExpression', 'ElementExpression', 'CompoundNamedExpression'].includes(kind);
}

const typePosition = 4;

/** The binder takes each expression in the projection of a graph pattern that mentions an edge of variable length for a list:
 * `strcat_array(map(edge, column), ',')` too, which then could not be sorted or grouped by. */
export function correctListTypes(): void {
  const { Binder } = languagePackage().Binding;
  const prototype = Binder.prototype as { CreateProjectionColumns?: CreateColumns };
  const create = prototype.CreateProjectionColumns;
  invariant(create, 'the binder makes columns of projections');
  prototype.CreateProjectionColumns = function (expression, ...rest): unknown {
    if (rest[typePosition] && rest[2] === Binder.ProjectionStyle['GraphMatch'] && hasTypeOfItsOwn(expression))
      rest[typePosition] = null;
    return create.call(this, expression, ...rest);
  };
}
