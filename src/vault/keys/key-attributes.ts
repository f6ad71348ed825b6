import type { Json, JsonObject } from '../../base/json.ts';
import type { ObjectChanges } from '../objects/attributes.ts';
import { member, readObjectChanges } from '../objects/attributes.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyOperationName } from './key-records.ts';
import { keyOperationNames } from './key-records.ts';

/** What a create or update of a key sets. */
export interface KeyChanges extends ObjectChanges {
  readonly keyOps?: readonly KeyOperationName[];
}

const tagCharsMax = 256;

/** Reads the members that create and update share. @throws VaultError 400 */
export function readKeyChanges(body: JsonObject): KeyChanges {
  const changes = readObjectChanges(body, tagCharsMax);
  const keyOps = readKeyOps(body);
  return { ...changes, ...(keyOps === undefined ? {} : { keyOps }) };
}

/** @throws VaultError 400 for operations that keys of this type do not have */
export function checkKeyOps(
  wanted: readonly KeyOperationName[] | undefined,
  possible: readonly KeyOperationName[],
): void {
  if (wanted?.some((operation) => !possible.includes(operation))) throw vaultError('invalidProperty', 'key_ops');
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
