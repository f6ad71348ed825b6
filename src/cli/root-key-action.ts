import { realpathSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { invariant } from '../base/invariant.ts';
import { formatKeyId } from '../base/key-id.ts';
import { instant } from '../clock/clock.ts';
import { rewrapStopped, rotateStopped } from '../server/moving/rotate-stopped.ts';
import type { RewrappedRootKey } from '../server/rewrap-root-key.ts';
import type { RootKeyStatus } from '../server/root-key-routes.ts';
import type { Rotated } from '../server/rotate-root-key.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { ControlClient } from './control-client.ts';
import { findInstance } from './control-client.ts';
import { isDataDirectory } from './data-directory.ts';
import { explain } from './instance.ts';
import { dataDirectoryOf } from './options.ts';
import type { RootKeyOptions } from './root-key-options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { stoppedRootKeys } from './stopped-root-keys.ts';
import { statePlaceOf } from './state-place.ts';
import { UserError } from './user-error.ts';
import { startWaiting } from './waiting.ts';

const now = () => instant(Date.now());

export interface RotateOptions extends RootKeyOptions {
  readonly data?: string;
  readonly stateAnchor?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly json: boolean;
}

/** @throws UserError */
export async function rotate(rootKeys: RootKeySource, options: RotateOptions): Promise<void> {
  if (options.rootKeyVault !== undefined && options.oldRootKeyVault !== undefined)
    throw new UserError(
      'Another key in a vault wraps the same root key: nothing is sealed anew for that.',
      "Give both to 'kustody root-key rewrap'.",
    );
  const waiting = startWaiting();
  try {
    const dataDirectory = directoryOf(options);
    const running = await findInstance(dataDirectory);
    let done = 0;
    waiting.begin(() => `sealing records under the new root key, ${done}`);
    const progress = (now: number): void => void (done = now);
    const rotated =
      running === undefined
        ? await stopped(rootKeys, options, dataDirectory, (settings) => rotateStopped({ ...settings, now, progress }))
        : await rotateRunning(running, progress);
    waiting.end();
    print(options, rotated, rotatedText(rotated));
  } finally {
    waiting.end();
  }
}

/** @throws UserError */
export async function rewrap(rootKeys: RootKeySource, options: RotateOptions): Promise<void> {
  const { rootKeyVault, oldRootKeyVault } = options;
  if (rootKeyVault === undefined)
    throw new UserError(
      'The root key is wrapped by one key in a vault, and is to be by another.',
      'Give the new one by --root-key-vault; of a server that is stopped, the one of now by --old-root-key-vault, too.',
    );
  const dataDirectory = directoryOf(options);
  const running = await findInstance(dataDirectory);
  const kid = formatKeyId(rootKeyVault);
  const given = oldRootKeyVault && formatKeyId(oldRootKeyVault);
  if (running !== undefined) {
    const body = { kid, ...(given !== undefined && { oldKid: given }) };
    // Both ends are of this package.
    const { from } = (await running.call('POST', '/root-key/rewrap', body)) as RewrappedRootKey;
    printRewrapped(options, kid, from === kid ? given : from, [
      `The next start of this state takes --root-key-vault ${kid}.`,
    ]);
    return;
  }
  if (given === undefined)
    throw new UserError(
      `Nobody serves ${dataDirectory}: which key version has wrapped the root key has to be said.`,
      'Give it by --old-root-key-vault.',
    );
  await stopped(rootKeys, options, dataDirectory, async (settings) => {
    invariant(settings.inVault !== undefined, 'two keys in vaults are given');
    await rewrapStopped({ ...settings, inVault: settings.inVault, now });
  });
  printRewrapped(options, kid, given, []);
}

/** @param oldKid undefined: it was wrapped by the new one already, and nobody says by which before */
function printRewrapped(
  options: RotateOptions,
  kid: string,
  oldKid: string | undefined,
  more: readonly string[],
): void {
  const needless =
    'is not needed any more by this state, and can be disabled. Copies of it from before open with that one.';
  print(options, { kid, ...(oldKid !== undefined && { oldKid }) }, [
    `The root key is wrapped by ${kid}.`,
    ...(oldKid === undefined ? [] : [`${oldKid} ${needless}`]),
    ...more,
  ]);
}

function directoryOf(options: RotateOptions): string {
  const directory = dataDirectoryOf(options);
  if (!isDataDirectory(directory)) throw new UserError(`${directory} is not a data directory of Kustody.`);
  return realpathSync(directory);
}

type StoppedSettings = Omit<Parameters<typeof rotateStopped>[0], 'now' | 'progress'>;

/** With the root keys of a state that nobody serves. */
async function stopped<T>(
  rootKeys: RootKeySource,
  options: RotateOptions,
  dataDirectory: string,
  work: (settings: StoppedSettings) => Promise<T>,
): Promise<T> {
  const statePlace = statePlaceOf(options);
  const from = { dataDirectory, ...(statePlace && { statePlace }) };
  const { stateAnchor } = options;
  try {
    const { close, ...keys } = await stoppedRootKeys(rootKeys, options, from);
    return await work({ from, ...keys, ...(stateAnchor !== undefined && { stateAnchor }) }).finally(close);
  } catch (error) {
    throw explain(error, { dataDirectory });
  }
}

const askAgainMs = 100;

/** The instance has both keys, and goes on serving. */
async function rotateRunning(instance: ControlClient, progress: (done: number) => void): Promise<Rotated> {
  // Both ends are of this package.
  let status = (await instance.call('POST', '/root-key/rotate')) as RootKeyStatus;
  while (status.running) {
    await pause(askAgainMs);
    status = (await instance.call('GET', '/root-key')) as RootKeyStatus;
    progress(status.done ?? 0);
  }
  if (status.rotated === undefined) throw new UserError(status.failure ?? 'The rotation has not come to its end.');
  return status.rotated;
}

function print({ json }: RotateOptions, value: unknown, text: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(value) : text.join('\n')}\n`);
}

const oldKeyTexts: Readonly<Record<Rotated['oldKey'], string>> = {
  destroyed: 'The file of the old root key was overwritten and is gone.',
  wrapped:
    'The old root key, as a vault has wrapped it, is gone from the state. Copies of the state have it still: they open with the use of that key.',
  elsewhere: 'Destroy the old root key now, wherever it is kept: it is not needed any more.',
};

function rotatedText({ records, resealed, damaged = 0, oldKey }: Rotated): readonly string[] {
  return [
    records === undefined
      ? 'Every record of the state was sealed under this root key already.'
      : `Every record of the state is sealed under the new root key: ${records} records, ${resealed ?? 0} of them by this run.`,
    ...(damaged === 0 ? [] : [`Damaged records stay as they lie there, refused by name as before: ${damaged}.`]),
    oldKeyTexts[oldKey],
    'Backups that were taken before open with the old root key alone. Take them again.',
  ];
}
