import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { StartedCommand } from '../../tests/support/kustody-command.ts';
import { startKustody } from '../../tests/support/kustody-command.ts';
import { commandOf, descendantsOf, isRunning } from '../../tests/support/process-tree.ts';
import type { Book, Victim } from './book.ts';
import type { LiveServer } from './live-server.ts';
import { openLiveServer, RefusedError } from './live-server.ts';
import type { Doing, Lane } from './work.ts';

/** Something is killed within this time after work has begun. */
const killWithinMs = 1_000;
/** The kind of work that a kill is meant for comes up by then, and the kill within so long after it has begun. */
const focusMs = { comes: 1_500, lasts: 80 } as const;
const enoughWithinMs = 120_000;
/** Whoever is refused waits so long. */
const refusedMs = 20;
/** One in so many servers is killed while it starts. */
const startKillEvery = 8;
const orphanMs = 10_000;

/** What a server does before it serves. */
const startKind = 'start';

export interface KillOptions {
  readonly data: string;
  readonly book: Book;
  /** More kills than there were before. */
  readonly count: number;
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments of `up`. */
  readonly args?: readonly string[];
  /** Whom the next kill is for, by how many there were; the server by default. */
  readonly victim?: (kills: number) => Victim;
  /** How the server ends; SIGKILL by default. */
  readonly signal?: (kills: number) => NodeJS.Signals;
  /** Also while they start. */
  readonly killsStarts?: boolean;
  /** Until this is so nothing is killed. */
  readonly isEnough?: () => boolean;
  /** Called when the processes of a server are gone. */
  readonly killed?: (kills: number) => void;
}

/** Starts a server, compares what it has with the book, works until one of its processes is killed and compares again; with another server
 * as soon as one was killed as a whole. Ends with a comparison.
 * @returns what did not hold, after the first kill where something did not */
export async function killRepeatedly(options: KillOptions): Promise<readonly string[]> {
  const { data, book, count, env, args = [], killed } = options;
  const last = book.kills + count;
  let startMs = 1_000;
  for (;;) {
    const server = startKustody(['up', '--data', data, '--log-level', 'silent', ...args], env);
    const started = performance.now();
    if (options.killsStarts === true && book.kills > 0 && book.kills < last && randomInt(startKillEvery) === 0) {
      await pause(randomInt(1, Math.ceil(startMs)));
      await end(server, 'SIGKILL');
      book.hit([startKind], 'server');
      book.kills += 1;
      killed?.(book.kills);
      continue;
    }
    const problems: string[] = [];
    let isOver: boolean;
    try {
      await server.printed('Stop with');
      startMs = performance.now() - started;
      const live = await openLiveServer(data, book.seeded);
      if (book.seeded === undefined) {
        await book.setUp(live);
        book.seeded = live.seeded;
      }
      isOver = await useUntilKilled(live, server, options, last, problems);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      isOver = true;
    }
    if (isOver) server.process.kill('SIGTERM');
    await server.result;
    if (isOver || problems.length > 0) return problems.map((problem) => `after ${book.kills} kills: ${problem}`);
    killed?.(book.kills);
  }
}

/** @returns whether no kill is left: the server runs on */
async function useUntilKilled(
  live: LiveServer,
  server: StartedCommand,
  options: KillOptions,
  last: number,
  problems: string[],
): Promise<boolean> {
  const { book, victim = () => 'server', signal = () => 'SIGKILL' } = options;
  for (;;) {
    problems.push(...(await book.compare(live)));
    if (problems.length > 0 || book.kills === last) return true;
    const next = victim(book.kills);
    const pid = server.process.pid ?? 0;
    const below = descendantsOf(pid);
    const kill = (): void => {
      if (next === 'server') server.process.kill(signal(book.kills));
      else process.kill(processOf(next, pid), 'SIGKILL');
    };
    await workUntil(live, options, next, kill);
    book.kills += 1;
    if (next !== 'server') continue;
    await server.result;
    problems.push(...(await orphans(below)));
    return problems.length > 0;
  }
}

