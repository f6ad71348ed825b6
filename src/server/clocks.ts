import type { Clock, Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import type { HostTime } from '../clock/host-time.ts';
import { acceptJump, purgesAreHeld, recordSeen, recordStart } from '../clock/jump-guard.ts';
import type { WallRecord } from '../clock/jump-guard.ts';
import { SystemClock } from '../clock/system-clock.ts';
import type { ClockSettings } from '../clock/virtual-clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

const virtualTable: Table<ClockSettings> = {
  name: 'clock',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['offset'] === 'number', 'clock settings have an offset');
    const frozenAt = value['frozenAt'];
    return { offset: value['offset'], ...(typeof frozenAt === 'number' ? { frozenAt } : {}) };
  },
};

const wallTable: Table<WallRecord> = {
  name: 'wall-clock',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['lastSeen'] === 'number', 'a wall clock record says what was seen');
    const held = value['held'];
    const jump =
      isJsonObject(held) && typeof held['from'] === 'number' && typeof held['to'] === 'number'
        ? { held: { from: held['from'], to: held['to'] } }
        : {};
    return { lastSeen: value['lastSeen'], ...jump };
  },
};

/** The clock of a data directory, as `kustody clock` shows it. */
export interface ClockReading {
  readonly now: Instant;
  readonly virtual: boolean;
  readonly frozen: boolean;
  /** Milliseconds that it is ahead of the wall clock. */
  readonly aheadMs: number;
  /** The jump of the machine's clock that nobody has accepted: nothing is purged meanwhile. */
  readonly heldJump?: { readonly from: Instant; readonly to: Instant };
}

export interface Clocks {
  readonly clock: Clock;
  readonly wallClock: Clock;
  /** Only on a data directory made for it. */
  readonly virtual: VirtualClock | undefined;
  purgesHeld(): boolean;
  read(): ClockReading;
  /** The user says that the machine's clock is right. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

const seenEveryMs = 60 * 60 * 1000;

/** Opens both clocks of a data directory and notes that it was started now. */
export async function openClocks(options: {
  readonly state: State;
  readonly virtualTime: boolean;
  readonly host: HostTime;
  readonly onError: (error: unknown) => void;
}): Promise<Clocks> {
  const { state, host, onError } = options;
  const wallClock = new SystemClock({ host, onError });
  const virtual = options.virtualTime ? await openVirtualClock(options) : undefined;
  let wall = await updateWall(state, (record) => recordStart(record, wallClock.now()));
  const seen = async (): Promise<void> => {
    wall = await updateWall(state, (record) => recordSeen(record ?? wall, wallClock.now()));
  };
  const stopNoting = wallClock.every(seenEveryMs, seen);
  const clock = virtual ?? wallClock;
  return {
    clock,
    wallClock,
    virtual,
    purgesHeld: () => purgesAreHeld(wall),
    read: () => ({
      now: clock.now(),
      virtual: virtual !== undefined,
      frozen: virtual?.settings().frozenAt !== undefined,
      aheadMs: virtual === undefined ? 0 : Math.round(clock.now() - wallClock.now()),
      ...(wall.held === undefined ? {} : { heldJump: { from: instant(wall.held.from), to: instant(wall.held.to) } }),
    }),
    accept: async () => {
      wall = await updateWall(state, () => acceptJump(wallClock.now()));
    },
    close: async () => {
      stopNoting();
      await seen();
      virtual?.close();
      wallClock.close();
    },
  };
}

async function openVirtualClock(options: {
  readonly state: State;
  readonly host: HostTime;
  readonly onError: (error: unknown) => void;
}): Promise<VirtualClock> {
  const { state, host, onError } = options;
  const saved = await state.get(virtualTable, 'virtual');
  let version = saved?.version ?? null;
  return new VirtualClock({
    host,
    onError,
    ...(saved === undefined ? {} : { settings: saved.value }),
    save: async (settings) => {
      await state.commit({ write: [writeRecord(virtualTable, 'virtual', version, settings)] });
      version = (await state.get(virtualTable, 'virtual'))?.version ?? null;
    },
  });
}

async function updateWall(state: State, change: (record: WallRecord | undefined) => WallRecord): Promise<WallRecord> {
  const found = await state.get(wallTable, 'wall');
  const next = change(found?.value);
  await state.commit({ write: [writeRecord(wallTable, 'wall', found?.version ?? null, next)] });
  return next;
}
