import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import type { KeyName } from '../../base/names.ts';
import { parseKeyName } from '../../base/names.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { Moment } from '../../clock/monotonic-clock.ts';
import { longAgo, parseMoment } from '../../clock/monotonic-clock.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import { listIntact } from '../../state/list-all.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { StateWrite, Table, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { endDeadChange } from './process-state.ts';
import { clearSide, otherSide, sideInUse } from '../process/remote-catalog-store.ts';
import type { ClusterKeysOptions } from './ports.ts';

/** Something to do after a change of keys, kept until done.
 * `making`: a service key exists or soon will, and no cluster names it yet; record id: its name. `destroy`: no cluster names
 * that key any more. `compact`: an old catalog, or what was overwritten of it, may still be on disk; record id: the
 * cluster id. */
export interface KeyTodo {
  readonly clusterId: Guid;
  readonly action: (typeof actions)[number];
  readonly since: Moment;
}

const actions = ['making', 'destroy', 'compact'] as const;

export const keyTodos: Table<KeyTodo> = {
  name: 'key-todos',
  parse: (value) => {
    const fields = isJsonObject(value) ? value : {};
    const clusterId = typeof fields.clusterId === 'string' ? parseGuid(fields.clusterId) : undefined;
    const action = actions.find((known) => known === fields.action);
    if (clusterId === undefined || action === undefined) {
      throw new Error('A to-do of the cluster keys is damaged.');
    }
    return { clusterId, action, since: parseMoment(fields.since) ?? longAgo };
  },
};

/** A key that is being made belongs to a change in progress for so long; after that the change is dead. */
const makingMsMax = 10 * 60_000;
/** So often a check may change the record of the key before the rest is left to the next sweep. */
const attemptsMax = 8;

export interface MadeServiceKey {
  readonly outcome: 'created';
  readonly name: KeyName;
  readonly kid: VersionedKeyId;
  /** Goes into the commit that names the key: it is not to be cleaned up any more. */
  readonly settled: StateWrite;
}

type Ports = Pick<
  ClusterKeysOptions,
  'state' | 'serviceVault' | 'randomBytes' | 'monotonic' | 'compact' | 'log' | 'faults'
>;

/** Keys of Microsoft-managed custody, and what is left to do after a change of custody. The to-do of a new key is durable before
 * the key exists and gone with the commit that names the key, so a crash in between leaves a key that is found and destroyed,
 * never one that is lost. */
export class KeyTodos {
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async makeServiceKey(clusterId: Guid): Promise<MadeServiceKey | KeyFailure> {
    const { state, serviceVault, randomBytes, monotonic, faults } = this.#ports;
    const suffix = Buffer.from(randomBytes(6)).toString('hex');
    const name = parseKeyName(`cluster-${clusterId}-${suffix}`);
    if (name === undefined) throw new Error('A name of a service key is malformed.');
    const todo: KeyTodo = { clusterId, action: 'making', since: monotonic.moment() };
    await state.commit({ write: [writeRecord(keyTodos, name, null, todo)] });
    await faults?.('serviceKeyPlanned');
    const made = await serviceVault.createKey(name);
    if (made.outcome === 'failed') {
      await this.giveUp(name);
      return made;
    }
    await faults?.('serviceKeyMade');
    const recorded = await state.get(keyTodos, name);
    return {
      outcome: 'created',
      name,
      kid: made.kid,
      settled: writeRecord(keyTodos, name, recorded?.version ?? null, null),
    };
  }

  /** For the commit after which no cluster names the key any more. */
  destroyLater(clusterId: Guid, name: KeyName): StateWrite {
    const todo: KeyTodo = { clusterId, action: 'destroy', since: this.#ports.monotonic.moment() };
    return writeRecord(keyTodos, name, null, todo);
  }

  /** For the commit after which an old wrap may still lie on disk. */
  async compactLater(clusterId: Guid): Promise<StateWrite> {
    const earlier = await this.#ports.state.get(keyTodos, clusterId);
    const todo: KeyTodo = { clusterId, action: 'compact', since: this.#ports.monotonic.moment() };
    return writeRecord(keyTodos, clusterId, earlier?.version ?? null, todo);
  }

  /** The change that made the key will not be committed. */
  async giveUp(name: KeyName): Promise<void> {
    const todo = await this.#ports.state.get(keyTodos, name);
    if (todo !== undefined) await this.#destroy(todo);
  }

  /** Does what is to be done; what fails stays for the next time. Every step can be repeated. */
  async sweep(): Promise<void> {
    for (const todo of await listIntact(this.#ports.state, keyTodos)) {
      const age = this.#ports.monotonic.since(todo.value.since) ?? Infinity;
      if (todo.value.action === 'making' && age < makingMsMax) continue;
      try {
        await (todo.value.action === 'compact' ? this.#compact(todo) : this.#destroy(todo));
      } catch (error) {
        this.#ports.log.failure('key-todo-failed', error, { clusterId: todo.value.clusterId });
      }
    }
  }

  /** Order: the catalog that is not in use → gaps in the file. While a change goes on, it is at work there. */
  async #compact(todo: Versioned<KeyTodo>): Promise<void> {
    const { state, compact } = this.#ports;
    const { clusterId } = todo.value;
    const key = await state.get(clusterKeyTable, clusterId);
    if (key?.value.replacing !== undefined && !(await endDeadChange(this.#ports, key))) return;
    // Whoever deletes a cluster removes both.
    if (key !== undefined && !(await this.#clearOther(clusterId, key.value.generation))) return;
    await compact();
    await this.#ports.faults?.('compacted');
    await this.#done(todo);
  }

  /** @param generation read before it is looked which side is in use: with another one it is the other side
   * @returns false when a change has begun meanwhile, or was made */
  async #clearOther(clusterId: Guid, generation: number): Promise<boolean> {
    const { state, faults } = this.#ports;
    const side = otherSide(await sideInUse(state, clusterId));
    try {
      await clearSide(state, clusterId, side, (write) => this.#clear(clusterId, generation, write));
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
      return false; // the next sweep tries again
    }
    await faults?.('otherCatalogCleared');
    return true;
  }

  /** A check writes the record of the key as well: what it came in between of is done at once all the same, since whoever asked for a change
   * is answered when nothing of the old key is left. */
  async #clear(clusterId: Guid, generation: number, write: readonly StateWrite[]): Promise<void> {
    const { state } = this.#ports;
    for (let attempt = 1; ; attempt += 1) {
      const key = await state.get(clusterKeyTable, clusterId);
      if (key?.value.generation !== generation || key.value.replacing !== undefined)
        throw new StateConflictError(clusterKeyTable.name, clusterId);
      try {
        await state.commit({ expect: [expectRecord(clusterKeyTable, clusterId, key.version)], write });
        return;
      } catch (error) {
        const isOfKey = error instanceof StateConflictError && error.table === clusterKeyTable.name;
        if (!isOfKey || attempt === attemptsMax) throw error;
      }
    }
  }

  async #destroy(todo: Versioned<KeyTodo>): Promise<void> {
    const { state, serviceVault, log, faults } = this.#ports;
    const name = parseKeyName(todo.id);
    const cluster = await state.get(clusterKeyTable, todo.value.clusterId);
    const used = cluster?.value.kid.name === todo.id && cluster.value.custody.kind === 'microsoftManaged';
    if (name !== undefined && !used) {
      const result = await serviceVault.destroyKey(name);
      if (result.outcome === 'failed') {
        log.warning('service-key-not-destroyed', { clusterId: todo.value.clusterId, cause: result.cause });
        return;
      }
    }
    await faults?.('serviceKeyDestroyed');
    await this.#done(todo);
  }

  async #done(todo: Versioned<KeyTodo>): Promise<void> {
    try {
      await this.#ports.state.commit({ write: [writeRecord(keyTodos, todo.id, todo.version, null)] });
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error; // another one did it
    }
  }
}
