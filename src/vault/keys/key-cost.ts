import { isJsonObject } from '../../base/json.ts';
import { parseJsonBody } from '../../http/body-parsers.ts';
import type { LimitCost } from '../limits.ts';
import { requireVersion } from '../objects/find-requested.ts';
import type { VaultRequest, VaultServices } from '../objects/operation.ts';
import { keyKind } from './key-bundle.ts';
import type { KeyVersionRecord } from './key-records.ts';

/** In ten seconds, by whether a key is one of an HSM. @see Azure Key Vault service limits */
const creations = { hsm: 10, software: 20 } as const;
/** Work with keys by the bits of RSA keys; all EC keys count as the shortest of these. */
const uses: Readonly<Record<number, { readonly hsm: number; readonly software: number }>> = {
  2048: { hsm: 2000, software: 4000 },
  3072: { hsm: 500, software: 1000 },
  4096: { hsm: 250, software: 500 },
};

const protectionOf = (hsm: boolean | undefined): 'hsm' | 'software' => (hsm === true ? 'hsm' : 'software');

function useCost(key: KeyVersionRecord): LimitCost {
  const row = uses[key.kty === 'RSA' ? key.bits : 2048] ?? { hsm: 250, software: 500 };
  return { bucket: 'other', perTenSeconds: row[protectionOf(key.hsm)] };
}

/** Of work with the key that the path names. @throws VaultError 404 */
export async function costOfUse(services: VaultServices, request: VaultRequest): Promise<LimitCost> {
  return useCost((await requireVersion(services, keyKind, request)).version.value);
}

/** Of another version of the key that the path names. @throws VaultError 404 */
export async function costOfRotation(services: VaultServices, request: VaultRequest): Promise<LimitCost> {
  const { hsm } = (await requireVersion(services, keyKind, request)).version.value;
  return { bucket: 'create', perTenSeconds: creations[protectionOf(hsm)] };
}

/** Of a key that the body describes; what else is wrong with it is said later. */
export function costOfCreation(_services: VaultServices, { body }: VaultRequest): Promise<LimitCost> {
  let kty: unknown;
  try {
    const described = body === undefined ? undefined : parseJsonBody(body);
    kty = described !== undefined && isJsonObject(described) ? described['kty'] : undefined;
  } catch {
    // counts as any other
  }
  const hsm = typeof kty === 'string' && kty.endsWith('-HSM');
  return Promise.resolve({ bucket: 'create', perTenSeconds: creations[protectionOf(hsm)] });
}
