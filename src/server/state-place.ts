import { hostname } from 'node:os';
import { newGuid } from '../base/new-guid.ts';
import type { RootKey } from '../state/root-key.ts';
import { RootKeyError } from '../state/root-key.ts';
import { isSealed } from '../state/sealed/check-record.ts';
import type { RegisteredNode, StateFormat, StoredFormat } from '../state/formats/state-formats.ts';
import { newestOf, oldestOf, stateFormats } from '../state/formats/state-formats.ts';
import type { StartTimer } from '../http/timer.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import { nameOf } from '../state/postgres/postgres-address.ts';
import type { PostgresStateStore } from '../state/postgres/postgres-state-store.ts';
import type { AdvertisedNode, ReadRecord, TurnOptions } from '../state/postgres/take-over.ts';
import type { RecordWrite, StateStore } from '../state/state-store.ts';
import type { ReserveOptions } from '../state/sqlite/sqlite-state-store.ts';
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { KeyPlace } from './wrapped-root-key.ts';
import { findWrapped, inVaultOnly, wrapperOf } from './wrapped-root-key.ts';
import { StandbyEndedError } from './standby-ended.ts';
import { markTable, requireServed } from './move-marks.ts';
import { version } from './version.ts';

/** A state that is kept in PostgreSQL instead of in the data directory. */
export interface StatePlace {
  readonly address: PostgresAddress;
  /** Asked when the server wants one. */
  readonly password: () => string;
  /** Waits as long as another Kustody serves the state, then serves it. */
  readonly standsBy?: boolean;
}

/** A node that stands by. */
export interface WaitingNode {
  /** Of its data directory. */
  readonly id: string;
  readonly read: ReadRecord;
}

/** What a server wants of a state that others may take over; a command that only looks at it wants nothing. */
export interface ServingPorts {
  readonly monotonicMs: () => number;
  /** There is something to wait for. @param host of the node that serves, or served last */
  readonly waits: (host: string | undefined) => void;
  /** What the node has told of itself that is waited for, and what this one is known by; called every second. */
  readonly looked?: (served: AdvertisedNode | undefined, self: WaitingNode) => void;
  /** What the root keys of this node are known by in the state. */
  readonly rootKeys?: TurnOptions['rootKeys'];
  /** What keeps this node from serving now. */
  readonly hindered?: TurnOptions['hindered'];
  /** Rejects with StandbyEndedError when nobody wants to wait any more. */
  readonly pause?: (milliseconds: number) => Promise<void>;
  /** Rejects with it as soon as that is so. */
  readonly ended?: Promise<never>;
  /** All extents lie where every node reaches them. */
  readonly hasBlobsElsewhere: boolean;
}

/** The data directory and the state do not belong together. */
export class StatePlaceError extends Error {
  override readonly name = 'StatePlaceError';
}

export interface OpenedStore {
  readonly store: StateStore;
  readonly format: StoredFormat;
  /** Resolves when the store is lost, and the server has to end. */
  readonly lost?: Promise<Error>;
  /** Asks where the state is kept, whatever is known here. @throws when it does not answer, or takes no writes */
  check(): Promise<void>;
  /** Of a state that is elsewhere: what a failover would lose. @throws when it does not answer */
  readonly failover?: () => Promise<string>;
  /** Of a state that is elsewhere: what the clock there says, in milliseconds since 1970. @throws StateLostError */
  readonly databaseNow?: () => Promise<number>;
  /** Tells other nodes that this one serves; absent where there can be none. @throws StateLostError */
  readonly beat?: () => Promise<number>;
  /** What this node is known by; absent where there can be no other. */
  readonly nodeId?: string;
  /** Those that live and do not say that they have all of these root keys, as the state knows them; absent where there can be none. */
  readonly nodesWithout?: (keys: readonly string[]) => Promise<readonly RegisteredNode[]>;
  /** Tells them where this one is reached, once its heart beats. @param text undefined: nowhere any more @throws StateLostError */
  readonly advertise?: (text: string | undefined) => Promise<void>;
  /** Of a directory that is new to a state with its extents elsewhere: it belongs to that state from now on. */
  readonly adopt?: () => Promise<void>;
  close(): Promise<void>;
}

/** What the control API and `status` say of a state that is not in the data directory. */
export interface StateShown {
  readonly address: string;
  readonly keeps: string;
  /** Whether a standby that takes over has what was acknowledged; asked each time. */
  readonly failover: string;
}

/** Whoever asks is a person. */
const askedMsMax = 2_000;

export async function stateShown(
  place: StatePlace | undefined,
  failover: OpenedStore['failover'],
  startTimer: StartTimer,
): Promise<StateShown | undefined> {
  if (place === undefined || failover === undefined) return undefined;
  return {
    address: nameOf(place.address),
    keeps:
      "PostgreSQL keeps sealed records that were replaced or deleted: in its write-ahead log, on standbys, in backups, and until it writes over them. They open with the root key of then: 'kustody root-key rotate' leaves them behind.",
    failover: await inTime(failover(), startTimer),
  };
}

