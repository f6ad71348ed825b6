import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseJsonBody } from '../../http/body-parsers.ts';
import { vaultError } from '../vault-error.ts';

/** @throws VaultError 400 for anything but one JSON object */
export function parseBodyObject(body: Uint8Array): JsonObject {
  let parsed;
  try {
    parsed = parseJsonBody(body);
  } catch {
    throw vaultError('malformedBody');
  }
  if (!isJsonObject(parsed)) throw vaultError('malformedBody');
  return parsed;
}