/** Whatever belongs to a server ends with it. */
async function orphans(pids: readonly number[]): Promise<readonly string[]> {
  for (const started = performance.now(); ;) {
    const left = pids
      .filter(isRunning)
      .map(commandOf)
      .filter((command) => command.includes('-process'));
    if (left.length === 0) return [];
    if (performance.now() - started > orphanMs) return left.map((command) => `${command} outlives its server`);
    await pause(5);
  }
}

async function end(server: StartedCommand, signal: NodeJS.Signals): Promise<void> {
  const below = descendantsOf(server.process.pid ?? 0);
  server.process.kill(signal);
  await server.result;
  await orphans(below);
}

/** @throws Error when there is none: to be tried again */
function processOf(victim: Exclude<Victim, 'server'>, serverPid: number): number {
  const script = victim === 'cluster' ? 'cluster-process' : 'kql-process';
  const found = descendantsOf(serverPid).filter((pid) => commandOf(pid).includes(script));
  const chosen = found[randomInt(Math.max(1, found.length))];
  if (chosen === undefined) throw new Error(`there is no process of a ${victim} now`);
  return chosen;
}

async function workUntil(live: LiveServer, options: KillOptions, victim: Victim, kill: () => void): Promise<void> {
  const { book, isEnough = () => true } = options;
  const underWay = new Map<string, number>();
  const doing: Doing = async (kind, act) => {
    underWay.set(kind, (underWay.get(kind) ?? 0) + 1);
    try {
      return await act();
    } finally {
      underWay.set(kind, (underWay.get(kind) ?? 0) - 1);
    }
  };
  const lanes = book.works.flatMap((work) => work.lanes(live, book.ledger(work.noun), doing));
  const kinds = [...new Set(lanes.flatMap((lane) => lane.kinds))];
  const focus = kinds[book.kills % kinds.length] ?? '';
  const chosen =
    options.isEnough === undefined ? lanes.filter((lane) => lane.kinds.includes(focus) || randomInt(2) === 0) : lanes;
  const shift: Shift = { isOver: false, turn: Promise.resolve() };
  const ended = chosen.map((lane) => workOn(lane, book, shift));
  await pause(randomInt(1, killWithinMs));
  await until(isEnough, enoughWithinMs);
  const isUnderWay = (): boolean => (underWay.get(focus) ?? 0) > 0;
  if (options.isEnough === undefined && !isUnderWay()) {
    await until(isUnderWay, focusMs.comes);
    await pause(randomInt(0, focusMs.lasts));
  }
  const hit = await killNow(kill, () => [...underWay].flatMap(([kind, count]) => (count > 0 ? [kind] : [])));
  shift.isOver = true;
  book.hit(hit, victim);
  await Promise.all(ended);
}

/** @returns what was under way */
async function killNow(kill: () => void, underWay: () => readonly string[]): Promise<readonly string[]> {
  for (const started = performance.now(); ;) {
    const hit = underWay();
    try {
      kill();
      return hit;
    } catch (error) {
      if (performance.now() - started > enoughWithinMs) throw error;
    }
    await pause(5);
  }
}

/** Until it is over. */
interface Shift {
  isOver: boolean;
  /** Ends when nobody changes the resource of the cluster. */
  turn: Promise<void>;
}

async function workOn(lane: Lane, book: Book, shift: Shift): Promise<void> {
  const once = async (): Promise<void> => {
    try {
      if (!shift.isOver) await lane.once(book.next());
    } catch (error) {
      // The server is gone, its cluster is, or something else comes first: this was not acknowledged.
      if (!(error instanceof Error)) throw error;
      await pause(error instanceof RefusedError ? refusedMs : 2 * refusedMs);
    }
  };
  while (!shift.isOver) {
    if (lane.changesCluster === true) await (shift.turn = shift.turn.then(once));
    else await once();
    await pause(0); // one that had nothing to do leaves the others their turn
  }
}

async function until(holds: () => boolean, mostMs: number): Promise<void> {
  for (const started = performance.now(); !holds() && performance.now() - started < mostMs;) await pause(2);
}
