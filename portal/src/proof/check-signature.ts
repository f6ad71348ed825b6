import { canonicalJson } from '../../../src/base/canonical-json.ts';
import { proofDomain } from '../../../src/server/proof-domain.ts';
import { isObject } from '../api/request.ts';

export interface CheckedProof {
  readonly state: 'valid' | 'notValid' | 'notChecked';
  readonly text: string;
  /** SHA-256 of the key that it says has signed it. */
  readonly fingerprint?: string;
}

type Algorithm = { readonly importing: EcKeyImportParams | RsaHashedImportParams | { readonly name: string } } & {
  readonly verifying: EcdsaParams | RsaPssParams | { readonly name: string };
};

const ecdsa = (namedCurve: string, hash: string): Algorithm => ({
  importing: { name: 'ECDSA', namedCurve },
  verifying: { name: 'ECDSA', hash },
});

/** Those of proofs that browsers have. ES256K is none of them. @see RFC 7518, section 3.1 */
const algorithms: Readonly<Record<string, Algorithm>> = {
  Ed25519: { importing: { name: 'Ed25519' }, verifying: { name: 'Ed25519' } },
  PS256: { importing: { name: 'RSA-PSS', hash: 'SHA-256' }, verifying: { name: 'RSA-PSS', saltLength: 32 } },
  ES256: ecdsa('P-256', 'SHA-256'),
  ES384: ecdsa('P-384', 'SHA-384'),
  ES512: ecdsa('P-521', 'SHA-512'),
};

/** What `kustody proof verify` checks, here: that the text is as it was signed. The file goes nowhere.
 * @param text what `kustody proof --json` printed */
export async function checkSignature(text: string): Promise<CheckedProof> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { state: 'notValid', text: 'It is no JSON.' };
  }
  if (!isObject(document)) return { state: 'notValid', text: 'It is no proof.' };
  const { signature, ...report } = document;
  if (!isObject(signature)) return { state: 'notValid', text: 'It is not signed.' };
  const { algorithm, publicKey, value, kid } = signature;
  if (typeof algorithm !== 'string' || typeof publicKey !== 'string' || typeof value !== 'string')
    return { state: 'notValid', text: 'Its signature is none of proofs.' };
  const known = Object.hasOwn(algorithms, algorithm) ? algorithms[algorithm] : undefined;
  if (known === undefined)
    return { state: 'notChecked', text: `Browsers check no ${algorithm}: use kustody proof verify FILE.` };
  const changed = 'The signature is not of this text: it was changed after it was signed.';
  let fingerprint: string | undefined;
  try {
    const der = bytesOf(publicKey);
    fingerprint = await sha256Hex(der);
    const key = await crypto.subtle.importKey('spki', der, known.importing, false, ['verify']);
    const told = algorithm === 'Ed25519' ? '' : `\n${String(kid)}`;
    const signed = utf8(`${proofDomain}${await sha256Hex(utf8(canonicalJson(report)))}${told}`);
    const isValid = await crypto.subtle.verify(known.verifying, key, bytesOf(value), signed);
    if (!isValid) return { state: 'notValid', text: changed, fingerprint };
  } catch (error) {
    // Not in every browser yet.
    const isMissing = error instanceof DOMException && error.name === 'NotSupportedError';
    const at = fingerprint === undefined ? {} : { fingerprint };
    return isMissing
      ? { state: 'notChecked', text: `This browser checks no ${algorithm}: use kustody proof verify FILE.`, ...at }
      : { state: 'notValid', text: changed, ...at };
  }
  const made = [report['dataDirectory'], report['madeOn']].map((one) => (typeof one === 'string' ? one : '?'));
  return {
    state: 'valid',
    text: `The proof of ${made[0] ?? ''}, made ${made[1] ?? ''}, is as it was signed${typeof kid === 'string' ? ` with the vault key ${kid}` : ''}.`,
    fingerprint,
  };
}

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));

async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((one) => one.toString(16).padStart(2, '0')).join('');
}
