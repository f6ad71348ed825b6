import { Option } from 'commander';
import type { RootKey } from '../state/root-key.ts';
import { parseRootKey, RootKeyError } from '../state/root-key.ts';
import type { GivenBy } from '../server/root-key-place.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { parseVersionedKeyId } from '../base/key-id.ts';
import { parseDescriptor, readDescriptor } from './read-descriptor.ts';
import { UserError } from './user-error.ts';

const variable = 'KUSTODY_ROOT_KEY';
const oldVariable = 'KUSTODY_OLD_ROOT_KEY';

export const rootKeyOption = (): Option =>
  new Option(
    '--root-key-fd <N>',
    `read the root key from this file descriptor, instead of ${variable} or a file beside the data`,
  ).argParser(parseDescriptor);

export const oldRootKeyOption = (): Option =>
  new Option(
    '--old-root-key-fd <N>',
    `while the root key is rotated: read the one before from this file descriptor, instead of ${oldVariable}`,
  ).argParser(parseDescriptor);

export const rootKeyVaultOption = (): Option =>
  new Option(
    '--root-key-vault <KID>',
    'keep the root key in the state, wrapped by this key version of a vault that --vault names: https://HOST/keys/NAME/VERSION',
  ).argParser(versionedKeyId);

export const oldRootKeyVaultOption = (): Option =>
  new Option(
    '--old-root-key-vault <KID>',
    'while another root key takes its place: the one before lies in the state, wrapped by this key version; together with --root-key-vault: that is to wrap it from now on, instead of this one',
  ).argParser(versionedKeyId);

function versionedKeyId(text: string): VersionedKeyId {
  const kid = parseVersionedKeyId(text);
  if (kid === undefined) throw new UserError(`'${text}' is not https://HOST/keys/NAME/VERSION.`);
  return kid;
}

/** @throws UserError when it is not clear which root key is meant */
export function requireOneMeaning({
  rootKey,
  oldRootKey,
  rootKeyVault,
  oldRootKeyVault,
}: {
  readonly rootKey: RootKey | undefined;
  readonly oldRootKey: RootKey | undefined;
  readonly rootKeyVault: VersionedKeyId | undefined;
  readonly oldRootKeyVault: VersionedKeyId | undefined;
}): void {
  if (rootKeyVault !== undefined && rootKey !== undefined)
    throw new UserError(
      'The root key was given, and a key in a vault that wraps another one.',
      'Give one of the two; to go over to the vault, give the one of now in KUSTODY_OLD_ROOT_KEY.',
    );
  const hasNew = (rootKey ?? rootKeyVault) !== undefined;
  if (oldRootKeyVault !== undefined && (!hasNew || oldRootKey !== undefined))
    throw new UserError(
      'An old root key in a vault goes with a new one in KUSTODY_ROOT_KEY or from --root-key-fd, or with the key that wraps it from now on (--root-key-vault), and with no other old one.',
    );
  if (!hasNew && oldRootKey !== undefined)
    throw new UserError('An old root key goes with a new one, in KUSTODY_ROOT_KEY or from --root-key-fd.');
}

/** How it was given. @param descriptor as `RootKeySource.take` */
export const givenBy = (descriptor: number | undefined): GivenBy =>
  descriptor === undefined ? 'environment' : 'descriptor';

/** The root keys that the user keeps elsewhere. Made once, at the entry of the program and before anything else runs: whatever the command,
 * no child inherits the variables. What the process began with stays readable for its user in /proc/PID/environ: hence the descriptors. */
export class RootKeySource {
  readonly #now: GivenKey;
  readonly #before: GivenKey;

  constructor(env: NodeJS.ProcessEnv) {
    this.#now = new GivenKey(env, variable, '--root-key-fd');
    this.#before = new GivenKey(env, oldVariable, '--old-root-key-fd');
  }

  /** For a server that is started. @param descriptor as `--root-key-fd` names it: read to its end and closed
   * @returns undefined when no key was given
   * @throws UserError without a byte of the key */
  take(descriptor: number | undefined): RootKey | undefined {
    return this.#now.take(descriptor);
  }

  /** The one whose place it takes. @param descriptor as `--old-root-key-fd` names it
   * @throws UserError without a byte of the key */
  takeOld(descriptor: number | undefined): RootKey | undefined {
    return this.#before.take(descriptor);
  }

  /** Overwrites keys that nobody has taken. */
  close(): void {
    this.#now.close();
    this.#before.close();
  }
}

class GivenKey {
  readonly #variable: string;
  readonly #option: string;
  #key: RootKey | undefined;
  readonly #problem: string | undefined;

  constructor(env: NodeJS.ProcessEnv, name: string, option: string) {
    this.#variable = name;
    this.#option = option;
    const text = env[name];
    Reflect.deleteProperty(env, name);
    try {
      this.#key = text === undefined ? undefined : parseRootKey(text);
    } catch (error) {
      if (!(error instanceof RootKeyError)) throw error;
      this.#problem = error.message;
    }
  }

  take(descriptor: number | undefined): RootKey | undefined {
    const [name, option] = [this.#variable, this.#option];
    const inEnvironment = this.#key !== undefined || this.#problem !== undefined;
    if (descriptor !== undefined && inEnvironment)
      throw new UserError(`The root key was given in two places, ${name} and ${option}.`, 'Give it in one.');
    if (this.#problem !== undefined) throw new UserError(`${name}: ${this.#problem}`);
    if (descriptor !== undefined) return readKey(descriptor, option);
    const key = this.#key;
    this.#key = undefined;
    return key;
  }

  close(): void {
    this.#key?.close();
    this.#key = undefined;
  }
}

function readKey(descriptor: number, option: string): RootKey {
  try {
    return readDescriptor(descriptor, parseRootKey);
  } catch (error) {
    if (error instanceof RootKeyError) throw new UserError(`${option} ${descriptor}: ${error.message}`);
    throw error;
  }
}
