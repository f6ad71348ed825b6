import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { instant } from '../../src/clock/clock.ts';
import { rotateStopped } from '../../src/server/moving/rotate-stopped.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import { buildProgram } from '../support/build-program.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import {
  copyInstance,
  keyOf,
  makeRotated,
  newKey,
  oldKey,
  openedWith,
  rootKeyFiles,
  sealedUnder,
} from '../support/rotated-instance.ts';
import { spreadSteps } from './spread-steps.ts';

const clock = () => instant(0);
/** Of each kind. */
const runs = Math.max(4, Number(process.env['KUSTODY_CRASH_RUNS'] ?? 8));
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'rotating.cjs');
let start: readonly string[] = [];
const directory = quickDirectory('kustody-root-key-kills-');
const [beside, elsewhere] = [join(directory, 'beside'), join(directory, 'elsewhere')];
let before: Readonly<Record<string, Json>> = {};
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'rotating.ts'), program);
  for (const at of [beside, elsewhere]) mkdirSync(at, { mode: 0o700 });
  await makeRotated(beside);
  await makeRotated(elsewhere, oldKey);
});

/** From a copy of `base`. */
function killedAt(base: string, step: number, ...keys: readonly string[]) {
  const at = join(directory, `step-${step}`);
  copyInstance(base, at);
  const { signal, stdout, stderr } = spawnSync(process.execPath, [...start, at, String(step), ...keys]);
  if (signal === null) expect(stderr.toString()).toBe('');
  return { at, signal, stdout: stdout.toString() };
}

/** All of the last ones, where files take each other's place, and some of those before.
 * @returns chosen steps, and how many there are */
function stepsOf(base: string, last: number, ...keys: readonly string[]): ReadonlySet<number> {
  const { at, stdout } = killedAt(base, 0, ...keys);
  rmSync(at, { recursive: true });
  const { length: steps } = JSON.parse(stdout) as string[];
  expect(steps).toBeGreaterThan(300);
  return new Set([...spreadSteps(steps - last, runs), ...Array.from({ length: last }, (_, back) => steps - back)]);
}

it(
  `a root key beside the data whose rotation is killed at a step, ${runs} of them and the last ones, opens the state with what lies there`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    before = await openedWith(beside);
    const old = readFileSync(join(beside, 'root.key'), 'utf8').trim();
    const found = new Set<string>();
    for (const step of stepsOf(beside, 6)) {
      const { at, signal } = killedAt(beside, step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      expect([step, await openedWith(at)]).toEqual([step, before]);
      const files = rootKeyFiles(at);
      found.add(Object.keys(files).join());
      // What a start has found is in its place: no file of an old key is left once nothing needs it.
      expect([step, files['root.key.old'] === undefined || files['root.key.next'] !== undefined]).toEqual([step, true]);
      await rotateStopped({ from: { dataDirectory: at }, now: clock });
      const { 'root.key': now = '', ...others } = rootKeyFiles(at);
      expect([step, others, now === old]).toEqual([step, {}, false]);
      expect([step, await sealedUnder(at, parseRootKey(old))]).toEqual([step, []]);
      expect([step, await openedWith(at)]).toEqual([step, before]);
      rmSync(at, { recursive: true });
    }
    expect([...found]).toEqual(expect.arrayContaining(['root.key', 'root.key,root.key.next']));
  },
);

it(
  `root keys that are kept elsewhere and whose rotation is killed at a step, ${runs} of them, open the state together`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const both = () => ({ rootKey: keyOf(newKey), oldRootKey: keyOf(oldKey) });
    before = await openedWith(elsewhere, both());
    const refusal = (at: string, rootKey: string): Promise<string> =>
      openedWith(at, { rootKey: keyOf(rootKey) }).then(
        () => 'opens',
        (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
      );
    const found = new Set<string>();
    for (const step of stepsOf(elsewhere, 2, newKey, oldKey)) {
      const { at, signal } = killedAt(elsewhere, step, newKey, oldKey);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      expect([step, await openedWith(at, both())]).toEqual([step, before]);
      const alone = [await refusal(at, oldKey), await refusal(at, newKey)].join();
      found.add(alone);
      // Never is there a state that both open alone, nor one that is mixed and opens to one of them.
      const isMixed =
        (await sealedUnder(at, keyOf(oldKey))).length > 1 && (await sealedUnder(at, keyOf(newKey))).length > 1;
      if (isMixed) expect([step, alone]).toEqual([step, 'WrongRootKeyError,ResealingError']);
      await rotateStopped({ from: { dataDirectory: at }, ...both(), now: clock });
      expect([step, await sealedUnder(at, keyOf(oldKey))]).toEqual([step, []]);
      expect([step, await openedWith(at, { rootKey: keyOf(newKey) })]).toEqual([step, before]);
      rmSync(at, { recursive: true });
    }
    expect([...found]).toEqual(expect.arrayContaining(['opens,WrongRootKeyError', 'WrongRootKeyError,ResealingError']));
    expect([...found]).not.toContain('opens,opens');
  },
);
