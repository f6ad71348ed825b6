import type { Json, JsonObject } from '../../base/json.ts';

/** Which claims a flexible federated credential may look at, by the issuers that it may name: each takes both operators.
 * @see Microsoft Learn "Flexible federated identity credentials (preview)", "Issuer URLs, supported claims, and operators by platform" */
const claimsByIssuer: ReadonlyMap<string, readonly string[]> = new Map([
  ['https://token.actions.githubusercontent.com', ['sub', 'job_workflow_ref']],
  ['https://gitlab.com', ['sub']],
  ['https://app.terraform.io', ['sub']],
]);

interface Comparison {
  readonly claim: string;
  readonly operator: 'eq' | 'matches';
  readonly comparand: string;
}

/** All of them hold: `claims['sub'] matches 'repo:octo/*' and claims['job_workflow_ref'] eq '…'`. */
export type ClaimsExpression = readonly Comparison[];

/** A quote within a comparand is written twice. */
const comparison = /claims\['(?<claim>\w+)'\] (?<operator>eq|matches) '(?<comparand>(?:[^']|'')*)'/y;
const conjunction = ' and ';

/** @returns undefined for what the language (version 1) has not, and for claims that it does not take from that issuer */
export function parseClaimsExpression(text: string, issuer: string): ClaimsExpression | undefined {
  const claims = claimsByIssuer.get(issuer);
  if (claims === undefined) return undefined;
  const all: Comparison[] = [];
  for (let at = 0; ;) {
    comparison.lastIndex = at;
    const { claim = '', operator, comparand = '' } = comparison.exec(text)?.groups ?? {};
    if ((operator !== 'eq' && operator !== 'matches') || !claims.includes(claim) || comparand === '') return undefined;
    all.push({ claim, operator, comparand: comparand.replaceAll("''", "'") });
    at = comparison.lastIndex;
    if (at === text.length) return all;
    if (!text.startsWith(conjunction, at)) return undefined;
    at += conjunction.length;
  }
}

/** Letter by letter, as subjects are compared. A claim that is missing, or no text, equals nothing. */
export const claimsHold = (expression: ClaimsExpression, claims: JsonObject): boolean =>
  expression.every(({ claim, operator, comparand }) => {
    const value: Json | undefined = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
    if (typeof value !== 'string') return false;
    return operator === 'eq' ? value === comparand : matchesPattern(value, comparand);
  });

/** `*` is any text, also none, `?` any character. Goes back to the last `*` alone, so the time is bounded by the product of the lengths. */
function matchesPattern(text: string, pattern: string): boolean {
  let [at, next, star, afterStar] = [0, 0, -1, 0];
  while (at < text.length) {
    if (pattern[next] === '*') {
      [star, afterStar] = [next, at];
      next += 1;
    } else if (next < pattern.length && (pattern[next] === '?' || pattern[next] === text[at])) {
      at += 1;
      next += 1;
    } else if (star >= 0) {
      afterStar += 1;
      [at, next] = [afterStar, star + 1];
    } else return false;
  }
  while (pattern[next] === '*') next += 1;
  return next === pattern.length;
}
