import pg from 'pg';
import { invariant } from '../../base/invariant.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import { StorageFullError } from '../../base/storage-full.ts';
import { checkCommit, checkListOptions } from '../record-rules.ts';
import type { ListOptions, RecordCommit, StateStore, StoredRecord } from '../state-store.ts';
import { changesOnly, columnsOf, comparedCommit, expectedCommit, foundIn, unexpected } from './commit-statements.ts';
import { failoverText } from './failover.ts';
import { GroupQueue } from './group-queue.ts';
import type { Found, GroupPlan } from './plan-group.ts';
import { planGroup } from './plan-group.ts';
import type { PostgresAddress } from './postgres-address.ts';
import { nameOf } from './postgres-address.ts';
import type { PasswordSource, PostgresConnection } from './postgres-connection.ts';
import { connect } from './postgres-connection.ts';
import { StateDatabaseError, StateInUseError, StateLostError, StateNameTooLongError } from './postgres-errors.ts';
import type { RegisteredNode, StateFormat, StoredFormat } from '../formats/state-formats.ts';
import { isLive, NodesKnowLessError, stateFormats } from '../formats/state-formats.ts';
import { forgetNodes, NodeRegistration, raiseFormat, registeredNodes } from './node-registry.ts';
import { nodesWithoutRootKeys } from './node-root-keys.ts';
import { commitErrors } from '../formats/postgres-schema.ts';
import { endOfPrefix } from './prefix-end.ts';
import { prepareSchema } from './prepare-schema.ts';
import { findOutcome } from './find-outcome.ts';
import type { TurnOptions } from './take-over.ts';
import { parseRecordRow } from './record-row.ts';
import { takeTurn, tryLock } from './take-over.ts';

export interface PostgresStoreOptions {
  readonly address: PostgresAddress;
  readonly password: PasswordSource;
  readonly randomBytes: RandomBytes;
  /** Waits between attempts to find out what came of a commit. */
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Nobody else may have the state open, and whoever had it before commits nothing any more; default true. */
  readonly alone?: boolean;
  /** For one that serves: when its turn is. Without it a state that another has open is an error, whoever served last. */
  readonly turn?: Omit<TurnOptions, 'pause'> & Partial<Pick<TurnOptions, 'pause'>>;
  /** Known formats of states; default: those of this version. */
  readonly formats?: readonly StateFormat[] | undefined;
  /** A new one takes on the format of what is copied into it, later. */
  readonly isCopy?: boolean | undefined;
}

const nowSql = '(extract(epoch FROM clock_timestamp()) * 1000)::float8';
/** A page of an index holds three entries. */
const nameBytesMax = 2_600;
/** Somebody else may change the records of a group between two attempts, so often; then each commit is tried alone, so often again. */
const attemptsMax = 8;

/** Records in a schema of PostgreSQL. Commits go over one connection, which also holds the lock of the state: without it there is neither,
 * so whoever has lost the lock cannot commit. Reads go over another one.
 *
 * When a connection is lost, the store is at its end (`lost`): the outcome of the commit under way is looked up, told to those who wait,
 * and everything after is refused. */
export class PostgresStateStore implements StateStore, StoredFormat {
  readonly #options: PostgresStoreOptions;
  readonly #writer: PostgresConnection;
  readonly #reader: PostgresConnection;
  readonly #handle: string;
  readonly #queue = new GroupQueue((commits) => this.#make(commits));
  #lost: StateLostError | undefined;
  #closed = false;

  /** Made with the state, and kept: what else belongs to it is known by it. */
  readonly id: string;
  /** Resolves when the state is lost. */
  readonly lost: Promise<StateLostError>;
  #tellLost: (error: StateLostError) => void = () => undefined;

  readonly #registration: NodeRegistration | undefined;
  #telling: Promise<unknown> = Promise.resolve();
  #written: number;

