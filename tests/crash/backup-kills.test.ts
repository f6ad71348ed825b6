import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import { backUp, restore } from '../../src/server/moving/backup.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { buildProgram } from '../support/build-program.ts';
import { blobsIn, changeInstance, isServed, makeInstance, recordsIn } from '../support/moved-instance.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { spreadSteps } from './spread-steps.ts';

/** Of each kind. */
const runs = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 6) / 2));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'backing-up.cjs');
let start: readonly string[] = [];
const directory = quickDirectory('kustody-backup-kills-');
const [instance, copy, keyFile] = ['instance', 'copy', 'root.key'].map((name) => join(directory, name)) as [
  string,
  string,
  string,
];
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const now = () => instant(0);
const restored = (from: string, to: string) =>
  restore({
    ...{ from: { dataDirectory: from }, to: { dataDirectory: to }, acceptsRollback: true, now },
    rootKey: parseRootKey(readFileSync(keyFile, 'utf8')),
  });

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'migrating.ts'), program);
  await makeInstance(instance);
  cpSync(join(instance, 'root.key'), keyFile);
  mkdirSync(copy, { mode: 0o700 });
  await backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, now });
});

type What = 'backup' | 'update' | 'restore';

/** From a copy of `base`, in a folder of its own; an update where an earlier backup is. */
function runUntil(what: What, base: string, step: number) {
  const folder = join(directory, `${what}-${step}`);
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  mkdirSync(to, { recursive: true, mode: 0o700 });
  cpSync(base, from, { recursive: true });
  if (what === 'update') cpSync(copy, to, { recursive: true });
  const args = [...start, from, to, String(step), what];
  const { signal, stdout, stderr, status } = spawnSync(process.execPath, args);
  if (signal === null) expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  return { from, to, signal, stdout: stdout.toString(), folder };
}

function stepsOf(what: What, base: string): ReadonlySet<number> {
  const { length: steps } = JSON.parse(runUntil(what, base, 0).stdout) as string[];
  expect(steps).toBeGreaterThan(20);
  return spreadSteps(steps, runs);
}

it(
  `a backup that is killed at a step, ${runs} of them, is none until it is taken again`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    let refused = 0;
    for (const step of stepsOf('backup', instance)) {
      const { from, to, signal, folder } = runUntil('backup', instance, step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      expect({ step, from: await isServed(from), to: await isServed(to) }).toEqual({ step, from: true, to: false });
      const back = join(folder, 'back');
      mkdirSync(back, { mode: 0o700 });
      await restored(to, back).catch(() => (refused += 1));
      await backUp({ from: { dataDirectory: from }, to: { dataDirectory: to }, now });
      rmSync(back, { recursive: true });
      mkdirSync(back, { mode: 0o700 });
      await restored(to, back);
      expect({ step, records: await recordsIn(back) }).toEqual({ step, records: await recordsIn(from) });
      expect(blobsIn(back)).toEqual(blobsIn(from));
      rmSync(folder, { recursive: true });
    }
    expect(refused).toBeGreaterThan(0);
  },
);

it(
  `an update of a backup that is killed at a step, ${runs} of them, leaves the earlier one or has become the next`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const changed = join(directory, 'changed');
    cpSync(instance, changed, { recursive: true });
    await changeInstance(changed);
    const wholeOf = async (at: string) => ({ records: await recordsIn(at), blobs: blobsIn(at) });
    const [earlier, next] = [await wholeOf(instance), await wholeOf(changed)];
    const found = new Set<string>();
    for (const step of stepsOf('update', changed)) {
      const { from, to, signal, folder } = runUntil('update', changed, step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      const back = join(folder, 'back');
      mkdirSync(back, { mode: 0o700 });
      await restored(to, back);
      const whole = await wholeOf(back);
      const isNext = JSON.stringify(whole) === JSON.stringify(next);
      expect({ step, whole }).toEqual({ step, whole: isNext ? next : earlier });
      found.add(isNext ? 'next' : 'earlier');
      await backUp({ from: { dataDirectory: from }, to: { dataDirectory: to }, now });
      rmSync(back, { recursive: true });
      mkdirSync(back, { mode: 0o700 });
      await restored(to, back);
      expect({ step, whole: await wholeOf(back) }).toEqual({ step, whole: next });
      expect(blobsIn(to)).toEqual(next.blobs);
      rmSync(folder, { recursive: true });
    }
    expect([...found].toSorted()).toEqual(['earlier', 'next']);
  },
);

it(
  `a restore that is killed at a step, ${runs} of them, serves nothing until it has come to its end`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    for (const step of stepsOf('restore', copy)) {
      const { from, to, signal, folder } = runUntil('restore', copy, step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      if (!(await isServed(to))) await restored(from, to);
      expect({ step, served: await isServed(to) }).toEqual({ step, served: true });
      expect({ step, records: await recordsIn(to) }).toEqual({ step, records: await recordsIn(instance) });
      expect(blobsIn(to)).toEqual(blobsIn(instance));
      rmSync(folder, { recursive: true });
    }
  },
);
