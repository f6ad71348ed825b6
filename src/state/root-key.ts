import { hkdfSync } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { invariant } from '../base/invariant.ts';
import { zeroBytes } from '../base/bytes.ts';
import { syncDirectory } from '../base/sync-directory.ts';
import type { RandomBytes } from '../base/random.ts';

export const rootKeyBytes = 32;

/** What cannot be used as a root key, without a byte of it. */
export class RootKeyError extends Error {
  override readonly name = 'RootKeyError';
}

/** The key of a data directory. Its bytes never leave this object; keys for one purpose each are derived from it. */
export class RootKey {
  readonly #bytes: Buffer;
  #closed = false;

  /** @param bytes exactly 32; copied, the caller zeroes its own */
  constructor(bytes: Uint8Array) {
    invariant(bytes.byteLength === rootKeyBytes, 'a root key is 256 bits');
    this.#bytes = Buffer.from(bytes);
  }

  /** A 256-bit key (HKDF-SHA-256, RFC 5869). Another purpose or salt gives an unrelated key.
   * @param purpose such as `vault backup`; names what the key is for, and the version of its format */
  derive(purpose: string, salt: Uint8Array = Buffer.alloc(0)): Buffer {
    invariant(!this.#closed, 'a closed root key is not used');
    return Buffer.from(hkdfSync('sha256', this.#bytes, salt, `kustody ${purpose}`, 32));
  }

  /** Hex: tells keys apart, and says nothing of one.
   * @param stateId 16 bytes: what a key is known by in one state tells nothing of another */
  nameFor(stateId: Uint8Array): string {
    return this.derive('root key name 1', stateId).subarray(0, 16).toString('hex');
  }

  /** Overwrites the bytes. */
  close(): void {
    this.#closed = true;
    zeroBytes(this.#bytes);
  }
}

/** @param text 32 bytes as base64, base64url or hex; blanks around it do not count
 * @throws RootKeyError */
export function parseRootKey(text: string): RootKey {
  const trimmed = text.trim();
  const isHex = /^[0-9a-fA-F]{64}$/.test(trimmed);
  const isBase64 = /^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed);
  if (!isHex && !isBase64) throw new RootKeyError('A root key is 32 bytes, written as base64 or hex.');
  const bytes = Buffer.from(trimmed, isHex ? 'hex' : 'base64');
  const key = new RootKey(bytes);
  zeroBytes(bytes);
  return key;
}

/** Reads the root key file, or makes one with a new random key. When it returns, the file and its name are durable,
 * so nothing is ever sealed under a key that a crash could take away.
 * Order: whole file under another name → synced → linked to its name, which fails if that exists → directory synced.
 * @throws RootKeyError when the file is damaged, or others may read it */
export function openRootKeyFile(path: string, randomBytes: RandomBytes): RootKey {
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    createFile(path, Buffer.from(randomBytes(rootKeyBytes)).toString('base64url'));
  return openExisting(path);
}

function openExisting(path: string): RootKey {
  const status = statSync(path);
  if (process.platform !== 'win32' && (status.mode & 0o077) !== 0) {
    throw new RootKeyError(`Others may read the root key file ${path}. Take their rights away (chmod 600).`);
  }
  if (status.size > 1024) throw new RootKeyError(`${path} is not a root key file.`);
  try {
    return parseRootKey(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof RootKeyError) throw new RootKeyError(`The root key file ${path} is damaged.`);
    throw error;
  }
}

/** The same key in a file of another data directory. Order as for a new one.
 * @throws RootKeyError when another key is there already, and for a file that is damaged or that others may read */
export function copyRootKeyFile(from: string, to: string): void {
  openExisting(from).close();
  const text = readFileSync(from, 'utf8').trim();
  if (statSync(to, { throwIfNoEntry: false }) === undefined) createFile(to, text);
  openExisting(to).close();
  if (readFileSync(to, 'utf8').trim() !== text) throw new RootKeyError(`${to} holds another root key.`);
}

function createFile(path: string, text: string): void {
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  const descriptor = openSync(unfinished, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    writeSync(descriptor, `${text}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(unfinished, path);
  } catch (error) {
    // Another process was faster: its key counts.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  } finally {
    rmSync(unfinished, { force: true });
  }
  syncDirectory(dirname(path));
}