function inTime(asked: Promise<string>, startTimer: StartTimer): Promise<string> {
  return new Promise((resolve) => {
    const silent = (): void => resolve('It does not answer: whether failover is synchronous is not known.');
    const cancel = startTimer(askedMsMax, silent);
    asked.then(resolve, silent).finally(cancel);
  });
}

export const keptElsewhere =
  'A state in PostgreSQL is sealed under a root key that is kept elsewhere. Give it in KUSTODY_ROOT_KEY, by --root-key-fd or by --root-key-vault.';

/** Which key in a vault has wrapped it is what the state itself says. */
async function withoutRootKey(at: KeyPlace & { readonly statePlace: StatePlace }): Promise<RootKeyError> {
  // Whoever has none hears that first, whatever else is wrong.
  const record = await findWrapped(at).then(
    (found) => found.record,
    () => undefined,
  );
  return new RootKeyError(
    record === undefined ? keptElsewhere : inVaultOnly(nameOf(at.statePlace.address), wrapperOf(record)),
  );
}

/** In the state file of a data directory whose state is elsewhere: its only record, not sealed. */
const markId = 'postgres';
/** Beside it: what the node is known by. */
const nodeMarkId = 'node';

type MayOpen = (store: StateStore, name: string) => Promise<void>;

/** A data directory that is locked, whose state is elsewhere. */
interface NamingDirectory {
  readonly directory: StateStore;
  /** Which state it names. */
  readonly known: string | undefined;
  readonly dataDirectory: string;
  readonly mayOpen: MayOpen;
  readonly formats: readonly StateFormat[];
  readonly isCopy: boolean | undefined;
}

/** Only who has the file has a part in it. */
const ofDirectory = (
  store: Pick<SqliteStateStore, 'written' | 'raise'>,
  formats: readonly StateFormat[],
): StoredFormat => ({
  formats,
  get written() {
    return store.written;
  },
  raise: (step) => store.raise(step),
  nodes: () =>
    Promise.resolve([
      {
        ...{ host: hostname(), version, oldest: oldestOf(formats), newest: newestOf(formats) },
        ...{ serves: true, silentMs: 0 },
      },
    ]),
});

/** Opens and locks the data directory, and the state where it is kept. A data directory (extents, certificates, log) and a state in PostgreSQL
 * belong to each other from the first start on: the directory's state file then holds nothing but the id of that state.
 * @param mayOpen of a store that holds the state: whether it may be opened; default: it is not being moved, nor was it
 * @throws StateLockedError, StateFormatError, StateInUseError, StateDatabaseError, StateFormatTooNewError, StateFormatTooOldError,
 * StatePlaceError, RootKeyError, StateMovedError */
export async function openStore(
  settings: {
    readonly dataDirectory: string;
    readonly statePlace?: StatePlace;
    readonly rootKey?: RootKey;
    /** Known formats of states; default: those of this version. */
    readonly stateFormats?: readonly StateFormat[];
    /** What is new takes on the format of what is copied into it. */
    readonly isCopy?: boolean;
  },
  reserve?: ReserveOptions,
  serving?: ServingPorts,
  mayOpen: MayOpen = requireServed,
): Promise<OpenedStore> {
  const { dataDirectory, statePlace, rootKey, stateFormats: formats = stateFormats, isCopy } = settings;
  const wanted = { formats, isCopy };
  // What a directory holds whose state is elsewhere is the same in all formats.
  const directory = SqliteStateStore.open(dataDirectory, reserve, statePlace === undefined ? wanted : undefined);
  try {
    await mayOpen(directory, dataDirectory);
    const mark = await directory.get(markTable, markId);
    if (statePlace === undefined) {
      if (mark !== undefined) throw stateElsewhere(dataDirectory);
      const check = async (): Promise<void> => {
        await directory.get(markTable, markId);
      };
      return { store: directory, format: ofDirectory(directory, formats), check, close: () => directory.close() };
    }
    if (mark === undefined && (await directory.tables()).length > 0)
      throw new StatePlaceError(
        `${dataDirectory} holds a state of its own. 'kustody migrate' moves it to PostgreSQL and a new directory.`,
      );
    if (rootKey === undefined) throw await withoutRootKey({ dataDirectory, statePlace });
    const known = mark && Buffer.from(mark.value).toString();
    return await openElsewhere({ directory, known, dataDirectory, mayOpen, ...wanted }, statePlace, serving);
  } catch (error) {
    await directory.close();
    throw error;
  }
}

/** Whether the state of a data directory that somebody has locked is kept elsewhere. */
export const isKeptElsewhere = async (directory: StateStore): Promise<boolean> =>
  (await directory.get(markTable, markId)) !== undefined;

