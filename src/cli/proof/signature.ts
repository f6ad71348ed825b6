import { createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { canonicalJson, sha256Hex } from '../../audit/canonical-json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { fingerprintOf, proofDomain } from '../../server/proof-key.ts';
import type { ProofSignature } from '../../server/proof-routes.ts';
import type { ControlClient } from '../control-client.ts';
import type { ProofReport } from './report.ts';

export type Signed<Report> = Report & { readonly signature: ProofSignature };
export type SignedReport = Signed<ProofReport>;

/** As it is written to files and signed: texts of JSON, so that reading it back gives the same. */
export async function signReport<Report extends object>(
  client: Pick<ControlClient, 'call'>,
  report: Report,
): Promise<Signed<Report>> {
  const sha256 = digestOf(JSON.parse(JSON.stringify(report)));
  // Both ends are of this package.
  return { ...report, signature: (await client.call('POST', '/proof/sign', { sha256 })) as ProofSignature };
}

export type SignatureCheck =
  | { readonly ok: true; readonly fingerprint: string }
  /** @param fingerprint who it says has signed it, where it says so */
  | { readonly ok: false; readonly why: string; readonly fingerprint?: string };

/** @param document what `kustody proof --json` printed @param expected fingerprint of the instance whose it must be */
export function checkSignature(document: unknown, expected: string | undefined): SignatureCheck {
  if (!isJsonObject(document)) return { ok: false, why: 'It is no proof.' };
  const { signature, ...report } = document;
  if (!isJsonObject(signature)) return { ok: false, why: 'It is not signed.' };
  const algorithm = textMember(signature, 'algorithm');
  if (algorithm !== 'Ed25519') return { ok: false, why: `It is signed by '${algorithm}', not by Ed25519.` };
  const der = Buffer.from(textMember(signature, 'publicKey'), 'base64');
  const fingerprint = fingerprintOf(der);
  if (!isValid(der, report, textMember(signature, 'value')))
    return { ok: false, fingerprint, why: 'The signature is not of this text: it was changed after it was signed.' };
  if (expected !== undefined && !isSame(expected.toLowerCase(), fingerprint))
    return { ok: false, fingerprint, why: 'It was signed by another instance.' };
  return { ok: true, fingerprint };
}

function isValid(der: Buffer, report: JsonObject, value: string): boolean {
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519') return false;
    return verify(null, Buffer.from(`${proofDomain}${digestOf(report)}`), key, Buffer.from(value, 'base64'));
  } catch {
    return false; // no key
  }
}

const digestOf = (report: unknown): string => sha256Hex(canonicalJson(report));

const isSame = (left: string, right: string): boolean =>
  left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
