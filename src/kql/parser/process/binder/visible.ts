import { KqlError } from '../../../plan/kql-error.ts';
import type { SyntaxNode, SyntaxTree } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';
import type { Restriction } from './restriction.ts';
import { bothRestrictions, restrictionOf } from './restriction.ts';
import { bindOptions } from './options.ts';

/** Which tables and views of the database of the query the statements before a node hide from it. */
export function hiddenAt(node: SyntaxNode): (name: string) => boolean {
  const statements = before(node);
  if (!statements.some((statement) => kindOf(statement) === 'RestrictStatement')) return () => false;
  const { database } = bindOptions();
  const declared = new Set<string>();
  let restriction: Restriction | undefined;
  for (const statement of statements) {
    const kind = kindOf(statement);
    if (kind === 'LetStatement') {
      const name = nameOf(need(statement, 'Name'));
      declared.add(name);
      restriction?.declare(name);
    }
    if (kind !== 'RestrictStatement') continue;
    try {
      const further = restrictionOf({ draft: { database }, offset: 0 }, statement);
      restriction = restriction ? bothRestrictions(restriction, further) : further;
    } catch (error) {
      if (!(error instanceof KqlError)) throw error;
      return () => false; // The statement itself is refused.
    }
  }
  return (name) => !(declared.has(name) ? restriction?.allows(name) : restriction?.allowsEntity(database, name));
}

/** The statements before a node, from the outermost; of a function that a query declares, also those before its declaration. */
function before(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[][] = [];
  for (let at = node; at.Parent; at = at.Parent) {
    const { Parent: around } = at;
    if (part(around, 'Statements'))
      found.unshift(list(around, 'Statements').filter((statement) => statement.End <= node.TextStart));
  }
  const declaration = declaredAt(node.Tree);
  return [...(declaration ? before(declaration) : []), ...found.flat()];
}

/** Where the body of a function is declared that was bound for one of its calls. */
function declaredAt({ Root: root, Original: original, OffsetInOriginal: offset }: SyntaxTree): SyntaxNode | undefined {
  return original?.Root.GetNodeAt(offset + root.TextStart, root.End - root.TextStart) ?? undefined;
}
