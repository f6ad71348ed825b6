import { connectionName, nameOf } from './postgres-address.ts';
import type { PostgresAddress } from './postgres-address.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { tellRootKey } from './node-root-keys.ts';
import { StateInUseError } from './postgres-errors.ts';
import type { StoredRecord } from '../state-store.ts';
import { readRow } from './record-row.ts';

/** A Kustody that serves a state, or would. */
export interface ServingNode {
  /** Of its data directory, made with it. */
  readonly id: string;
  /** For people. */
  readonly host: string;
  /** Of the Kustody that it runs. */
  readonly version: string;
}

export interface TurnOptions {
  readonly node: ServingNode;
  /** Waits as long as another serves; otherwise that is an error. */
  readonly standsBy: boolean;
  /** Milliseconds of real time, sleep included. */
  readonly monotonicMs: () => number;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Whether what ended the waiting is that nobody wants to wait any more: then this node is none of the state's from now on. */
  readonly leaves?: (error: unknown) => boolean;
  /** Called once, when there is something to wait for. @param host of the one that serves, or served last */
  readonly told: (host: string | undefined) => void;
  /** Called at each look. @param served who serves, or served last, if that has said where it is reached */
  readonly looked?: ((served: AdvertisedNode | undefined, read: ReadRecord) => void) | undefined;
  /** What the root keys that this one has are known by in the state as it is, which others may ask for; called at each look. */
  readonly rootKeys?: ((read: ReadRecord) => Promise<readonly string[]>) | undefined;
  /** What keeps one that stands by from serving now, a sentence; it stays out of the turn meanwhile. Called at each look, so it answers within three
   * seconds. @param isDue its turn has come: what was known before does not count */
  readonly hindered?: ((isDue: boolean) => Promise<string | undefined>) | undefined;
}

/** Reads one record as it lies there, while this one waits. @throws when the connection has ended */
export type ReadRecord = (table: string, id: string) => Promise<StoredRecord | undefined>;

/** What a node that serves has told of itself: whoever writes to the database can have written it. */
export interface AdvertisedNode {
  /** Of this serving: another start is another one. */
  readonly id: string;
  /** Of its data directory. */
  readonly node: string;
  readonly text: string;
}

/** Called at each look. @throws what ends the waiting */
export type Look = () => Promise<void>;

/** So long a node answers after its last heartbeat, counted from before it was sent. */
export const nodeLeaseMs = 5_000;
/** Somebody else's heart has stood still for so long: that node answers nothing any more. Clocks of two machines run at different rates. */
const silentMs = nodeLeaseMs + 1_000;
const lookEveryMs = 1_000;
/** The name of connections that wait for their turn, as the server shows it. */
const waitingName = 'kustody stands by';

/** Takes the lock of a state, which ends with the connection, when it is certain that nobody else answers from the state:
 *
 * - the last one that served has ended in order, or was this node: at once;
 * - its connection is gone, however that came about: when its heart was seen to stand still for longer than the lease of a node;
 * - it holds the lock, and its heart stands still for so long: its connection is ended by the server. It may be paused, or cut off. It
 *   commits nothing any more either way: whoever opens the state next closes the writers before it.
 *
 * One that could not serve (`hindered`) takes no part, whatever it sees: another one's turn it is. It goes by what it saw meanwhile when it can.
 *
 * Whoever has the lock and waits for the second of these looks every second; one that has not for so long, because it is paused or cut off
 * itself, loses its connection, too.
 *
 * @param look at the format of the state, above all: it may have become one that this node does not know
 * @throws StateInUseError unless it stands by, and what `look` throws */
export async function takeTurn(
  connection: PostgresConnection,
  address: PostgresAddress,
  options: TurnOptions,
  look: Look,
): Promise<void> {
  const { node, standsBy, monotonicMs, pause, told, looked } = options;
  const isHindered = async (isDue: boolean): Promise<boolean> =>
    standsBy && (await options.hindered?.(isDue)) !== undefined;
  let seen: { readonly beats: string; readonly at: number } | undefined;
  let idle: { readonly holder: string; readonly at: number } | undefined;
  let isTold = false;
  let locks = 0;
  const toldKeys = new Set<string>();
  const read: ReadRecord = (table, id) => readRow(connection, 'record', { table, id });
  if (standsBy) await connection.query(`SET application_name = '${waitingName}'`);
  for (;;) {
    let isOut = await isHindered(false);
    const isOurs = !isOut && (await tryLock(connection, address));
    if (isOurs) locks += 1;
    if (!isOurs && !standsBy) throw new StateInUseError(nameOf(address));
    await look();
    const keys = standsBy ? await options.rootKeys?.(read) : undefined;
    for (const key of keys ?? []) {
      if (!toldKeys.has(key)) await tellRootKey(connection.query.bind(connection), node.id, key);
      toldKeys.add(key);
    }
    const asked = monotonicMs();
    const last = await lastServing(connection);
    const isOver = last === undefined || last.node === node.id;
    const isSilent = last !== undefined && last.beats === seen?.beats && asked - seen.at >= silentMs;
    if (isOurs && (isOver || isSilent)) {
      isOut = await isHindered(true);
      if (!isOut) break;
    }
    // It would be in the way of another one that stands by.
    for (; isOut && locks > 0; locks -= 1) await unlock(connection, address);
    if (last?.beats !== seen?.beats) seen = last && { beats: last.beats, at: monotonicMs() };
    else if (isSilent && !isOut) await endHolder(connection, address);
    const holder = isOurs || isOut ? undefined : await waitingHolder(connection, address);
    if (holder !== idle?.holder) idle = holder === undefined ? undefined : { holder, at: monotonicMs() };
    else if (idle !== undefined && asked - idle.at >= silentMs) await endWaiting(connection, idle.holder);
    if (!isTold) told(last?.host);
    isTold = true;
    looked?.(last?.advertised, read);
    await pause(lookEveryMs);
  }
  if (standsBy) await connection.query(`SET application_name = '${connectionName}'`);
}

