import { isJsonObject, textMember } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';

/** Equal requests for a key of a cluster, counted: from the audit of the vault. */
export interface KeyUse {
  /** `KeyUnwrap`, `KeyRotate` …, as Key Vault's own log names them. */
  readonly operation: string;
  /** The key, or one of its versions. */
  readonly kid: string;
  /** Application or object id of the caller. */
  readonly caller: string;
  /** `OK`, `Forbidden`, `Not Found` … */
  readonly result: string;
  readonly count: number;
  /** ISO, on the Kustody clock. */
  readonly first: string;
  readonly last: string;
}

/** Far more than people do; only a client that asks under ever new names gets there. */
const usesMax = 10_000;

/** Counts what is asked of keys. No types from elsewhere: the portal's pages take this, too.
 * @param wanted unversioned, lower case */
export function foldKeyUses(wanted: ReadonlySet<string>) {
  const uses = new Map<string, KeyUse>();
  return {
    add: (event: JsonObject): void => addUse(event, wanted, uses),
    /** In the order of the first request. */
    result: (): readonly KeyUse[] => [...uses.values()].toSorted((left, right) => (left.first < right.first ? -1 : 1)),
  };
}

function addUse(event: JsonObject, wanted: ReadonlySet<string>, uses: Map<string, KeyUse>): void {
  if (event['category'] !== 'AuditEvent') return;
  const kid = textMember(member(event, 'properties'), 'id').toLowerCase();
  if (!wanted.has(keyOf(kid))) return;
  const operation = textMember(event, 'operationName');
  const claim = member(member(event, 'identity'), 'claim');
  const caller =
    textMember(claim, 'appid') || textMember(claim, 'http://schemas.microsoft.com/identity/claims/objectidentifier');
  const result = textMember(event, 'resultSignature');
  const time = textMember(event, 'time');
  const name = JSON.stringify([operation, kid, caller, result]);
  const found = uses.get(name);
  if (found === undefined && uses.size >= usesMax) return;
  uses.set(name, {
    ...{ operation, kid, caller, result, count: (found?.count ?? 0) + 1 },
    ...{ first: found?.first ?? time, last: time },
  });
}

/** Of whatever an event names: keys of a vault, and nothing else, begin so. */
const keyOf = (kid: string): string => kid.toLowerCase().replace(/^(https:\/\/[^/]+\/keys\/[^/]+).*$/, '$1');

const member = (object: JsonObject | undefined, name: string): JsonObject | undefined => {
  const value = object?.[name];
  return isJsonObject(value) ? value : undefined;
};

export const useTitles: readonly string[] = ['operation', 'key', 'by', 'result', 'times', 'first', 'last'];

/** One use for a table, in the order of the titles. */
export const useCells = ({ operation, kid, caller, result, count, first, last }: KeyUse): readonly string[] => [
  ...[operation, kid, caller, result, String(count)],
  ...[first, last].map((time) => `${time.slice(0, 19)}Z`),
];
