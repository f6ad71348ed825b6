import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isJsonObject, textMember } from '../../base/json.ts';
import { isSameKey, parseKeyId, parseVersionedKeyId } from '../../base/key-id.ts';
import { syncDirectory } from '../../base/sync-directory.ts';
import type { ProofSigner } from '../../server/proof-routes.ts';
import type { ControlClient } from '../control-client.ts';
import { Ambiguous, parseSigned } from '../proof/parse-signed.ts';
import { checkSignature } from '../proof/signature.ts';
import { findVaultSigner } from '../proof/vault-signature.ts';
import { UserError } from '../user-error.ts';
import type { ShredCertificate } from './certificate.ts';

const bytesMax = 256 * 1024 * 1024;

/** What an earlier run has left there. @param signWith the key of a vault that may have signed it, too
 * @returns undefined when there is no file @throws UserError for anything that neither the instance nor that key has signed; it is left as it is */
export async function readCertificate(
  client: Pick<ControlClient, 'call' | 'environment'>,
  file: string,
  signWith?: string,
): Promise<ShredCertificate | undefined> {
  if (!existsSync(file)) return undefined;
  const other = new UserError(
    `${file} is no certificate that this instance${signWith === undefined ? '' : `, or the key ${signWith},`} has signed; it was left as it is.`,
    'Give a file that is not there yet, or the certificate to go on with, and the --sign-with that it was made with.',
  );
  if (statSync(file).size > bytesMax) throw other;
  let document: unknown;
  try {
    document = parseSigned(readFileSync(file));
  } catch (error) {
    throw error instanceof SyntaxError || error instanceof Ambiguous ? other : error;
  }
  const kid = signedWith(document);
  if (kid !== undefined && !isVersionOf(kid, signWith)) throw other;
  const { fingerprint } =
    kid === undefined
      ? ((await client.call('GET', '/proof/key')) as ProofSigner) // both ends are of this package
      : await findVaultSigner(await client.environment(), kid, new Set());
  if (!checkSignature(document, fingerprint).ok || !isJsonObject(document)) throw other;
  if (document['kind'] !== 'shredCertificate' || document['format'] !== 1) throw other;
  return document as unknown as ShredCertificate; // what they have signed this command has made
}

/** The version of a vault's key that it says has signed it: the newest one may be another by now. */
function signedWith(document: unknown): string | undefined {
  const signature = isJsonObject(document) && isJsonObject(document['signature']) ? document['signature'] : undefined;
  return signature !== undefined && 'kid' in signature ? textMember(signature, 'kid') : undefined;
}

function isVersionOf(kid: string, keyId: string | undefined): boolean {
  const version = parseVersionedKeyId(kid);
  const key = keyId === undefined ? undefined : parseKeyId(keyId);
  return version !== undefined && key !== undefined && isSameKey(version, key);
}

/** The old one or the new one is there, whole, whenever the machine stops, and whoever else writes it. @throws UserError when it cannot be written */
export function writeCertificate(file: string, text: string): void {
  const next = `${file}.${randomBytes(8).toString('hex')}.next`;
  try {
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' });
    const descriptor = openSync(next, 'r');
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(next, file);
    syncDirectory(dirname(file));
  } catch (error) {
    rmSync(next, { force: true });
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new UserError(`${file} could not be written${code}.`, 'Give another file with --out.');
  }
}