  /** @throws StateInUseError, StateDatabaseError, StateFormatTooNewError, StateFormatTooOldError */
  static async open(options: PostgresStoreOptions): Promise<PostgresStateStore> {
    const { address, password, randomBytes, pause, turn, alone = true } = options;
    const { formats = stateFormats, isCopy = false } = options;
    const name = nameOf(address);
    const registration = turn && new NodeRegistration(turn.node, formats, turn.monotonicMs);
    const writer = await connect(address, password);
    let reader: PostgresConnection | undefined;
    try {
      const query = writer.query.bind(writer);
      const look = async (): Promise<void> => registration?.look(query, name);
      if (turn !== undefined) await takeTurn(writer, address, { pause, ...turn }, look);
      else if (alone && !(await tryLock(writer, address))) throw new StateInUseError(name);
      const schema = await prepareSchema(writer, { schema: address.schema, name, formats, isCopy });
      const handle = newGuid(randomBytes);
      await writer.query(
        `WITH closed AS (UPDATE writer SET closed = true WHERE $2 AND NOT closed),
         old AS (DELETE FROM writer WHERE $2 AND closed AND opened < now() - interval '1 day'),
         silent AS (DELETE FROM heartbeat WHERE $3::uuid IS NOT NULL),
         fenced AS (DELETE FROM node WHERE $3::uuid IS NOT NULL AND id IN (SELECT node FROM writer WHERE NOT closed AND node <> $3))
         INSERT INTO writer (handle, node, host) VALUES ($1, $3, $4)`,
        [handle, alone, turn?.node.id ?? null, turn?.node.host ?? null],
      );
      await forgetNodes(query);
      await registration?.tell(query);
      reader = await connect(address, password);
      return new PostgresStateStore(options, { writer, reader, handle, registration, ...schema });
    } catch (error) {
      if (turn?.leaves?.(error) === true) await registration?.leave(writer.query.bind(writer)).catch(() => undefined);
      writer.cut();
      reader?.cut();
      throw error;
    }
  }

  private constructor(
    options: PostgresStoreOptions,
    opened: {
      readonly writer: PostgresConnection;
      readonly reader: PostgresConnection;
      readonly handle: string;
      readonly id: string;
      readonly format: number;
      readonly registration: NodeRegistration | undefined;
    },
  ) {
    this.#options = options;
    this.#writer = opened.writer;
    this.#reader = opened.reader;
    this.#handle = opened.handle;
    this.id = opened.id;
    this.#registration = opened.registration;
    this.#written = opened.format;
    this.lost = new Promise((resolve) => (this.#tellLost = resolve));
    for (const { gone } of [opened.writer, opened.reader])
      void gone.then((cause) => this.#lose('its connection ended', cause));
  }

  async get(table: string, id: string): Promise<StoredRecord | undefined> {
    const rows = await this.#read('get', 'SELECT id, version, value FROM record WHERE tab = $1 AND id = $2', [
      table,
      id,
    ]);
    return rows[0] && parseRecordRow(table, rows[0]);
  }

  async list(table: string, options: ListOptions = {}): Promise<readonly StoredRecord[]> {
    const { prefix, after, limit } = checkListOptions(options);
    const rows = await this.#read(
      'list',
      `SELECT id, version, value FROM record
       WHERE tab = $1 AND id >= greatest($2 COLLATE "C", $3 COLLATE "C") AND id <> $3 AND starts_with(id, $2)
       AND ($4::text IS NULL OR id < $4) ORDER BY tab, id LIMIT $5`,
      [table, prefix, after ?? '', endOfPrefix(prefix), limit],
    );
    return rows.map((row) => parseRecordRow(table, row));
  }

