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
import { isJsonObject } from '../../base/json.ts';
import { syncDirectory } from '../../base/sync-directory.ts';
import { checkSignature } from '../proof/signature.ts';
import { UserError } from '../user-error.ts';
import type { ShredCertificate } from './certificate.ts';

const bytesMax = 256 * 1024 * 1024;

/** What an earlier run has left there. @param fingerprint of the instance whose it must be @returns undefined when there is no file
 * @throws UserError for anything else, which is left as it is */
export function readCertificate(file: string, fingerprint: string): ShredCertificate | undefined {
  if (!existsSync(file)) return undefined;
  const other = new UserError(
    `${file} is no certificate that this instance has signed; it was left as it is.`,
    'Give a file that is not there yet, or the certificate to go on with.',
  );
  if (statSync(file).size > bytesMax) throw other;
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw error instanceof SyntaxError ? other : error;
  }
  if (!checkSignature(document, fingerprint).ok || !isJsonObject(document)) throw other;
  if (document['kind'] !== 'shredCertificate' || document['format'] !== 1) throw other;
  return document as unknown as ShredCertificate; // what this instance has signed it has made
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
