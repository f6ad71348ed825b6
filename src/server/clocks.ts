import { ClockGuard } from '../clock/clock-guard.ts';
import { ComparedClock } from '../clock/compared-clock.ts';
import type { Clock, Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import { ForwardTime } from '../clock/forward-time.ts';
import type { HostTime } from '../clock/host-time.ts';
import { jumpMsMax } from '../clock/jump-guard.ts';
import type { WallRecord } from '../clock/jump-guard.ts';
import { HostMonotonicClock, parseMoment } from '../clock/monotonic-clock.ts';
import type { MonotonicClock } from '../clock/monotonic-clock.ts';
import { SharedTime } from '../clock/shared-time.ts';
import { SystemClock } from '../clock/system-clock.ts';
import type { ClockSettings } from '../clock/virtual-clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { LogFields } from '../http/logging.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

export const virtualTable: Table<ClockSettings> = {
  name: 'clock',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['offset'] === 'number', 'clock settings have an offset');
    const frozenAt = value['frozenAt'];
    return { offset: value['offset'], ...(typeof frozenAt === 'number' ? { frozenAt } : {}) };
  },
};

/** Records of earlier versions have neither `seenAt` nor `unaccounted`. */
export const wallTable: Table<WallRecord> = {
  name: 'wall-clock',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['lastSeen'] === 'number', 'a wall clock record says what was seen');
    const { lastSeen, unaccounted, held } = value;
    const seenAt = parseMoment(value['seenAt']);
    return {
      lastSeen,
      unaccounted: typeof unaccounted === 'number' ? unaccounted : 0,
      ...(seenAt === undefined ? {} : { seenAt }),
      ...(isJsonObject(held) && typeof held['from'] === 'number' && typeof held['to'] === 'number'
        ? { held: { from: held['from'], to: held['to'] } }
        : {}),
    };
  },
};

/** The clock of a data directory, as `kustody clock` shows it. */
export interface ClockReading {
  readonly now: Instant;
  readonly virtual: boolean;
  readonly frozen: boolean;
  /** Milliseconds that it is ahead of the wall clock: a virtual one that was moved, or a wall clock that was set back. With a database, ahead of
   * that one's. */
  readonly aheadMs: number;
  /** Milliseconds by which the database's clock may differ from what is taken for it. */
  readonly databaseErrorMs?: number;
  /** Steps of the machine's clock that nobody has accepted: nothing is destroyed meanwhile. */
  readonly heldJump?: { readonly from: Instant; readonly to: Instant };
  /** Milliseconds that the machine's clock has gone further than real time since it was last accepted. */
  readonly unaccountedMs: number;
}

export interface Clocks {
  /** The Kustody clock. */
  readonly clock: Clock;
  /** For tokens and what clients compare with their own clock. With a database, that one's. */
  readonly wallClock: Clock;
  /** The machine's clock as it is, which may be set back: for what is compared with times of others. Milliseconds since 1970. */
  readonly machineNow: () => number;
  /** For every interval that protects or paces something. */
  readonly monotonic: MonotonicClock;
  /** Only on a data directory made for it. */
  readonly virtual: VirtualClock | undefined;
  /** The machine's clock is doubtful: nothing may be purged, expired or pruned. Asked anew before each destruction. */
  destructionHeld(): boolean;
  /** The machine's clock against that of the database which the state is shared by; one that differs is doubtful, and the node is not ready. */
  readonly ofDatabase: Pick<ComparedClock, 'differs'>;
  /** Holds the machine's clock against the database's, which all clocks here follow. @param ask what it says; default: as when it was opened */
  readonly compare: (ask?: () => Promise<number>) => Promise<void>;
  /** Called when the machine's clock has stepped, in either direction, or the machine has slept. @returns unsubscribe */
  onStep(listener: () => void): () => void;
  read(): ClockReading;
  /** The user says that the machine's clock is right. @throws ClockAheadError */
  accept(): Promise<void>;
  close(): Promise<void>;
}

/** A clock that never goes back is still where a wrong clock had led it: what is due there is not due. */
export class ClockAheadError extends Error {
  override readonly name = 'ClockAheadError';
  constructor(aheadMs: number) {
    super(
      `Kustody's clock is ${Math.round(aheadMs / 3_600_000)} h ahead of the machine's, which was set back: it does not go back while Kustody runs. Restart Kustody, then accept.`,
    );
  }
}

const seenEveryMs = 60 * 60 * 1000;
/** A step is noticed at the next timer of any clock, and at the latest after this. */
const watchEveryMs = 1_000;

export interface ClockLog {
  warning(name: string, fields?: LogFields): void;
}

