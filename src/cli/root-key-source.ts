import { Option } from 'commander';
import type { RootKey } from '../state/root-key.ts';
import { parseRootKey, RootKeyError } from '../state/root-key.ts';
import { parseDescriptor, readDescriptor } from './read-descriptor.ts';
import { UserError } from './user-error.ts';

const variable = 'KUSTODY_ROOT_KEY';

export const rootKeyOption = (): Option =>
  new Option(
    '--root-key-fd <N>',
    `read the root key from this file descriptor, instead of ${variable} or a file beside the data`,
  ).argParser(parseDescriptor);

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
  try {
    return readDescriptor(descriptor, parseRootKey);
  } catch (error) {
    if (error instanceof RootKeyError) throw new UserError(`--root-key-fd ${descriptor}: ${error.message}`);
    throw error;
  }
}
