import { KqlError } from '../../../plan/kql-error.ts';
import type { SyntaxNode, SyntaxTree } from '../language.ts';
import { kindOf, list, nameOf, need, part } from '../language.ts';
import { isHidden, restrictionOf } from '../restriction.ts';
import { Scope } from '../scope.ts';
import { bindOptions } from './options.ts';

/** Which tables and views of the database of the query the statements before a node hide from it. */
export function hiddenAt(node: SyntaxNode): (name: string) => boolean {
  const statements = before(node);
  if (!statements.some((statement) => kindOf(statement) === 'RestrictStatement')) return () => false;
  const { database } = bindOptions();
  const scope = new Scope();
  for (const statement of statements) {
    const kind = kindOf(statement);
    if (kind === 'LetStatement') scope.bind(nameOf(need(statement, 'Name')), { k: 'entityGroup', entities: [] });
    if (kind !== 'RestrictStatement') continue;
    try {
      scope.restrict(restrictionOf({ draft: { database }, offset: 0 }, statement));
    } catch (error) {
      if (!(error instanceof KqlError)) throw error;
      return () => false; // The statement itself is refused.
    }
  }
  return (name) => isHidden(scope, database, name);
}

/** The statements before a node, from the outermost; of a function that a query declares, also those before its declaration. */
function before(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[][] = [];
  for (let at = node; at.Parent; at = at.Parent) {
    const { Parent: around } = at;
    if (part(around, 'Statements'))
      found.unshift(list(around, 'Statements').filter((statement) => statement.End <= node.TextStart));
  }
  const declaration = declared(node.Tree);
  return [...(declaration ? before(declaration) : []), ...found.flat()];
}

/** Where the body of a function is declared that was bound for one of its calls. */
function declared({ Root: root, Original: original, OffsetInOriginal: offset }: SyntaxTree): SyntaxNode | undefined {
  return original?.Root.GetNodeAt(offset + root.TextStart, root.End - root.TextStart) ?? undefined;
}
