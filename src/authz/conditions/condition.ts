/** A condition of a role assignment, parsed. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  /** `ActionMatches{'…'}`: `*` in the pattern stands for any characters. */
  | { readonly kind: 'action'; readonly pattern: string }
  | { readonly kind: 'exists'; readonly attribute: AttributeRef }
  | {
      readonly kind: 'compare';
      readonly left: Operand;
      readonly quantifier: Quantifier;
      readonly operator: Operator;
      readonly right: Operand;
    };

export type Operand =
  { readonly kind: 'values'; readonly values: readonly string[] } | ({ readonly kind: 'attribute' } & AttributeRef);

export interface AttributeRef {
  readonly source: 'Request' | 'Resource';
  readonly name: AttributeName;
}

/** `none`: one value on each side. The others: for any, or all, of the left any, or all, of the right. */
export type Quantifier = 'none' | 'AnyOfAny' | 'AllOfAny' | 'AnyOfAll' | 'AllOfAll';

/** What role assignments can be told apart by. Neither Key Vault nor Data Explorer has attributes of its own. */
export const attributeTypes = {
  RoleDefinitionId: 'guid',
  PrincipalId: 'guid',
  PrincipalType: 'string',
} as const;

export type AttributeName = keyof typeof attributeTypes;
export const attributeNames: readonly AttributeName[] = ['RoleDefinitionId', 'PrincipalId', 'PrincipalType'];
export const attributePrefix = 'Microsoft.Authorization/roleAssignments';

const sameText = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();
/** Hyphens may be left out. */
const sameGuid = (left: string, right: string): boolean =>
  sameText(left.replaceAll('-', ''), right.replaceAll('-', ''));
const negated =
  (holds: (left: string, right: string) => boolean) =>
  (left: string, right: string): boolean =>
    !holds(left, right);
const equals = (left: string, right: string): boolean => left === right;
const starts = (left: string, right: string): boolean => left.startsWith(right);
const ignoringCase =
  (holds: (left: string, right: string) => boolean) =>
  (left: string, right: string): boolean =>
    holds(left.toLowerCase(), right.toLowerCase());

/** Each by its name in lower case: the names are compared without case. */
export const operators = {
  guidequals: { type: 'guid', holds: sameGuid },
  guidnotequals: { type: 'guid', holds: negated(sameGuid) },
  stringequals: { type: 'string', holds: equals },
  stringequalsignorecase: { type: 'string', holds: sameText },
  stringnotequals: { type: 'string', holds: negated(equals) },
  stringnotequalsignorecase: { type: 'string', holds: negated(sameText) },
  stringstartswith: { type: 'string', holds: starts },
  stringstartswithignorecase: { type: 'string', holds: ignoringCase(starts) },
  stringnotstartswith: { type: 'string', holds: negated(starts) },
  stringnotstartswithignorecase: { type: 'string', holds: negated(ignoringCase(starts)) },
  stringlike: { type: 'string', holds: isLike },
  stringlikeignorecase: { type: 'string', holds: ignoringCase(isLike) },
  stringnotlike: { type: 'string', holds: negated(isLike) },
  stringnotlikeignorecase: { type: 'string', holds: negated(ignoringCase(isLike)) },
} as const satisfies Record<
  string,
  { readonly type: 'guid' | 'string'; readonly holds: (left: string, right: string) => boolean }
>;

export type Operator = keyof typeof operators;

/** `*`: any characters; `?`: one; `\*` and `\?`: themselves. Takes no longer than the product of both lengths. */
function isLike(text: string, pattern: string): boolean {
  const pieces = [...pattern.matchAll(/\\([*?])|([^])/gu)].map(([, escaped, plain = '']) =>
    escaped === undefined ? { text: plain, isWild: plain === '*' || plain === '?' } : { text: escaped, isWild: false },
  );
  const characters = Array.from(text);
  // How far each beginning of the text is matched by the pieces so far.
  let reached = characters.map(() => false).concat(false);
  reached[0] = true;
  for (const piece of pieces) {
    const next = reached.map(() => false);
    for (const [at, isReached] of reached.entries()) {
      if (piece.isWild && piece.text === '*') next[at] = isReached || (next[at - 1] ?? false);
      else if (at > 0 && reached[at - 1] === true && (piece.isWild || characters[at - 1] === piece.text))
        next[at] = true;
    }
    reached = next;
  }
  return reached.at(-1) ?? false;
}
