import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import type { KeyName } from '../../base/names.ts';
import { parseKeyName } from '../../base/names.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { StateWrite, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { ClusterKeysOptions } from './ports.ts';

/** Something to do in the service vault, kept until done. Record id: the key's name.
 * `making`: the key exists or soon will, and no cluster names it yet. `destroy`: no cluster names it any more. */
export interface ServiceKeyTodo {
  readonly clusterId: Guid;
  readonly action: 'making' | 'destroy';
  /** Wall clock, milliseconds. */
  readonly since: number;
}

export const serviceKeyTodos: Table<ServiceKeyTodo> = {
  name: 'service-key-todos',
  parse: (value) => {
    const clusterId =
      isJsonObject(value) && typeof value.clusterId === 'string' ? parseGuid(value.clusterId) : undefined;
    if (!isJsonObject(value) || clusterId === undefined || typeof value.since !== 'number') {
      throw new Error('A to-do of the service vault is damaged.');
    }
    return { clusterId, action: value.action === 'making' ? 'making' : 'destroy', since: value.since };
  },
};

/** A key that is being made belongs to a change in progress for so long; after that the change is dead. */
const makingMsMax = 10 * 60_000;

export interface MadeServiceKey {
  readonly outcome: 'created';
  readonly name: KeyName;
  readonly kid: VersionedKeyId;
  /** Goes into the commit that names the key: it is not to be cleaned up any more. */
  readonly settled: StateWrite;
}

type Ports = Pick<ClusterKeysOptions, 'state' | 'serviceVault' | 'randomBytes' | 'wallClock' | 'log' | 'faults'>;

/** Keys of Microsoft-managed custody. The to-do is durable before the key exists and gone with the commit that names the
 * key, so a crash in between leaves a key that is found and destroyed, never one that is lost. */
export class ServiceKeys {
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async make(clusterId: Guid): Promise<MadeServiceKey | KeyFailure> {
    const { state, serviceVault, randomBytes, wallClock, faults } = this.#ports;
    const suffix = Buffer.from(randomBytes(6)).toString('hex');
    const name = parseKeyName(`cluster-${clusterId}-${suffix}`);
    if (name === undefined) throw new Error('A name of a service key is malformed.');
    const todo: ServiceKeyTodo = { clusterId, action: 'making', since: wallClock.now() };
    await state.commit({ write: [writeRecord(serviceKeyTodos, name, null, todo)] });
    await faults?.('serviceKeyPlanned');
    const made = await serviceVault.createKey(name);
    if (made.outcome === 'failed') {
      await this.giveUp(name);
      return made;
    }
    await faults?.('serviceKeyMade');
    const recorded = await state.get(serviceKeyTodos, name);
    return {
      outcome: 'created',
      name,
      kid: made.kid,
      settled: writeRecord(serviceKeyTodos, name, recorded?.version ?? null, null),
    };
  }

  /** For the commit after which no cluster names the key any more. */
  destroyLater(clusterId: Guid, name: KeyName): StateWrite {
    const todo: ServiceKeyTodo = { clusterId, action: 'destroy', since: this.#ports.wallClock.now() };
    return writeRecord(serviceKeyTodos, name, null, todo);
  }

  /** The change that made the key will not be committed. */
  async giveUp(name: KeyName): Promise<void> {
    const todo = await this.#ports.state.get(serviceKeyTodos, name);
    if (todo !== undefined) await this.#destroy(todo);
  }

  /** Does what is to be done; what fails stays for the next time. Every step can be repeated. */
  async sweep(): Promise<void> {
    for (const todo of await this.#ports.state.list(serviceKeyTodos)) {
      const age = this.#ports.wallClock.now() - todo.value.since;
      if (todo.value.action === 'making' && age < makingMsMax) continue;
      await this.#destroy(todo);
    }
  }

  async #destroy(todo: Versioned<ServiceKeyTodo>): Promise<void> {
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
    try {
      await state.commit({ write: [writeRecord(serviceKeyTodos, todo.id, todo.version, null)] });
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error; // another one did it
    }
  }
}
