import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { toBase64Url } from '../../base/base64url.ts';
import { parseJsonBody } from '../../http/body-parsers.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import { member, objectMember } from '../objects/attributes.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyRelease, KeyVersionRecord, ReleasePolicy } from './key-records.ts';

/** What a create or import says of release: a key that may be released has a policy that says to whom, and is one of an HSM.
 * @param current of the key that gets a new version
 * @throws VaultError 400 */
export function readRelease(
  body: JsonObject,
  hsm: boolean,
  vault: VaultSettings,
  current: KeyVersionRecord | undefined,
): KeyRelease {
  const exportable = readExportable(body) ?? false;
  const policy = objectMember(body, 'release_policy');
  const releasePolicy = policy && readPolicy(policy);
  if (!exportable && policy !== undefined) throw vaultError('policyWithoutExportable');
  if (exportable && releasePolicy === undefined) throw vaultError('exportableWithoutPolicy');
  if (exportable && vault.sku !== 'premium') throw vaultError('exportableNeedsPremium');
  if (exportable && !hsm) throw vaultError('exportableNeedsHsm');
  if (current !== undefined && (current.exportable ?? false) !== exportable)
    throw vaultError('exportableOfExistingKey');
  return releasePolicy === undefined ? {} : { exportable: true, releasePolicy };
}

/** What an update says of it. @param named a version, of which a policy cannot be set */
export function readReleaseUpdate(body: JsonObject, version: KeyVersionRecord, named: boolean): Partial<KeyRelease> {
  const exportable = readExportable(body);
  if (exportable !== undefined && exportable !== (version.exportable ?? false)) throw vaultError('exportableIsFixed');
  const policy = objectMember(body, 'release_policy');
  if (policy === undefined) return {};
  if (!version.exportable) throw vaultError('policyWithoutExportable');
  if (named) throw vaultError('policyOfVersion');
  if (version.releasePolicy?.immutable) throw vaultError('policyIsImmutable');
  const releasePolicy = readPolicy(policy);
  if (releasePolicy === undefined) throw vaultError('exportableWithoutPolicy');
  return { releasePolicy };
}

/** KeyReleasePolicy. */
export const releasePolicyOf = ({ releasePolicy }: KeyVersionRecord): JsonObject =>
  releasePolicy === undefined ? {} : { release_policy: { ...releasePolicy } };

function readExportable(body: JsonObject): boolean | undefined {
  const exportable = member(objectMember(body, 'attributes') ?? {}, 'exportable');
  if (exportable === undefined || typeof exportable === 'boolean') return exportable;
  throw vaultError('invalidProperty', 'attributes.exportable');
}

const dataBytesMax = 32 * 1024;
const defaultContentType = 'application/json; charset=utf-8';

/** @returns undefined without data, which the service takes for no policy */
function readPolicy(policy: JsonObject): ReleasePolicy | undefined {
  const contentType = member(policy, 'contentType') ?? defaultContentType;
  if (typeof contentType !== 'string' || contentType.length > 256)
    throw vaultError('invalidProperty', 'release_policy.contentType');
  const immutable = member(policy, 'immutable') ?? false;
  if (typeof immutable !== 'boolean') throw vaultError('invalidProperty', 'release_policy.immutable');
  const data = member(policy, 'data') ?? '';
  if (data === '') return undefined;
  const bytes = typeof data === 'string' ? decodeBase64(Buffer.from(data, 'latin1')) : undefined;
  if (bytes === undefined) throw vaultError('notBase64Url', 'release_policy.data');
  if (bytes.length > dataBytesMax) throw vaultError('invalidProperty', 'release_policy.data');
  return { contentType, data: toBase64Url(Buffer.from(JSON.stringify(readRules(bytes)), 'utf8')), immutable };
}

/** Rules with their members in the order in which the service gives them back.
 * @see the grammar of key release policies of Key Vault */
function readRules(bytes: Buffer): JsonObject {
  const rules = parsed(bytes);
  const version = member(rules, 'version');
  if (version !== '1.0' && version !== '1.0.0') throw vaultError('invalidProperty', 'release_policy.data');
  const authorities = listOf(rules, 'anyOf');
  return {
    version,
    anyOf: authorities.map((rule) => {
      const authority = isJsonObject(rule) ? member(rule, 'authority') : undefined;
      if (!isJsonObject(rule) || typeof authority !== 'string' || !URL.canParse(authority))
        throw vaultError('invalidProperty', 'release_policy.data');
      return { authority, ...conditionsOf(rule, conditionDepthMax) };
    }),
  };
}

const conditionDepthMax = 8;
const connectives = ['allOf', 'anyOf'] as const;

function conditionsOf(rule: JsonObject, depth: number): JsonObject {
  const named = connectives.filter((name) => member(rule, name) !== undefined);
  const [name] = named;
  if (name === undefined || named.length > 1 || depth === 0) throw vaultError('invalidProperty', 'release_policy.data');
  return { [name]: listOf(rule, name).map((condition) => conditionOf(condition, depth)) };
}

function conditionOf(condition: Json, depth: number): JsonObject {
  if (!isJsonObject(condition)) throw vaultError('invalidProperty', 'release_policy.data');
  const claim = member(condition, 'claim');
  if (claim === undefined) return conditionsOf(condition, depth - 1);
  const wanted = member(condition, 'equals');
  if (typeof claim !== 'string' || wanted === undefined) throw vaultError('invalidProperty', 'release_policy.data');
  return { claim, equals: wanted };
}

function listOf(rule: JsonObject, name: string): readonly Json[] {
  const list = member(rule, name);
  if (!Array.isArray(list) || list.length === 0) throw vaultError('invalidProperty', 'release_policy.data');
  return list as readonly Json[];
}

function parsed(bytes: Buffer): JsonObject {
  try {
    const rules = parseJsonBody(bytes);
    if (isJsonObject(rules)) return rules;
  } catch {
    // no JSON, or too deep
  }
  throw vaultError('invalidProperty', 'release_policy.data');
}
