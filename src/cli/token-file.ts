import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartTimer } from '../http/timer.ts';

/** A token in a file, which is there and good until it is closed. */
export interface TokenFile {
  readonly path: string;
  close(): Promise<void>;
}

export interface TokenFileOptions {
  /** Made for it, and removed with it: nobody else may look inside. */
  readonly directory: string;
  readonly fetchToken: () => Promise<string>;
  readonly startTimer: StartTimer;
}

/** Half of what a token lives, so that a program that reads the file at any time has a good one. */
const renewAfterMs = 30 * 60_000;
/** When no token could be had. */
const askAgainMs = 60_000;

/** Programs read it as often as they need a token, so each is there as a whole, in one step. */
export async function openTokenFile({ directory, fetchToken, startTimer }: TokenFileOptions): Promise<TokenFile> {
  const path = join(directory, 'azure-identity-token');
  let stop: () => void = () => undefined;
  let writing = Promise.resolve();
  let closed = false;
  const write = async (): Promise<void> => {
    const token = await fetchToken();
    const next = `${path}.new`;
    await rm(next, { force: true });
    await writeFile(next, token, { mode: 0o600, flag: 'wx' });
    await rename(next, path);
  };
  const schedule = (milliseconds: number): void => {
    stop = startTimer(milliseconds, () => {
      writing = write().then(
        () => (closed ? undefined : schedule(renewAfterMs)),
        () => (closed ? undefined : schedule(askAgainMs)),
      );
    });
  };
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await write();
  schedule(renewAfterMs);
  return {
    path,
    close: async () => {
      closed = true;
      stop();
      await writing;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
