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
  /** Milliseconds that it is ahead of the wall clock: a virtual one that was moved, or a wall clock that was set back. */
  readonly aheadMs: number;
  /** Steps of the machine's clock that nobody has accepted: nothing is destroyed meanwhile. */
  readonly heldJump?: { readonly from: Instant; readonly to: Instant };
  /** Milliseconds that the machine's clock has gone further than real time since it was last accepted. */
  readonly unaccountedMs: number;
}

export interface Clocks {
  /** The Kustody clock. */
  readonly clock: Clock;
  /** For tokens and what clients compare with their own clock. */
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
  readonly ofDatabase: ComparedClock;
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
  const time = new ForwardTime(host);
  const watched: HostTime = {
    now: () => host.now(),
    monotonic: () => host.monotonic(),
    boot: host.boot,
    startTimer: (milliseconds, run) =>
      host.startTimer(milliseconds, () => {
        guard.look();
        run();
      }),
  };
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
    machineNow: () => host.now(),
    monotonic,
    virtual,
    destructionHeld: () => {
      guard.look();
      return guard.record.held !== undefined || time.aheadMs() > jumpMsMax || ofDatabase.differs;
    },
    ofDatabase,
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
        aheadMs: virtual === undefined ? time.aheadMs() : Math.round(clock.now() - host.now()),
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

async function openVirtualClock(options: {
  readonly state: State;
  readonly host: HostTime;
  readonly time: ForwardTime;
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
