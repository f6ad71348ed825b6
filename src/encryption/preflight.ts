import { equalBytes, zeroBytes } from '../base/bytes.ts';
import { parseKeyVersion, parseRegion } from '../base/names.ts';
import type { RandomBytes } from '../base/random.ts';
import type { CustomerKey, KeyPreflight } from './cluster-keys.ts';
import { keyUnusable } from './key-usability.ts';
import type { KeyDescription, KeyFailure, KeyWrapper } from './key-wrapper.ts';
import { classifyOutcome } from './outcome-table.ts';
import type { VersionedKeyId } from '../base/key-id.ts';

const probeBytes = 32;
/** A version that no vault gives out: asks for a permission at a key that does not exist. */
const noVersion = parseKeyVersion('0'.repeat(32));

export interface PreflightPorts {
  readonly wrapper: KeyWrapper;
  readonly randomBytes: RandomBytes;
  /** Kustody clock, Unix seconds. */
  readonly nowSeconds: number;
}

/** Whether a cluster in `region` can use `key`, by the data plane alone and as the cluster's identity. Order of the answers:
 * vault not found (no such host, other region), no access (get, wrap, unwrap), key not found, soft delete off, purge
 * protection off; a key of wrong type, or not usable now, is told before it is tried. */
export async function preflightKey(ports: PreflightPorts, key: CustomerKey, region: string): Promise<KeyPreflight> {
  const seen = await ports.wrapper.describe(key.identity, {
    vaultHost: key.vaultHost,
    name: key.keyName,
    ...(key.keyVersion === undefined ? {} : { version: key.keyVersion }),
  });
  if (seen.outcome === 'failed' && seen.cause === 'noSuchHost') return { outcome: 'vaultNotFound', why: 'noSuchHost' };
  const found = seen.outcome === 'failed' ? seen.region : seen.key.region;
  if (found !== undefined && parseRegion(found) !== parseRegion(region)) {
    return { outcome: 'vaultNotFound', why: 'otherRegion', found };
  }
  if (seen.outcome === 'failed') {
    if (seen.kind !== 'refusal') return { outcome: 'unavailable', failure: seen };
    if (seen.cause !== 'keyNotFound') return { outcome: 'noAccess', operation: 'get', failure: seen };
    return missingKey(ports, key, seen);
  }
  const unusable = keyUnusable(seen.key, ports.nowSeconds);
  if (unusable !== undefined) return unusable;
  return (await probe(ports, key, seen.key.kid)) ?? protection(seen.key);
}

/** Vaults check permissions before they look for the key, so missing ones show although there is none. */
async function missingKey(ports: PreflightPorts, key: CustomerKey, notFound: KeyFailure): Promise<KeyPreflight> {
  const version = key.keyVersion ?? noVersion;
  if (version !== undefined) {
    const kid = { vaultHost: key.vaultHost, name: key.keyName, version };
    const denied =
      (await refusedOf('wrapKey', ports.wrapper.wrap(key.identity, kid, ports.randomBytes(probeBytes)))) ??
      (await refusedOf('unwrapKey', ports.wrapper.unwrap(key.identity, kid, ports.randomBytes(256))));
    if (denied !== undefined) return denied;
  }
  return { outcome: 'keyNotFound', failure: notFound };
}

async function refusedOf(
  operation: 'wrapKey' | 'unwrapKey',
  answer: Promise<{ readonly outcome: string } | KeyFailure>,
): Promise<KeyPreflight | undefined> {
  const result = await answer;
  if (!isFailure(result) || result.kind !== 'refusal' || result.cause === 'keyNotFound') return undefined;
  return failed(operation, result);
}

/** Wraps random bytes and unwraps them again. @returns undefined when both work */
async function probe(ports: PreflightPorts, key: CustomerKey, kid: VersionedKeyId): Promise<KeyPreflight | undefined> {
  const bytes = ports.randomBytes(probeBytes);
  const wrap = await ports.wrapper.wrap(key.identity, kid, bytes);
  if (wrap.outcome === 'failed') return failed('wrapKey', wrap);
  const back = await ports.wrapper.unwrap(key.identity, kid, wrap.wrapped);
  if (back.outcome === 'failed') return failed('unwrapKey', back);
  const same = equalBytes(back.plaintext, bytes);
  zeroBytes(back.plaintext);
  if (same) return undefined;
  const failure = classifyOutcome({ seen: 'mismatch', message: 'A probe did not unwrap to what was wrapped.' });
  return { outcome: 'unavailable', failure };
}

function failed(operation: 'wrapKey' | 'unwrapKey', failure: KeyFailure): KeyPreflight {
  if (failure.kind !== 'refusal') return { outcome: 'unavailable', failure };
  switch (failure.cause) {
    case 'noSuchHost':
      return { outcome: 'vaultNotFound', why: 'noSuchHost' };
    case 'keyNotFound':
      return { outcome: 'keyNotFound', failure };
    case 'keyDisabled':
      return { outcome: 'notUsableNow', why: 'disabled' };
    case 'keyExpired':
      return { outcome: 'notUsableNow', why: 'expired' };
    case 'keyNotYetValid':
      return { outcome: 'notUsableNow', why: 'notYetValid' };
    default:
      return { outcome: 'noAccess', operation, failure };
  }
}

/** `recoveryLevel` tells a reader without management rights how the vault is protected (Key Vault REST, DeletionRecoveryLevel):
 * `Purgeable` alone is no soft delete, any other mention of it is no purge protection. */
function protection(key: KeyDescription): KeyPreflight {
  const level = key.recoveryLevel.toLowerCase();
  if (level === 'purgeable' || level === '') return { outcome: 'softDeleteOff' };
  if (level.includes('purgeable')) return { outcome: 'purgeProtectionOff' };
  return { outcome: 'usable', key };
}

const isFailure = (result: { readonly outcome: string } | KeyFailure): result is KeyFailure =>
  result.outcome === 'failed';
