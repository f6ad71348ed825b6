import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'vitest';
import { parserEntry, parserSnapshots } from '../../src/kql/testing/parser-entry.ts';
import { buildProgram } from '../support/build-program.ts';
import { hangMs } from '../support/hang.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { quickRsaPair } from '../support/quick-rsa-pairs.cjs';
import type { Killed } from './killed-check.ts';
import type { Written } from './watched-store.ts';

/** @returns kills of each kind that are asked for when a test file begins */
export const killsAsked = (): number => Number(process.env['KUSTODY_CRASH_RUNS'] ?? 3);
/** Where processes find their parser. */
const parser = { KILLED_PARSER: parserEntry, KILLED_PARSER_SNAPSHOTS: parserSnapshots };
const started = Date.UTC(2026, 0, 1);
const lateMs = 11 * 60_000;
/** A process that has not ended then waits for something that does not come. */
const stuckMs = hangMs / 2;

interface Run {
  readonly isKilled: boolean;
  readonly milliseconds: number;
  readonly sent: readonly string[];
  readonly done: readonly string[];
  readonly written: readonly Written[];
  /** What each durable step was. */
  readonly kinds: readonly string[];
}

export interface KillFigures {
  /** Durable steps of the whole work. */
  readonly steps: number;
  /** Those of them at which a process was killed. */
  readonly killedAt: ReadonlySet<number>;
  readonly kills: number;
}

/** Which steps and moments: the number that a failed test names. */
const seed = Number(process.env['KUSTODY_SEED'] ?? randomInt(2 ** 31));

/** @returns a whole number from 0 to below `end` */
type Random = (end: number) => number;

