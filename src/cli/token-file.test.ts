import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTokenFile } from './token-file.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'kustody-token-file-'));
});
afterEach(() => rm(base, { recursive: true }));

it('is there at once, for its owner alone, renewed at half time, and gone when closed', async () => {
  const timers: { milliseconds: number; run: () => void }[] = [];
  const tokens = ['one', 'two', new Error('no server'), 'three'];
  let fetched: (() => void) | undefined;
  const file = await openTokenFile({
    directory: join(base, 'identity'),
    fetchToken: () => {
      const token = tokens.shift();
      return token instanceof Error ? Promise.reject(token) : Promise.resolve(String(token));
    },
    startTimer: (milliseconds, run) => {
      timers.push({ milliseconds, run });
      fetched?.();
      return () => timers.splice(0);
    },
  });
  const read = () => readFile(file.path, 'utf8');
  /** Until the next timer runs, which is started when the file is written. */
  const elapse = async (): Promise<number> => {
    const timer = timers.shift();
    const written = new Promise<void>((resolve) => (fetched = resolve));
    timer?.run();
    await written;
    return timer?.milliseconds ?? 0;
  };
  expect(await read()).toBe('one');
  expect((await stat(file.path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(base, 'identity'))).mode & 0o777).toBe(0o700);
  expect([await elapse(), await read()]).toEqual([1_800_000, 'two']);
  expect([await elapse(), await read()]).toEqual([1_800_000, 'two']);
  expect([await elapse(), await read()]).toEqual([60_000, 'three']);
  await file.close();
  expect([timers, await readdir(base)]).toEqual([[], []]);
});
