import type { Json, JsonObject } from '../../base/json.ts';
import type { ObjectChanges } from '../objects/attributes.ts';
import { member, readObjectChanges } from '../objects/attributes.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyOperationName } from './key-records.ts';
import { keyOperationNames } from './key-records.ts';
import type { KeyShape } from './key-types.ts';
import { keyOpsOf } from './key-types.ts';

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

/** @throws VaultError 400 for operations that keys of this type do not have; RSA keys of HSMs may import, and then nothing else */
export function checkKeyOps(
  wanted: readonly KeyOperationName[] | undefined,
  { kty, hsm }: { readonly kty: KeyShape['kty']; readonly hsm?: boolean },
): void {
  const possible: readonly KeyOperationName[] =
    wanted?.includes('import') && kty === 'RSA' && hsm ? importOnly : keyOpsOf[kty];
  if (wanted?.some((operation) => !possible.includes(operation))) throw vaultError('invalidProperty', 'key_ops');
}

const importOnly = ['import'] as const;

function readKeyOps(body: JsonObject): readonly KeyOperationName[] | undefined {
  const value = member(body, 'key_ops');
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw vaultError('invalidProperty', 'key_ops');
  const wanted: readonly Json[] = value;
  const operations = wanted.map((name) => {
    const operation = [...keyOperationNames, ...importOnly].find((known) => known === name);
    if (operation === undefined) throw vaultError('invalidProperty', 'key_ops');
    return operation;
  });
  return [...new Set(operations)];
}