  /** One look into the index a table. */
  async tables(): Promise<readonly string[]> {
    const rows = await this.#read(
      'tables',
      `WITH RECURSIVE name(tab) AS (
         (SELECT tab FROM record ORDER BY tab LIMIT 1)
         UNION ALL
         SELECT (SELECT r.tab FROM record r WHERE r.tab > name.tab ORDER BY r.tab LIMIT 1) FROM name WHERE name.tab IS NOT NULL
       ) SELECT tab FROM name WHERE tab IS NOT NULL`,
      [],
    );
    return rows.map(([tab]) => String(tab));
  }

  async commit(commit: RecordCommit): Promise<void> {
    this.#checkOpen();
    checkCommit(commit);
    for (const { id } of [...(commit.expect ?? []), ...commit.write])
      if (Buffer.byteLength(id) > nameBytesMax) throw new StateNameTooLongError(Buffer.byteLength(id));
    await this.#queue.add(commit);
  }

  /** Room that replaced and deleted values have left is used again. **They are not overwritten**: PostgreSQL keeps them in its log,
   * its standbys and backups, and where nothing has been written over them. */
  async compact(): Promise<void> {
    await this.#read('', 'VACUUM record', []);
  }

  /** Whether the server is still a primary that takes writes. @throws StateLostError, StateDatabaseError */
  async checkWritable(): Promise<void> {
    const [row] = await this.#read(
      'writable',
      `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'`,
      [],
    );
    if (row?.[0] !== false)
      throw new StateDatabaseError(`The state ${nameOf(this.#options.address)} takes no writes now.`);
  }

  /** What the clock of the database says, milliseconds since 1970. @throws StateLostError */
  async now(): Promise<number> {
    const [row] = await this.#read('now', `SELECT ${nowSql}`, []);
    return Number(row?.[0]);
  }

  /** Whether a standby that takes over has what was acknowledged, in words. @throws StateLostError */
  async failover(): Promise<string> {
    const [row = []] = await this.#read(
      'failover',
      `SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')`,
      [],
    );
    return failoverText(String(row[0]), String(row[1]));
  }

  /** Tells others that this one serves. Over the connection that has the lock: what ends it ends the heart, too.
   * @returns what the clock of the database says, milliseconds since 1970 @throws StateLostError */
  async beat(): Promise<number> {
    this.#checkOpen();
    try {
      const [row = []] = await this.#writer.query(
        `INSERT INTO heartbeat (handle, beats, backend, begun)
           SELECT $1::uuid, 1, pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()
         ON CONFLICT (handle) DO UPDATE SET beats = heartbeat.beats + 1
         RETURNING ${nowSql}`,
        [this.#handle],
        'kustody-beat',
      );
      if (this.#registration?.isDue === true) this.#telling = this.#tell(this.#registration);
      return Number(row[0]);
    } catch (error) {
      throw isRefusal(error) ? error : this.#lose('its connection ended', error);
    }
  }

  /** Tells others where this one, whose heart beats, is reached. @param text undefined: nowhere any more @throws StateLostError */
  async advertise(text: string | undefined): Promise<void> {
    this.#checkOpen();
    try {
      await this.#writer.query('UPDATE heartbeat SET advertised = $2 WHERE handle = $1', [this.#handle, text ?? null]);
    } catch (error) {
      throw isRefusal(error) ? error : this.#lose('its connection ended', error);
    }
  }

  get formats(): readonly StateFormat[] {
    return this.#options.formats ?? stateFormats;
  }

  get written(): number {
    return this.#written;
  }

  nodes(): Promise<readonly RegisteredNode[]> {
    return registeredNodes((text, values = []) => this.#read('', text, values), this.#options.turn?.node.id);
  }

  nodesWithout(keys: readonly string[]): Promise<readonly RegisteredNode[]> {
    return nodesWithoutRootKeys((text, values = []) => this.#read('', text, values), this.nodes(), keys);
  }

  async raise(step: StateFormat): Promise<void> {
    this.#checkOpen();
    try {
      await raiseFormat((text) => this.#writer.query(text), this.#handle, step);
    } catch (error) {
      if (!isRefusal(error)) throw this.#lose('its connection ended while its format was raised', error);
      if (error.code === commitErrors.closed) throw this.#lose('another Kustody has taken it over', error);
      if (error.code !== commitErrors.nodesKnowLess) throw error;
      const nodes = await this.nodes();
      throw new NodesKnowLessError(
        step.format,
        nodes.filter((node) => isLive(node) && node.newest < step.format),
      );
    }
    this.#written = step.format;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.idle();
    await this.#telling;
    if (this.#lost === undefined) {
      await this.#writer
        .query(
          `WITH silent AS (DELETE FROM heartbeat WHERE handle = $1), gone AS (DELETE FROM node WHERE id = $2)
           DELETE FROM writer WHERE handle = $1`,
          [this.#handle, this.#options.turn?.node.id ?? null],
        )
        .catch(() => undefined);
      await Promise.all([this.#writer.close(), this.#reader.close()]).catch(() => undefined);
    }
    this.#writer.cut();
    this.#reader.cut();
  }

  /** A node that cannot tell is one that has lost its connection, and hears so elsewhere. */
  async #tell(registration: NodeRegistration): Promise<void> {
    await registration.tell((text, values = []) => this.#read('tell', text, values)).catch(() => undefined);
  }

  async #read(name: string, text: string, values: readonly unknown[]): Promise<readonly (readonly unknown[])[]> {
    this.#checkOpen();
    try {
      return await this.#reader.query(text, values, name === '' ? undefined : `kustody-${name}`);
    } catch (error) {
      throw isRefusal(error) ? error : this.#lose('a read was not answered', error);
    }
  }

  /** One message, one answer; another for what had changed meanwhile. */
  async #make(commits: readonly RecordCommit[]): Promise<readonly (Error | undefined)[]> {
    const found = new Map<string, number | null>();
    for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
      const plan = planGroup(commits, found);
      if (plan.records.length === 0) return plan.outcomes;
      const wrong = await this.#change(plan);
      if (wrong === undefined) return plan.outcomes;
      for (const [key, version] of wrong) found.set(key, version);
    }
    invariant(commits.length > 1, 'what one commit has found makes it a conflict');
    const outcomes: (Error | undefined)[] = [];
    for (const one of commits) outcomes.push(...(await this.#make([one])));
    return outcomes;
  }

  /** First as if all were as expected; what is not, a second statement says.
   * @returns undefined when it is made and durable, else what is not as expected: then nothing was written */
  async #change(plan: GroupPlan): Promise<Found | undefined> {
    const columns = columnsOf(plan.records);
    let statement = changesOnly(plan) ? expectedCommit : comparedCommit;
    for (let attempt = 1; ; attempt += 1) {
      this.#checkLost();
      const id = newGuid(this.#options.randomBytes);
      try {
        const [row] = await this.#writer.query(statement.text, [this.#handle, id, ...columns], statement.name);
        if (row?.[0] !== false) return undefined;
        statement = comparedCommit;
      } catch (error) {
        if (!isRefusal(error)) return this.#outcomeOf(id, error);
        if (statement === expectedCommit && unexpected.has(error.code)) {
          statement = comparedCommit;
          continue;
        }
        if (error.code === commitErrors.conflict) return foundIn(error.detail);
        if (error.code === commitErrors.closed) throw this.#lose('another Kustody has taken it over', error);
        if (error.code === commitErrors.notDurable)
          throw this.#lose('it runs with fsync or synchronous_commit = off', error);
        if (diskFull.has(error.code)) throw new StorageFullError({ cause: error });
        if (!again.has(error.code) || attempt === attemptsMax) throw error;
      }
    }
  }

  /** Nobody is told anything, and nothing is tried again, before this is known. @throws StateLostError when it was not made,
   * StateOutcomeUnknownError */
  async #outcomeOf(id: string, cause: unknown): Promise<undefined> {
    this.#writer.cut();
    const lost = this.#lose('its connection ended during a commit', cause);
    if (!(await findOutcome(this.#options, this.#handle, id))) throw lost;
    return undefined;
  }

  #lose(why: string, cause: unknown): StateLostError {
    if (this.#lost !== undefined) return this.#lost;
    this.#lost = new StateLostError(nameOf(this.#options.address), why, { cause });
    this.#reader.cut(); // whoever reads hears of it now, not when its answer is a minute late
    if (!this.#closed) this.#tellLost(this.#lost);
    return this.#lost;
  }

  #checkOpen(): void {
    invariant(!this.#closed, 'a closed state store is not used');
    this.#checkLost();
  }

  #checkLost(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }
}

/** Serialization failure and deadlock: nothing was written. */
const again: ReadonlySet<string | undefined> = new Set(['40001', '40P01']);
const diskFull: ReadonlySet<string | undefined> = new Set(['53100']);

/** Classes with which a server ends connections (PostgreSQL, appendix A): what it says then says nothing about a commit. */
const endsConnection = /^(08|25P0[34]|57P|58|XX)/;

/** The server has ended the statement, and goes on; nothing of it was made. Its severity would say so, in the server's language. */
const isRefusal = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && error.code !== undefined && !endsConnection.test(error.code);
