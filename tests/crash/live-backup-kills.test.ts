import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import { backUp, restore } from '../../src/server/moving/backup.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { buildProgram } from '../support/build-program.ts';
import { foundIn, LiveWriter, openLive } from '../support/live-instance-writer.ts';
import { blobsIn, makeInstance, recordsIn } from '../support/moved-instance.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { spreadSteps } from './spread-steps.ts';

const runs = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 6) / 2));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'backing-up-live.cjs');
let start: readonly string[];
const directory = quickDirectory('kustody-live-backup-kills-');
const [instance, copy] = [join(directory, 'instance'), join(directory, 'copy')];
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const now = () => instant(0);
const keyOf = (at: string) => parseRootKey(readFileSync(join(at, 'root.key'), 'utf8'));

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'migrating.ts'), program);
  await makeInstance(instance);
  const live = await openLive(instance, keyOf(instance));
  const writer = new LiveWriter(instance, live.sealed);
  for (let n = 0; n < 4; n += 1) await writer.write();
  mkdirSync(copy, { mode: 0o700 });
  await live.take(copy);
  await live.close();
});

function runUntil(step: number) {
  const folder = join(directory, `step-${step}`);
  const [from, to, back] = ['from', 'to', 'back'].map((name) => join(folder, name)) as [string, string, string];
  mkdirSync(folder, { recursive: true });
  cpSync(instance, from, { recursive: true });
  cpSync(copy, to, { recursive: true });
  const { signal, stdout, stderr } = spawnSync(process.execPath, [...start, from, to, String(step), 'live']);
  if (signal === null) expect(stderr.toString()).toBe('');
  const bringBack = async (): Promise<void> => {
    rmSync(back, { recursive: true, force: true });
    mkdirSync(back, { mode: 0o700 });
    const ends = { from: { dataDirectory: to }, to: { dataDirectory: back } };
    await restore({ ...ends, rootKey: keyOf(from), acceptsRollback: true, now });
  };
  return { folder, from, to, back, signal, stdout: stdout.toString(), bringBack };
}

it(
  `an instance that is killed at a step of its own backup, ${runs} of them, has the earlier one or the next, whole`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const { length: steps } = JSON.parse(runUntil(0).stdout) as string[];
    expect(steps).toBeGreaterThan(20);
    const found = new Set<string>();
    for (const step of spreadSteps(steps, runs)) {
      const { folder, from, to, back, signal, bringBack } = runUntil(step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      await bringBack();
      const { numbers, missing } = await foundIn(back, keyOf(from));
      const [{ step: number }] = numbers as [{ step: number }];
      expect({ step, numbers, missing }).toEqual({ step, numbers: [{ step: number }, { step: number }], missing: [] });
      found.add(number === 4 ? 'earlier' : 'next');
      // It starts again, and its next backup is what it has.
      expect(await foundIn(from, keyOf(from))).toMatchObject({ missing: [] });
      await backUp({ from: { dataDirectory: from }, to: { dataDirectory: to }, now });
      await bringBack();
      expect({ step, records: await recordsIn(back) }).toEqual({ step, records: await recordsIn(from) });
      expect(blobsIn(back)).toEqual(blobsIn(from));
      rmSync(folder, { recursive: true });
    }
    expect([...found].toSorted()).toEqual(['earlier', 'next']);
  },
);