function seededRandom(): Random {
  let state = seed >>> 0;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

/** Kills a process that does the work of `scenario` at each of its durable steps, or at some when only some kills are asked for,
 * and at random moments. Each time it begins at the same place, and what is left is checked.
 * @param always kinds of steps at which it is killed however few kills are asked for */
export async function killEverywhere(
  scenario: string,
  wanted = killsAsked(),
  always: readonly string[] = [],
): Promise<KillFigures> {
  const random = seededRandom();
  /** So many at a moment and not at a step: in the middle of what the database does. */
  const timed = Math.max(1, Math.floor(wanted / 10));
  const work = quickDirectory(`kustody-${scenario}-kills-`);
  const place = mkdtempSync(join(import.meta.dirname, '..', '..', 'node_modules', '.killed-')); // native packages are found from there
  const start = buildProgram(join(import.meta.dirname, 'killed-process.ts'), join(place, 'killed.cjs'));
  const checker = new Checker(start);
  try {
    const begin = await prepared(work, start, scenario, checker);
    const whole = await begin(0);
    await whole.check();
    const { kinds, milliseconds } = whole.run;
    const steps = kinds.length;
    const killedAt = new Set<number>();
    let kills = 0;
    /** Of the runs that came to their end. */
    let fewest = steps;
    let checking = Promise.resolve();
    const kill = async (step: number, afterMs?: number): Promise<void> => {
      const ended = await begin(step, afterMs);
      if (ended.run.isKilled) {
        kills += 1;
        if (afterMs === undefined) killedAt.add(step);
      } else fewest = Math.min(fewest, ended.run.kinds.length);
      await checking; // one is checked while the next one works
      checking = ended.check();
      checking.catch(() => undefined); // told above
    };
    const certain = kinds.flatMap((kind, index) => (always.includes(kind) ? [index + 1] : []));
    for (const step of new Set(certain)) await kill(step);
    for (const step of chosen(steps, wanted - timed - kills, random)) await kill(step);
    for (let n = 0; n < timed; n += 1) await kill(0, 1 + random(Math.ceil(milliseconds)));
    // Where several things go on at the same time a run may have ended before its step came: how many there are depends on how long what
    // they wait for takes.
    for (let n = 0; kills < wanted && n < wanted; n += 1) await kill(1 + random(fewest));
    await checking;
    const list = [...new Set(kinds)]
      .map((kind) => `${kinds.filter((one) => one === kind).length} × ${kind}`)
      .join(', ');
    console.log(`${scenario}: ${kills} kills, at ${killedAt.size} of ${steps} steps (${list})`);
    return { steps, killedAt, kills };
  } finally {
    checker.end();
    rmSync(work, { recursive: true, force: true });
    rmSync(place, { recursive: true, force: true });
  }
}

type Begin = (
  killAt: number,
  killAfterMs?: number,
) => Promise<{ readonly run: Run; readonly check: () => Promise<void> }>;

/** Makes the place where every run begins. */
async function prepared(work: string, start: readonly string[], scenario: string, checker: Checker): Promise<Begin> {
  const base = join(work, 'base');
  mkdirSync(base);
  const pems = Array.from({ length: 2 }, () => quickRsaPair().privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(base, 'pairs.json'), JSON.stringify(pems));
  const before = await run([...start, 'prepare', base, scenario, String(started)]);
  expect(before.isKilled).toBe(false);
  let number = 0;
  return async (killAt, killAfterMs) => {
    number += 1;
    const directory = join(work, String(number));
    cpSync(base, directory, { recursive: true });
    const result = await run([...start, 'work', directory, scenario, String(started), String(killAt)], killAfterMs);
    const isLate = number % 2 === 0;
    const check = async (): Promise<void> => {
      const wrong = await checker.check({
        ...{ directory, scenario, isLate, written: result.written, now: started + (isLate ? lateMs : 1000) },
        sent: [...before.sent, ...result.sent],
        done: [...before.done, ...result.done],
      });
      if (wrong.length > 0) throw new Error(failureOf(scenario, { killAt, killAfterMs, isLate }, wrong));
      rmSync(directory, { recursive: true });
    };
    return { run: result, check };
  };
}

/** What is wrong comes first, in one line, since a summary shows only how a message begins; whole stacks come last. */
function failureOf(scenario: string, when: object, wrong: readonly string[]): string {
  const first = wrong.map((one) => one.split('\n', 1)[0]).join('; ');
  const whole = wrong.filter((one) => one.includes('\n'));
  return [first, `${scenario} ${JSON.stringify({ seed, ...when })}`, ...whole].join('\n');
}

/** Every step and then some of them again, or, when so few kills are asked for that most steps would be left out, any of them. */
function chosen(steps: number, count: number, random: Random): number[] {
  const all = count < steps / 2 ? [] : Array.from({ length: steps }, (_value, index) => index + 1);
  const more = Math.max(0, count - all.length);
  return [...all, ...Array.from({ length: more }, () => 1 + random(steps))];
}

async function run(args: readonly string[], killAfterMs?: number): Promise<Run> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { UV_THREADPOOL_SIZE: '8', ...parser },
  });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  const exited = once(child, 'exit');
  const closed = once(child, 'close');
  const stuck = setTimeout(() => child.kill('SIGTERM'), stuckMs);
  const said: Record<'sent' | 'done', string[]> = { sent: [], done: [] };
  const written: Written[] = [];
  let begun = 0;
  let steps = '[]';
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, ...rest] = line.split(' ');
    if (word === 'begun') {
      begun = performance.now();
      if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs);
    } else if (word === 'sent' || word === 'done') said[word].push(rest.join(' '));
    else if (word === 'written') written.push({ generation: Number(rest[0]), mark: rest[1] ?? '' });
    else if (word === 'steps') steps = rest.join(' ');
  }
  await exited;
  clearTimeout(stuck);
  const milliseconds = performance.now() - begun;
  if (child.signalCode !== 'SIGKILL' && child.exitCode !== 0) {
    await closed; // all of what it complained of is here then
    throw new Error(
      `${complaint.trim() || 'It said nothing.'}\nThe process was not killed and failed: ${child.exitCode ?? child.signalCode}, ${JSON.stringify({ seed, args, killAfterMs })}.`,
    );
  }
  const isKilled = child.signalCode === 'SIGKILL';
  // This line is long: who is killed by the clock may have said half of it.
  const kinds = isKilled ? [] : (JSON.parse(steps) as Run['kinds']);
  return { isKilled, milliseconds, ...said, written, kinds };
}

/** A process that checks one directory after the other. */
class Checker {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(start: readonly string[]) {
    const child = spawn(process.execPath, [...start, 'check'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...parser },
    });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async check(killed: Killed): Promise<readonly string[]> {
    this.#child.stdin?.write(`${JSON.stringify(killed)}\n`);
    const next = await this.#lines.next();
    return next.done === true ? ['the process that checks has ended'] : (JSON.parse(next.value) as string[]);
  }

  end(): void {
    this.#child.kill();
  }
}
