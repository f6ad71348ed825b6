import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { vaultError } from '../vault-error.ts';

/** What a create or update of any object sets. Missing members are left as they are. */
export interface ObjectChanges {
  readonly enabled?: boolean;
  /** Unix seconds. */
  readonly notBefore?: number;
  readonly expires?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

const tagsMax = 15;
/** 9999-12-31T23:59:59Z: the last second that dates of the service can hold. */
const unixSecondsMax = 253_402_300_799;

/** Reads the members that all objects share. A member that is null counts as missing, as in the service.
 * @param tagCharsMax of a tag's name and of its value
 * @throws VaultError 400 */
export function readObjectChanges(body: JsonObject, tagCharsMax: number): ObjectChanges {
  const attributes = objectMember(body, 'attributes') ?? {};
  const enabled = member(attributes, 'enabled');
  if (enabled !== undefined && typeof enabled !== 'boolean') throw vaultError('invalidProperty', 'attributes.enabled');
  const notBefore = readSeconds(attributes, 'nbf');
  const expires = readSeconds(attributes, 'exp');
  const tags = readTags(body, tagCharsMax);
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(expires === undefined ? {} : { expires }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** @throws VaultError 400 when the object could never be valid */
export function checkValidity(notBefore: number | undefined, expires: number | undefined): void {
  if (notBefore !== undefined && expires !== undefined && expires <= notBefore) {
    throw vaultError('invalidProperty', 'attributes.exp');
  }
}

/** @returns undefined when the member is missing or null */
export function member(object: JsonObject, name: string): Exclude<Json, null> | undefined {
  return object[name] ?? undefined;
}

/** @throws VaultError 400 when the member is there and no object */
export function objectMember(object: JsonObject, name: string): JsonObject | undefined {
  const value = member(object, name);
  if (value === undefined || isJsonObject(value)) return value;
  throw vaultError('invalidProperty', name);
}

function readSeconds(attributes: JsonObject, name: string): number | undefined {
  const value = member(attributes, name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= unixSecondsMax) return value;
  throw vaultError('invalidProperty', `attributes.${name}`);
}

function readTags(body: JsonObject, tagCharsMax: number): Readonly<Record<string, string>> | undefined {
  const value = objectMember(body, 'tags');
  if (value === undefined) return undefined;
  const tags = new Map<string, string>();
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string' || text.length > tagCharsMax || name.length > tagCharsMax) {
      throw vaultError('invalidProperty', 'tags');
    }
    tags.set(name, text);
  }
  if (tags.size > tagsMax) throw vaultError('invalidProperty', 'tags');
  return Object.fromEntries(tags);
}
