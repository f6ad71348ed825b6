import { toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import { vaultError } from '../vault-error.ts';
import { requireVersion } from '../objects/find-requested.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { costOfUse } from './key-cost.ts';
import { parseKeyOpBody } from './key-op-body.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyVersionRecord } from './key-records.ts';
import { stillAsRead } from '../objects/object-store.ts';
import { privateKeyOf, refuseOutsideDates, refuseUnusable } from './key-use.ts';
import type { SignatureAlgorithm } from './signature-algorithms.ts';
import { signatureAlgorithms } from './signature-algorithms.ts';

export const signingOperations = [
  {
    id: 'Sign',
    method: 'POST',
    path: '/keys/{name}/{version}/sign',
    latest: true,
    permission: 'sign',
    dataAction: 'keys/sign/action',
    cost: costOfUse,
    handle: sign,
  },
  {
    id: 'Verify',
    method: 'POST',
    path: '/keys/{name}/{version}/verify',
    latest: true,
    permission: 'verify',
    dataAction: 'keys/verify/action',
    orDataAction: 'keys/read',
    cost: costOfUse,
    handle: verify,
  },
] as const satisfies readonly VaultOperation[];

async function sign(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const found = await requireVersion(services, keyKind, request);
  const key = found.version.value;
  refuseUnusable(key, 'sign');
  refuseOutsideDates(key, 'sign', services.clock.now());
  const { alg, value } = parseKeyOpBody(request.body);
  try {
    const kid = kidOf(request.vault, found);
    const algorithm = requireAlgorithm(alg, key, kid);
    refuseLength('value', value, alg, algorithm);
    const signature = algorithm.sign(await privateKeyOf(services, found), value);
    if (signature === undefined) throw vaultError('valueTooLong', signedBytesMax(key));
    return { status: 200, id: kid, body: { kid, value: toBase64Url(signature) }, expect: stillAsRead(keyKind, found) };
  } finally {
    zeroBytes(value);
  }
}

/** What an expired version has signed can still be verified; a disabled one does nothing. */
async function verify(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const found = await requireVersion(services, keyKind, request);
  const key = found.version.value;
  refuseUnusable(key, 'verify');
  const { alg, value, others } = parseKeyOpBody(request.body);
  const kid = kidOf(request.vault, found);
  const algorithm = requireAlgorithm(alg, key, kid);
  const text = others['digest'];
  if (text === undefined || text === null) throw vaultError('requiredProperty', 'digest');
  const digest = typeof text === 'string' ? decodeBase64(Buffer.from(text, 'latin1')) : undefined;
  if (digest === undefined) throw vaultError('notBase64Url', 'digest');
  refuseLength('digest', digest, alg, algorithm);
  return {
    status: 200,
    id: kid,
    body: { value: algorithm.verify(key, digest, value) },
    expect: stillAsRead(keyKind, found),
  };
}

function requireAlgorithm(alg: string, key: KeyVersionRecord, kid: string): SignatureAlgorithm {
  const algorithm = signatureAlgorithms.get(alg);
  if (algorithm === undefined) throw vaultError('algorithmNotSupported', alg.slice(0, 100), key.kty);
  if (algorithm.kty !== key.kty) throw vaultError('signatureNeedsType', kid, key.kty, alg, algorithm.kty);
  if (key.kty === 'EC' && algorithm.crv !== undefined && algorithm.crv !== key.crv)
    throw vaultError('signatureNeedsCurve', kid, key.crv, alg, algorithm.crv);
  return algorithm;
}

function refuseLength(property: string, digest: Uint8Array, alg: string, { digestBytes }: SignatureAlgorithm): void {
  if (digestBytes !== undefined && digest.length !== digestBytes)
    throw vaultError('wrongDigestLength', property, digest.length, alg, digestBytes);
}

/** What PKCS #1 padding leaves room for. */
const signedBytesMax = (key: KeyVersionRecord): number => (key.kty === 'RSA' ? key.bits / 8 - 11 : 0);