/** Order of a first start: both locked → the directory names the state → first record. A directory that is new to a state with its extents
 * elsewhere names it when it is known that they are (`adopt`). */
async function openElsewhere(
  { directory, known, dataDirectory, mayOpen, formats, isCopy }: NamingDirectory,
  { address, password, standsBy = false }: StatePlace,
  serving: ServingPorts | undefined,
): Promise<OpenedStore> {
  const { PostgresStateStore } = await import('../state/postgres/postgres-state-store.ts');
  const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const node = await nodeOf(directory);
  let isWaiting = false;
  const turn = serving && {
    node: { id: node.id, host: hostname(), version },
    ...{ standsBy, monotonicMs: serving.monotonicMs },
    leaves: (error: unknown) => error instanceof StandbyEndedError,
    told: (host: string | undefined) => {
      if (!isWaiting) serving.waits(host);
      isWaiting = true;
    },
    looked: (served: AdvertisedNode | undefined, read: ReadRecord) => serving.looked?.(served, { id: node.id, read }),
    ...{ rootKeys: serving.rootKeys, hindered: serving.hindered, pause: serving.pause ?? pause },
  };
  const open = (): Promise<PostgresStateStore> =>
    PostgresStateStore.open({
      ...{ address, password, pause, randomBytes: systemRandomBytes, formats, isCopy },
      ...(turn === undefined ? {} : { turn }),
    });
  const ended = serving?.ended;
  const store = await whileStandingBy(
    () => (ended === undefined ? open() : unlessEnded(open(), ended)),
    () => isWaiting && standsBy,
    serving?.pause ?? pause,
  );
  const name = (): Promise<void> => directory.commit({ write: [markRecord(markId, store.id), ...node.write] });
  const isNew = known === undefined && (await isSealed(store));
  try {
    await mayOpen(store, `The state ${nameOf(address)}`);
    if (isNew && serving?.hasBlobsElsewhere !== true)
      throw new StatePlaceError(
        `The state ${nameOf(address)} belongs to another data directory, which has its extents. Give that one with --data.`,
      );
    if (known !== undefined && known !== store.id)
      throw new StatePlaceError(`${dataDirectory} belongs to another state than ${nameOf(address)}.`);
    if (known === undefined && !isNew) await name();
    else if (known !== undefined && node.write.length > 0) await directory.commit({ write: node.write });
  } catch (error) {
    await store.close();
    throw error;
  }
  const close = async (): Promise<void> => {
    await store.close();
    await directory.close();
  };
  return {
    ...{
      store,
      format: store,
      lost: store.lost,
      check: () => store.checkWritable(),
      failover: () => store.failover(),
      close,
    },
    beat: () => store.beat(),
    nodeId: node.id,
    nodesWithout: (keys) => store.nodesWithout(keys),
    databaseNow: () => store.now(),
    advertise: (text) => store.advertise(text),
    ...(isNew ? { adopt: name } : {}),
  };
}

/** Whoever waits for days outlives restarts and failovers of the database. */
async function whileStandingBy(
  open: () => Promise<PostgresStateStore>,
  isWaiting: () => boolean,
  pause: (milliseconds: number) => Promise<void>,
): Promise<PostgresStateStore> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (error instanceof StandbyEndedError || !isWaiting()) throw error;
      if (error instanceof Error && /^StateFormatToo(?:New|Old)Error$/.test(error.name)) throw error;
      await pause(reconnectMs);
    }
  }
}

const reconnectMs = 1_000;

/** A database that hangs holds nobody who wants to wait no more: a store that opens after that is closed again. */
function unlessEnded(opening: Promise<PostgresStateStore>, ended: Promise<never>): Promise<PostgresStateStore> {
  let isOver = false;
  opening.then((store) => (isOver ? store.close() : undefined)).catch(() => undefined); // who waits for it hears of it
  return Promise.race([opening, ended]).catch((error: unknown) => {
    isOver = true;
    throw error;
  });
}

/** @returns what the directory is known by, and what it does not have of that yet */
async function nodeOf(directory: StateStore): Promise<{ readonly id: string; readonly write: readonly RecordWrite[] }> {
  const known = await directory.get(markTable, nodeMarkId);
  if (known !== undefined) return { id: Buffer.from(known.value).toString(), write: [] };
  const id = newGuid(systemRandomBytes);
  return { id, write: [markRecord(nodeMarkId, id)] };
}

const markRecord = (id: string, text: string): RecordWrite => ({
  ...{ table: markTable, id, expect: null },
  put: { version: 1, value: Buffer.from(text) },
});

const stateElsewhere = (dataDirectory: string): StatePlaceError =>
  new StatePlaceError(`The state of ${dataDirectory} is in PostgreSQL. Give its address with --state.`);
