import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { LogSync, StateNotSyncedError } from './log-sync.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-log-'));
afterAll(() => rmSync(directory, { recursive: true }));

it('a log is synced again and again, and closed', async () => {
  const path = join(directory, 'log');
  writeFileSync(path, 'something');
  const log = new LogSync(path);
  await Promise.all([log.sync(), log.sync()]);
  await log.sync();
  expect(() => log.check()).not.toThrow();
  await log.close();
  await log.close();
});

it('after a sync that failed nothing passes for durable, whatever the next one would say', async () => {
  const path = join(directory, 'not there yet');
  const log = new LogSync(path);
  await expect(log.sync()).rejects.toThrow(StateNotSyncedError);
  writeFileSync(path, '');
  await expect(log.sync()).rejects.toThrow(StateNotSyncedError);
  expect(() => log.check()).toThrow(StateNotSyncedError);
  await log.close();
});
