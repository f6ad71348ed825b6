import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyOperationName } from './key-records.ts';
import { keyOperationNames } from './key-records.ts';

/** What a create or update sets. Missing members are left as they are. */
export interface KeyChanges {
  readonly enabled?: boolean;
  readonly notBefore?: number;
  readonly expires?: number;
  readonly keyOps?: readonly KeyOperationName[];
  readonly tags?: Readonly<Record<string, string>>;
}

const tagsMax = 15;
const tagCharsMax = 256;
/** 9999-12-31T23:59:59Z: the last second that dates of the service can hold. */
const unixSecondsMax = 253_402_300_799;

/** Reads the members that create and update share. A member that is null counts as missing, as in the service.
 * @throws VaultError 400 */
export function readKeyChanges(body: JsonObject): KeyChanges {
  const attributes = objectMember(body, 'attributes') ?? {};
  refuseRelease(body, attributes);
  const enabled = member(attributes, 'enabled');
  if (enabled !== undefined && typeof enabled !== 'boolean') throw vaultError('invalidProperty', 'attributes.enabled');
  const notBefore = readSeconds(attributes, 'nbf');
  const expires = readSeconds(attributes, 'exp');
  const keyOps = readKeyOps(body);
  const tags = readTags(body);
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(expires === undefined ? {} : { expires }),
    ...(keyOps === undefined ? {} : { keyOps }),
    ...(tags === undefined ? {} : { tags }),
  };
}

/** @throws VaultError 400 when the key could never be valid */
export function checkValidity(notBefore: number | undefined, expires: number | undefined): void {
  if (notBefore !== undefined && expires !== undefined && expires <= notBefore) {
    throw vaultError('invalidProperty', 'attributes.exp');
  }
}

/** @returns undefined when the member is missing or null */
export function member(object: JsonObject, name: string): Exclude<Json, null> | undefined {
  return object[name] ?? undefined;
}

function objectMember(object: JsonObject, name: string): JsonObject | undefined {
  const value = member(object, name);
  if (value === undefined || isJsonObject(value)) return value;
  throw vaultError('invalidProperty', name);
}

function refuseRelease(body: JsonObject, attributes: JsonObject): void {
  const exportable = member(attributes, 'exportable');
  const policy = member(body, 'release_policy');
  if (exportable !== undefined && typeof exportable !== 'boolean') {
    throw vaultError('invalidProperty', 'attributes.exportable');
  }
  if (exportable === true && policy === undefined) throw vaultError('exportableWithoutPolicy');
  if (exportable !== true && policy !== undefined) throw vaultError('policyWithoutExportable');
  if (exportable === true) throw vaultError('notBuilt', 'exportable keys');
}

function readSeconds(attributes: JsonObject, name: string): number | undefined {
  const value = member(attributes, name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= unixSecondsMax) return value;
  throw vaultError('invalidProperty', `attributes.${name}`);
}

function readKeyOps(body: JsonObject): readonly KeyOperationName[] | undefined {
  const value = member(body, 'key_ops');
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw vaultError('invalidProperty', 'key_ops');
  const wanted: readonly Json[] = value;
  const operations = wanted.map((name) => {
    const operation = keyOperationNames.find((known) => known === name);
    if (operation === undefined) throw vaultError('invalidProperty', 'key_ops');
    return operation;
  });
  return [...new Set(operations)];
}

function readTags(body: JsonObject): Readonly<Record<string, string>> | undefined {
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
