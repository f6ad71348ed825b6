import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { instant } from '../../src/clock/clock.ts';
import { migrate } from '../../src/server/moving/migrate.ts';
import { takeBack } from '../../src/server/moving/take-back.ts';
import { buildProgram } from '../support/build-program.ts';
import { blobsIn, changeInstance, isServed, makeInstance, recordsIn } from '../support/moved-instance.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { spreadSteps } from './spread-steps.ts';

const runs = Number(process.env['KUSTODY_CRASH_RUNS'] ?? 6);
const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'migrating.cjs');
let start: readonly string[] = [];
/** From the mark of the source on, and some that lead to it. */
const endSteps = 24;
const directory = quickDirectory('kustody-migrate-kills-');
const base = join(directory, 'base');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'migrating.ts'), program);
  await makeInstance(base);
});

interface Run {
  readonly from: string;
  readonly to: string;
  readonly signal: NodeJS.Signals | null;
  readonly kinds: readonly string[];
}

function runUntil(step: number): Run {
  const [from, to] = [join(directory, `${step}`, 'from'), join(directory, `${step}`, 'to')];
  mkdirSync(to, { recursive: true, mode: 0o700 });
  cpSync(base, from, { recursive: true });
  const { signal, stdout, stderr, status } = spawnSync(process.execPath, [...start, from, to, String(step), 'migrate']);
  if (signal === null) expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  return { from, to, signal, kinds: signal === null ? (JSON.parse(stdout.toString()) as string[]) : [] };
}

it(
  `a move that is killed at a step, ${runs} of them, goes on to its end, and never are both served`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const { length: steps } = runUntil(0).kinds;
    expect(steps).toBeGreaterThan(20);
    // All of the end, where it changes which one is served, and some of what comes before.
    const end = Array.from({ length: Math.min(Math.floor(runs / 2), endSteps) }, (_, at) => steps - at);
    const before = runs - end.length;
    const spread = Array.from({ length: before }, (_, at) => 1 + Math.round((at * (steps - end.length)) / before));
    const chosen = new Set([...spread, ...end]);
    let servedAgain = 0;
    for (const step of chosen) {
      const { from, to, signal } = runUntil(step);
      expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
      const served = { from: await isServed(from), to: await isServed(to) };
      expect({ step, both: served.from && served.to }).toEqual({ step, both: false });
      // Until it says that it was moved, it may be served again.
      if (served.from && (servedAgain += 1) % 2 === 1) await changeInstance(from);
      await migrate({ from: { dataDirectory: from }, to: { dataDirectory: to }, now: () => instant(0) });
      expect({ step, from: await isServed(from), to: await isServed(to) }).toEqual({ step, from: false, to: true });
      expect({ step, records: await recordsIn(to) }).toEqual({ step, records: await recordsIn(from) });
      expect(blobsIn(to)).toEqual(blobsIn(from));
      expect(readFileSync(join(to, 'root.key'), 'utf8')).toBe(readFileSync(join(from, 'root.key'), 'utf8'));
      rmSync(join(directory, `${step}`), { recursive: true });
    }
    expect(servedAgain).toBeGreaterThan(1);
    console.log(
      `moves: ${chosen.size} kills at ${steps} steps, ${servedAgain} times the source could still be served, and was changed every other time`,
    );
  },
);

it(
  `a source that is taken back and killed at a step, ${runs} of them, says that it was moved or is served`,
  { timeout: 240_000 + runs * 5000 },
  async () => {
    const lost = join(directory, 'lost');
    const folder = join(directory, 'taken');
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    mkdirSync(to, { recursive: true, mode: 0o700 });
    cpSync(base, from, { recursive: true });
    const now = () => instant(0);
    await migrate({ from: { dataDirectory: from }, to: { dataDirectory: to }, now });
    rmSync(to, { recursive: true });
    cpSync(from, lost, { recursive: true });
    const runAt = (step: number) => {
      rmSync(from, { recursive: true });
      cpSync(lost, from, { recursive: true });
      const { signal, stdout, stderr } = spawnSync(process.execPath, [...start, from, to, String(step), 'takeBack']);
      return { signal, stdout: stdout.toString(), stderr: stderr.toString() };
    };
    const whole = runAt(0);
    expect(whole).toMatchObject({ signal: null, stderr: '' });
    const { length: steps } = JSON.parse(whole.stdout) as string[];
    expect(steps).toBeGreaterThan(5);
    const chosen = spreadSteps(steps, runs);
    const served: boolean[] = [];
    for (const step of chosen) {
      expect({ step, ...runAt(step) }).toMatchObject({ step, signal: 'SIGKILL' });
      const isBack = await isServed(from);
      served.push(isBack);
      const ends = { from: { dataDirectory: from }, to: { dataDirectory: to }, now };
      if (!isBack) await takeBack({ ...ends, confirm: () => Promise.resolve(true) });
      expect({ step, served: await isServed(from) }).toEqual({ step, served: true });
      expect({ step, records: await recordsIn(from) }).toEqual({ step, records: await recordsIn(base) });
    }
    expect(new Set(served)).toEqual(new Set([false, true]));
  },
);
