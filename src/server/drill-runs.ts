import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { endsWithUs } from '../base/ends-with-us.ts';
import type { MonotonicClock } from '../clock/monotonic-clock.ts';
import type { DrillCell, DrillCellOutcome, DrillEvent, DrillRun, DrillRunRow, WayName } from './drill-matrix.ts';
import { wayRows } from './drill-matrix.ts';

/** One at a time. */
export interface DrillRuns {
  readonly read: () => DrillRun;
  readonly cell: (way: string, cell: string) => DrillCell | undefined;
  /** @returns false while one is under way */
  readonly start: (ways: readonly WayName[]) => boolean;
  /** The run ends soon, and takes away what it made. */
  readonly cancel: () => void;
  readonly close: () => Promise<void>;
}

export const allWays = Object.keys(wayRows) as readonly WayName[];

/** Until a process that was told to end has taken its instance away. */
const endMs = 20_000;
const problemCharsMax = 2_000;

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  readonly ways: readonly WayName[];
  readonly states: Map<WayName, DrillRunRow['state']>;
  readonly problems: Map<WayName, readonly string[]>;
  /** By way and cell. */
  readonly cells: Map<string, DrillCell>;
  state: DrillRun['state'];
  ok?: boolean;
  message?: string;
}

/** Drills run as `kustody drill` in a process of their own: an instance beside this one, with its own clusters and its own clock, which is gone
 * when they end. @param program the built command line */
export function createDrillRuns(program: string, monotonic: Pick<MonotonicClock, 'after'>): DrillRuns {
  let last: Run | undefined;
  let count = 0;
  const isUnderWay = (): boolean => last?.state === 'running' || last?.state === 'cancelling';
  const end = (run: Run): void => {
    run.child.kill('SIGTERM');
    const stop = monotonic.after(endMs, () => void run.child.kill('SIGKILL'));
    void run.ended.then(stop);
  };
  return {
    read: () => (last === undefined ? { state: 'none', run: 0, rows: [] } : shownRun(last, count)),
    cell: (way, cell) => last?.cells.get(`${way} ${cell}`),
    start: (ways) => {
      if (isUnderWay()) return false;
      count += 1;
      last = begin(program, ways);
      return true;
    },
    cancel: () => {
      if (last?.state !== 'running') return;
      last.state = 'cancelling';
      end(last);
    },
    close: async () => {
      if (last === undefined || !isUnderWay()) return;
      last.state = 'cancelling';
      end(last);
      await last.ended;
    },
  };
}

function begin(program: string, ways: readonly WayName[]): Run {
  const child = spawn(process.execPath, [program, 'drill', '--events', '--only', ...ways], {
    // Nothing of our environment: it may carry the root key, client secrets or a proxy.
    env: { UV_THREADPOOL_SIZE: '16', TMPDIR: tmpdir() },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  endsWithUs(child);
  let told = '';
  const run: Run = {
    ...{ child, ways, states: new Map(), problems: new Map(), cells: new Map(), state: 'running' },
    ended: new Promise((resolve) => {
      const ended = (message: string): void => {
        if (run.state === 'cancelling') run.state = 'cancelled';
        if (run.state === 'running') Object.assign(run, { state: 'failed', message });
        resolve();
      };
      child.once('error', (error) => ended(error.message)); // it could not be started
      child.once('close', () => ended(/^kustody: (.*)/m.exec(told)?.[1] ?? 'The drill ended without a word.'));
    }),
  };
  child.stderr.on('data', (piece: Buffer) => (told = (told + piece.toString('utf8')).slice(-problemCharsMax)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event = eventOf(line);
    if (event !== undefined) take(run, event);
  });
  return run;
}

/** Of a process that was killed, the last line may end anywhere. */
function eventOf(line: string): DrillEvent | undefined {
  try {
    return JSON.parse(line) as DrillEvent;
  } catch {
    return undefined;
  }
}

function take(run: Run, event: DrillEvent): void {
  switch (event.event) {
    case 'began':
      run.states.set(event.way, 'underWay');
      break;
    case 'cell':
      run.cells.set(`${event.way} ${event.cell}`, cellOf(event));
      break;
    case 'ended':
      run.states.set(event.way, 'ended');
      run.problems.set(event.way, event.problems);
      break;
    case 'over':
      if (run.state === 'running') run.state = 'over';
      run.ok = event.ok;
  }
}

function shownRun({ state, ok, message, ways, states, problems, cells }: Run, run: number): DrillRun {
  return {
    ...{ state, run },
    ...(ok === undefined ? {} : { ok }),
    ...(message === undefined ? {} : { message }),
    rows: ways.map((way) => ({
      ...{ way, title: wayRows[way].title, state: states.get(way) ?? 'waiting', problems: problems.get(way) ?? [] },
      cells: Object.fromEntries(
        [...cells.values()].filter((one) => one.way === way).map((one) => [one.cell, outcomeOf(one)]),
      ),
    })),
  };
}

/** Without what tells it from other events. */
const cellOf = (event: DrillCell): DrillCell =>
  Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'event')) as unknown as DrillCell;

const outcomeMembers: ReadonlySet<string> = new Set(['kind', 'error', 'status', 'message', 'seconds']);

const outcomeOf = (cell: DrillCell): DrillCellOutcome =>
  Object.fromEntries(Object.entries(cell).filter(([name]) => outcomeMembers.has(name)));
