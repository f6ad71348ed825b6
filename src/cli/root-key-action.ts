import { realpathSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { instant } from '../clock/clock.ts';
import { rotateStopped } from '../server/moving/rotate-stopped.ts';
import type { RootKeyStatus } from '../server/root-key-routes.ts';
import type { Rotated } from '../server/rotate-root-key.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { ControlClient } from './control-client.ts';
import { findInstance } from './control-client.ts';
import { isDataDirectory } from './data-directory.ts';
import { explain } from './instance.ts';
import { dataDirectoryOf } from './options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { statePlaceOf } from './state-place.ts';
import { UserError } from './user-error.ts';
import type { Waiting } from './waiting.ts';
import { startWaiting } from './waiting.ts';

export interface RotateOptions {
  readonly data?: string;
  readonly rootKeyFd?: number;
  readonly oldRootKeyFd?: number;
  readonly stateAnchor?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly json: boolean;
}

/** @throws UserError */
export async function rotate(rootKeys: RootKeySource, options: RotateOptions): Promise<void> {
  const [rootKey, oldRootKey] = [rootKeys.take(options.rootKeyFd), rootKeys.takeOld(options.oldRootKeyFd)];
  const waiting = startWaiting();
  try {
    const directory = dataDirectoryOf(options);
    if (!isDataDirectory(directory)) throw new UserError(`${directory} is not a data directory of Kustody.`);
    const dataDirectory = realpathSync(directory);
    const running = await findInstance(dataDirectory);
    let done = 0;
    waiting.begin(() => `sealing records under the new root key, ${done}`);
    const progress = (now: number): void => void (done = now);
    if (running !== undefined) {
      print(options, await rotateRunning(running, progress), waiting);
      return;
    }
    if (rootKey === undefined && oldRootKey !== undefined)
      throw new UserError('An old root key goes with a new one, in KUSTODY_ROOT_KEY or from --root-key-fd.');
    const statePlace = statePlaceOf(options);
    const keys = { ...(rootKey && { rootKey }), ...(oldRootKey && { oldRootKey }) };
    const { stateAnchor } = options;
    const rotated = await rotateStopped({
      ...{
        from: { dataDirectory, ...(statePlace && { statePlace }) },
        ...keys,
        now: () => instant(Date.now()),
        progress,
      },
      ...(stateAnchor !== undefined && { stateAnchor }),
    }).catch((error: unknown) => {
      throw explain(error, { dataDirectory });
    });
    print(options, rotated, waiting);
  } finally {
    waiting.end();
    rootKey?.close();
    oldRootKey?.close();
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

function print({ json }: RotateOptions, rotated: Rotated, waiting: Waiting): void {
  waiting.end();
  process.stdout.write(`${json ? JSON.stringify(rotated) : rotatedText(rotated).join('\n')}\n`);
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
