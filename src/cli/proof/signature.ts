import { createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { canonicalJson } from '../../base/canonical-json.ts';
import { sha256Hex } from '../../base/sha256.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { proofDomain } from '../../server/proof-domain.ts';
import { fingerprintOf } from '../../server/proof-key.ts';
import type { ProofSignature } from '../../server/proof-routes.ts';
import type { ControlClient } from '../control-client.ts';
import type { ProofReport } from './report.ts';
import type { VaultSignature } from './vault-signature.ts';
import { isVaultAlgorithm, isVaultSignature } from './vault-signature.ts';

export type Signature = ProofSignature | VaultSignature;
export type Signed<Report> = Report & { readonly signature: Signature };
export type SignedReport = Signed<ProofReport>;

/** As it is written to files and signed: texts of JSON, so that reading it back gives the same.
 * @param sign with something else than the instance's own key */
export async function signReport<Report extends object>(
  client: Pick<ControlClient, 'call'>,
  report: Report,
  sign?: (sha256: string) => Promise<VaultSignature>,
): Promise<Signed<Report>> {
  const sha256 = digestOf(JSON.parse(JSON.stringify(report)));
  if (sign !== undefined) return { ...report, signature: await sign(sha256) };
  // Both ends are of this package.
  return { ...report, signature: (await client.call('POST', '/proof/sign', { sha256 })) as ProofSignature };
}

export type SignatureCheck =
  | { readonly ok: true; readonly fingerprint: string; readonly kid?: string }
  /** @param fingerprint who it says has signed it, where it says so */
  | { readonly ok: false; readonly why: string; readonly fingerprint?: string };

/** @param document what `kustody proof --json` printed @param expected fingerprint of the instance whose it must be */
export function checkSignature(document: unknown, expected: string | undefined): SignatureCheck {
  if (!isJsonObject(document)) return { ok: false, why: 'It is no proof.' };
  const { signature, ...report } = document;
  if (!isJsonObject(signature)) return { ok: false, why: 'It is not signed.' };
  const algorithm = textMember(signature, 'algorithm');
  if (algorithm !== 'Ed25519' && !isVaultAlgorithm(algorithm))
    return { ok: false, why: `It is signed by '${algorithm}', which is no algorithm of proofs.` };
  const kid = textMember(signature, 'kid');
  const der = Buffer.from(textMember(signature, 'publicKey'), 'base64');
  const fingerprint = fingerprintOf(der);
  const value = textMember(signature, 'value');
  if (!isPlain(signature, { algorithm, ...('kid' in signature ? { kid } : {}), fingerprint }))
    return { ok: false, fingerprint, why: 'What it says of its signature is not so: it was changed afterwards.' };
  const valid =
    algorithm === 'Ed25519'
      ? isValid(() => isOfInstance(der, report, value))
      : isValid(() => isVaultSignature(algorithm, der, kid, digestOf(report), value));
  if (!valid)
    return { ok: false, fingerprint, why: 'The signature is not of this text: it was changed after it was signed.' };
  if (expected !== undefined && !isSame(expected.toLowerCase(), fingerprint))
    return { ok: false, fingerprint, why: 'It was signed by another key.' };
  return { ok: true, fingerprint, ...(algorithm === 'Ed25519' ? {} : { kid }) };
}

/** Nothing of it is signed itself: each member is what follows from the key, the key and the value are written in the only way, and there is no other. */
function isPlain(signature: JsonObject, implied: Readonly<Record<string, string>>): boolean {
  if ('kid' in implied === (implied['algorithm'] === 'Ed25519')) return false;
  const expected: Readonly<Record<string, string>> = {
    ...implied,
    publicKey: againBase64(textMember(signature, 'publicKey')),
    value: againBase64(textMember(signature, 'value')),
  };
  return (
    Object.keys(signature).length === Object.keys(expected).length &&
    Object.entries(expected).every(([name, text]) => signature[name] === text)
  );
}

const againBase64 = (text: string): string => Buffer.from(text, 'base64').toString('base64');

function isOfInstance(der: Buffer, report: JsonObject, value: string): boolean {
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== 'ed25519') return false;
  return verify(null, Buffer.from(`${proofDomain}${digestOf(report)}`), key, Buffer.from(value, 'base64'));
}

function isValid(check: () => boolean): boolean {
  try {
    return check();
  } catch {
    return false; // no key
  }
}

/** Who has signed, for people. */
export const signerText = (signature: Signature): string =>
  'kid' in signature
    ? `Signed (${signature.algorithm}) with the vault key ${signature.kid}, fingerprint ${signature.fingerprint}.`
    : `Signed (${signature.algorithm}) by the instance with fingerprint ${signature.fingerprint}.`;

const digestOf = (report: unknown): string => sha256Hex(canonicalJson(report));

const isSame = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