/** @returns whether this connection has the lock now */
export async function tryLock(connection: PostgresConnection, address: PostgresAddress): Promise<boolean> {
  const [row] = await connection.query('SELECT pg_try_advisory_lock(hashtextextended($1, 0))', [lockName(address)]);
  return row?.[0] === true;
}

/** Once for each time that it was taken. */
const unlock = (connection: PostgresConnection, address: PostgresAddress): Promise<unknown> =>
  connection.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [lockName(address)]);

const lockName = ({ schema }: PostgresAddress): string => `kustody serves ${schema}`;

interface LastServing {
  readonly node: string | undefined;
  readonly host: string | undefined;
  readonly advertised: AdvertisedNode | undefined;
  /** Differs with each heartbeat, and from everybody else's. */
  readonly beats: string;
}

/** A column that states of older formats do not have is read as if it were empty. Commands have no node: they answer nobody. One that was closed and has a heartbeat left had lost its connection.
 * @returns undefined: all that served have ended in order, or the state was made by a Kustody whose heart does not beat, or is not made */
async function lastServing(connection: PostgresConnection): Promise<LastServing | undefined> {
  const [known] = await connection.query(`SELECT to_regclass('heartbeat') IS NOT NULL`);
  if (known?.[0] !== true) return undefined;
  const rows = await connection.query(
    `SELECT w.node::text, w.host, w.handle::text, h.beats::text, to_jsonb(h)->>'advertised' FROM writer w LEFT JOIN heartbeat h USING (handle)
     WHERE w.node IS NOT NULL AND (NOT w.closed OR h.handle IS NOT NULL) ORDER BY w.opened DESC, w.handle`,
  );
  const [newest] = rows;
  if (newest === undefined) return undefined;
  const [node, host, id, , text] = newest;
  return {
    node: rows.every((row) => row[0] === node) && typeof node === 'string' ? node : undefined,
    host: typeof host === 'string' ? host : undefined,
    advertised:
      typeof id === 'string' && typeof node === 'string' && typeof text === 'string' ? { id, node, text } : undefined,
    beats: JSON.stringify(rows.map((row) => row.slice(0, 4))),
  };
}

const lockSql = `lock(key) AS (SELECT hashtextextended($1, 0))`;
const holdsLockSql = `l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND l.classid::bigint = ((lock.key >> 32) & 4294967295) AND l.objid::bigint = (lock.key & 4294967295)`;

/** Only a connection whose heart has beaten: one that does something else with the state, and holds the lock meanwhile, is waited for. */
async function endHolder(connection: PostgresConnection, address: PostgresAddress): Promise<void> {
  await connection.query(
    `WITH ${lockSql}
     SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN heartbeat h ON (h.backend, h.begun) = (a.pid, a.backend_start), lock
     WHERE ${holdsLockSql}`,
    [lockName(address)],
  );
}

const holderSql = `concat_ws(' ', a.pid, a.backend_start, a.query_start)`;

/** @returns who has the lock and waits, and when it looked last; undefined: nobody, or one that does not wait */
async function waitingHolder(connection: PostgresConnection, address: PostgresAddress): Promise<string | undefined> {
  const [row] = await connection.query(
    `WITH ${lockSql}
     SELECT ${holderSql} FROM pg_locks l JOIN pg_stat_activity a USING (pid), lock
     WHERE a.application_name = $2 AND a.query_start IS NOT NULL AND ${holdsLockSql}`,
    [lockName(address), waitingName],
  );
  return row === undefined ? undefined : String(row[0]);
}

/** Unless it has looked since, or its turn has come. */
async function endWaiting(connection: PostgresConnection, holder: string): Promise<void> {
  await connection.query(
    `SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.application_name = $2 AND ${holderSql} = $1`,
    [holder, waitingName],
  );
}