/** Opens the clocks of a data directory and notes that it was started now. */
export async function openClocks(options: {
  readonly state: State;
  /** A data directory that nobody has used yet; any other remembers the machine's clock. */
  readonly isNew: boolean;
  readonly virtualTime: boolean;
  readonly host: HostTime;
  /** What the clock of the database says that the state is shared by, in milliseconds since 1970: the Kustody clock then goes by that one. */
  readonly askDatabase?: (() => Promise<number>) | undefined;
  readonly log: ClockLog;
  readonly onError: (error: unknown) => void;
}): Promise<Clocks> {
  const { state, isNew, host, onError, log } = options;
  const listeners = new Set<() => void>();
  const stepped = (): void => {
    for (const one of [wallClock, monotonic, virtual]) one?.wake();
    for (const listener of listeners) listener();
  };
  const guard = new ClockGuard({
    host,
    // Where nothing is known of the time before, nothing is destroyed until somebody has looked.
    record: (await state.get(wallTable, 'wall'))?.value ?? (isNew ? undefined : { lastSeen: 0, unaccounted: 0 }),
    onStep: (stepMs) => {
      log.warning('clock-stepped', { byMs: Math.round(stepMs) });
      stepped();
      keep().catch(onError);
    },
    onHeld: ({ from, to }) => {
      log.warning('destruction-held', {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        until: 'kustody clock accept',
      });
    },
    onLate: stepped,
  });
  const keep = keeper(state, () => guard.record);
  const ofDatabase = new ComparedClock((byMs) =>
    log.warning(ofDatabase.differs ? 'clock-differs-from-database' : 'clock-agrees-with-database', {
      byMs: Math.round(byMs),
    }),
  );
  await keep();
  const shared = await openSharedTime(host, options.askDatabase);
  const compare = async (ask = options.askDatabase): Promise<void> => {
    if (ask === undefined) return;
    const [asked, askedAt] = [host.now(), host.monotonic()];
    const other = await ask();
    const answeredAt = host.monotonic();
    ofDatabase.saw(other, asked, host.now());
    shared?.saw(other, askedAt, answeredAt);
  };
  // Seen by all clocks of the instance; the guard, and what is compared, have the machine's own.
  const sharedNow = (): number => shared?.now() ?? host.now();
  const watched: HostTime = {
    now: sharedNow,
    monotonic: () => host.monotonic(),
    boot: host.boot,
    startTimer: (milliseconds, run) =>
      host.startTimer(milliseconds, () => {
        guard.look();
        run();
      }),
  };
  const time = shared ?? new ForwardTime(host);
  const parts = { host: watched, time, onError };
  const wallClock = new SystemClock(parts);
  const monotonic = new HostMonotonicClock(parts);
  const virtual = options.virtualTime ? await openVirtualClock({ ...parts, state }) : undefined;
  monotonic.every(watchEveryMs, () => void time.now());
  monotonic.every(seenEveryMs, () => keep());
  const clock = virtual ?? wallClock;
  return {
    clock,
    wallClock,
    monotonic,
    virtual,
    destructionHeld: () => {
      guard.look();
      return guard.record.held !== undefined || time.aheadMs() > jumpMsMax || ofDatabase.differs;
    },
    ...{ ofDatabase, compare, machineNow: () => host.now() },
    onStep: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    read: () => {
      guard.look();
      const { held, unaccounted } = guard.record;
      return {
        now: clock.now(),
        virtual: virtual !== undefined,
        frozen: virtual?.settings().frozenAt !== undefined,
        aheadMs: virtual === undefined ? time.aheadMs() : Math.round(clock.now() - sharedNow()),
        ...(shared === undefined ? {} : { databaseErrorMs: shared.errorMs() }),
        unaccountedMs: Math.round(unaccounted),
        ...(held === undefined ? {} : { heldJump: { from: instant(held.from), to: instant(held.to) } }),
      };
    },
    accept: async () => {
      guard.look();
      if (time.aheadMs() > jumpMsMax) throw new ClockAheadError(time.aheadMs());
      const accepted = guard.accepted();
      await keep(accepted);
      guard.adopt(accepted);
    },
    close: async () => {
      guard.look();
      for (const one of [wallClock, monotonic, virtual]) one?.close();
      await keep();
    },
  };
}

/** Answers take longer at first than they do later. */
const firstAnswers = 3;

async function openSharedTime(host: HostTime, ask?: () => Promise<number>): Promise<SharedTime | undefined> {
  let shared: SharedTime | undefined;
  for (let answers = 0; ask !== undefined && answers < firstAnswers; answers += 1) {
    const asked = host.monotonic();
    const other = await ask();
    const answered = host.monotonic();
    if (shared === undefined) shared = new SharedTime(host, other, asked, answered);
    else shared.saw(other, asked, answered);
  }
  return shared;
}

async function openVirtualClock(options: {
  readonly state: State;
  readonly host: HostTime;
  readonly time: Pick<ForwardTime, 'now'>;
  readonly onError: (error: unknown) => void;
}): Promise<VirtualClock> {
  const { state, ...parts } = options;
  const saved = await state.get(virtualTable, 'virtual');
  let version = saved?.version ?? null;
  return new VirtualClock({
    ...parts,
    ...(saved === undefined ? {} : { settings: saved.value }),
    save: async (settings) => {
      await state.commit({ write: [writeRecord(virtualTable, 'virtual', version, settings)] });
      version = (await state.get(virtualTable, 'virtual'))?.version ?? null;
    },
  });
}

/** @returns keeps a record, or the one that there is when its turn comes; one at a time */
function keeper(state: State, current: () => WallRecord): (record?: WallRecord) => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return (record) => {
    const write = async (): Promise<void> => {
      const found = await state.get(wallTable, 'wall');
      await state.commit({ write: [writeRecord(wallTable, 'wall', found?.version ?? null, record ?? current())] });
    };
    return (last = last.catch(() => undefined).then(write));
  };
}
