import { Option } from 'commander';
import { closeSync, readSync } from 'node:fs';
import { zeroBytes } from '../base/bytes.ts';
import type { RootKey } from '../state/root-key.ts';
import { parseRootKey, RootKeyError } from '../state/root-key.ts';
import { UserError } from './user-error.ts';

const variable = 'KUSTODY_ROOT_KEY';

/** Longer than any way of writing a root key. */
const textBytesMax = 1024;

export const rootKeyOption = (): Option =>
  new Option(
    '--root-key-fd <N>',
    `read the root key from this file descriptor, instead of ${variable} or a file beside the data`,
  ).argParser((text) => {
    const descriptor = Number(text);
    // 1 and 2 are where answers go.
    if (!/^\d{1,6}$/.test(text) || descriptor === 1 || descriptor === 2)
      throw new UserError(`'${text.slice(0, 20)}' is the number of a file descriptor to read from: 0, or 3 and on.`);
    return descriptor;
  });

/** The root key that the user keeps elsewhere. Made once, at the entry of the program and before anything else runs: whatever the command,
 * no child inherits the variable. What the process began with stays readable for its user in /proc/PID/environ: hence the descriptor. */
export class RootKeySource {
  #key: RootKey | undefined;
  readonly #problem: string | undefined;

  constructor(env: NodeJS.ProcessEnv) {
    const text = env[variable];
    Reflect.deleteProperty(env, variable);
    try {
      this.#key = text === undefined ? undefined : parseRootKey(text);
    } catch (error) {
      if (!(error instanceof RootKeyError)) throw error;
      this.#problem = error.message;
    }
  }

  /** For a server that is started. @param descriptor as `--root-key-fd` names it: read to its end and closed
   * @returns undefined when no key was given
   * @throws UserError without a byte of the key */
  take(descriptor: number | undefined): RootKey | undefined {
    const inEnvironment = this.#key !== undefined || this.#problem !== undefined;
    if (descriptor !== undefined && inEnvironment)
      throw new UserError(`The root key was given in two places, ${variable} and --root-key-fd.`, 'Give it in one.');
    if (this.#problem !== undefined) throw new UserError(`${variable}: ${this.#problem}`);
    if (descriptor !== undefined) return readKey(descriptor);
    const key = this.#key;
    this.#key = undefined;
    return key;
  }

  /** Overwrites a key that nobody has taken. */
  close(): void {
    this.#key?.close();
    this.#key = undefined;
  }
}

function readKey(descriptor: number): RootKey {
  const bytes = Buffer.alloc(textBytesMax);
  try {
    const length = readToEnd(descriptor, bytes);
    return parseRootKey(bytes.toString('latin1', 0, length));
  } catch (error) {
    if (error instanceof RootKeyError) throw new UserError(`--root-key-fd ${descriptor}: ${error.message}`);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new UserError(`The file descriptor ${descriptor} cannot be read (${code}).`);
  } finally {
    zeroBytes(bytes);
  }
}

function readToEnd(descriptor: number, bytes: Buffer): number {
  let length = 0;
  while (length < bytes.byteLength) {
    const read = readSync(descriptor, bytes, length, bytes.byteLength - length, null);
    if (read === 0) break;
    length += read;
  }
  if (descriptor > 2) closeSync(descriptor);
  return length;
}
