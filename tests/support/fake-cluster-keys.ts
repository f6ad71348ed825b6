import type { Guid } from '../../src/base/guid.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { invariant } from '../../src/base/invariant.ts';
import { parseHostName, parseKeyName, parseKeyVersion } from '../../src/base/names.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import type {
  ClusterKeys,
  ClusterKeyStatus,
  CurrentKeyLost,
  Custody,
  CustomerKey,
  KeyPreflight,
  PreparedKeyChange,
} from '../../src/encryption/cluster-keys.ts';
import type { DatabaseKeys } from '../../src/encryption/database-keys.ts';
import { databaseKeyId } from '../../src/encryption/database-keys.ts';
import type { KeyFailure, KeyFailureCause } from '../../src/encryption/key-wrapper.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { State, Table } from '../../src/state/state.ts';

interface FakeKeyRecord {
  readonly custody: Custody;
  readonly generation: number;
}

export const fakeKeyRecords: Table<FakeKeyRecord> = {
  name: 'fake-cluster-keys',
  parse: (value) => value as unknown as FakeKeyRecord,
};

export const failure = (cause: KeyFailureCause, kind: KeyFailure['kind'] = 'refusal'): KeyFailure => ({
  outcome: 'failed',
  kind,
  cause,
  message: `told by the test: ${cause}`,
});

const serviceKid = kid({ vaultHost: 'service.vault.azure.net', keyName: 'service', keyVersion: '0'.repeat(32) });

function kid(key: {
  readonly vaultHost: string;
  readonly keyName: string;
  readonly keyVersion?: string;
}): VersionedKeyId {
  const vaultHost = parseHostName(key.vaultHost);
  const name = parseKeyName(key.keyName);
  const version = parseKeyVersion(key.keyVersion ?? 'f'.repeat(32));
  invariant(vaultHost !== undefined && name !== undefined && version !== undefined, 'the test names a key');
  return { vaultHost, name, version };
}

/** Cluster keys without keys: records in the same commits as the real ones, and answers that a test chooses. */
export class FakeClusterKeys implements ClusterKeys {
  readonly calls: string[] = [];
  /** What the vault says to the next preflights. */
  preflightAnswer: ((key: CustomerKey) => KeyPreflight) | undefined;
  /** Set: the current key does not unwrap, and a check suspends the cluster. */
  lost: KeyFailure | undefined;
  readonly #state: State;
  readonly #suspended = new Map<Guid, KeyFailure>();
  readonly #listeners = new Set<(clusterId: Guid) => void>();

  constructor(state: State) {
    this.#state = state;
  }

  create(clusterId: Guid, custody: Custody): Promise<PreparedKeyChange> {
    this.calls.push(`create ${custody.kind}`);
    return Promise.resolve(this.#prepared(clusterId, null, { custody, generation: 1 }));
  }

  preflight(key: CustomerKey): Promise<KeyPreflight> {
    this.calls.push(`preflight ${key.keyName} as ${key.identity}`);
    const usable: KeyPreflight = {
      outcome: 'usable',
      key: {
        kid: kid(key),
        keyType: 'RSA',
        bits: 2048,
        enabled: true,
        keyOperations: [],
        recoveryLevel: 'Recoverable',
      },
    };
    return Promise.resolve(this.preflightAnswer?.(key) ?? usable);
  }

  async change(clusterId: Guid, to: Custody): Promise<PreparedKeyChange | CurrentKeyLost> {
    this.calls.push(`change to ${to.kind}`);
    const found = await this.#state.get(fakeKeyRecords, clusterId);
    invariant(found !== undefined, 'the cluster has a key');
    const { custody, generation } = found.value;
    if (this.lost !== undefined && custody.kind === 'customer') {
      return {
        outcome: 'currentKeyLost',
        vaultUri: custody.key.vaultUri,
        keyName: custody.key.keyName,
        failure: this.lost,
      };
    }
    return this.#prepared(clusterId, found.version, { custody: to, generation: generation + 1 });
  }

  async useIdentity(clusterId: Guid, identity: Guid, userIdentity?: string): Promise<ReturnType<typeof writeRecord>[]> {
    this.calls.push(`useIdentity ${identity}`);
    const found = await this.#state.get(fakeKeyRecords, clusterId);
    if (found?.value.custody.kind !== 'customer') return [];
    const { userIdentity: before, ...key } = found.value.custody.key;
    invariant(before === undefined || before.length > 0, 'an identity has an id');
    const next: CustomerKey = { ...key, identity, ...(userIdentity === undefined ? {} : { userIdentity }) };
    return [
      writeRecord(fakeKeyRecords, clusterId, found.version, {
        ...found.value,
        custody: { kind: 'customer', key: next },
      }),
    ];
  }

  async status(clusterId: Guid): Promise<ClusterKeyStatus | undefined> {
    const found = await this.#state.get(fakeKeyRecords, clusterId);
    if (found === undefined) return undefined;
    const { custody, generation } = found.value;
    const away = this.#suspended.get(clusterId);
    return {
      custody,
      generation,
      kid: custody.kind === 'customer' ? kid(custody.key) : serviceKid,
      ...(away === undefined
        ? {}
        : {
            suspension: {
              since: '2026-01-01T00:00:00.000Z',
              failure: away,
              reason: `The key is out of reach: ${away.cause}.`,
            },
          }),
    };
  }

  async recheck(clusterId: Guid): Promise<ClusterKeyStatus> {
    this.calls.push('recheck');
    if (this.lost === undefined) this.#suspended.delete(clusterId);
    else this.#suspended.set(clusterId, this.lost);
    for (const listener of this.#listeners) listener(clusterId);
    const status = await this.status(clusterId);
    invariant(status !== undefined, 'the cluster has a key');
    return status;
  }

  stop(): Promise<void> {
    this.calls.push('stop');
    return Promise.resolve();
  }

  async remove(clusterId: Guid): Promise<ReturnType<typeof writeRecord>[]> {
    this.calls.push('remove');
    const found = await this.#state.get(fakeKeyRecords, clusterId);
    return found === undefined ? [] : [writeRecord(fakeKeyRecords, clusterId, found.version, null)];
  }

  readonly databases: DatabaseKeys = {
    create: (clusterId, databaseId, key) => {
      this.calls.push(`create key of a database`);
      const record = { custody: { kind: 'customer', key }, generation: 1 } as const;
      return Promise.resolve(this.#prepared(databaseKeyId(clusterId, databaseId), null, record));
    },
    change: async (clusterId, databaseId, key) => {
      this.calls.push(key === undefined ? 'remove key of a database' : 'change key of a database');
      const id = databaseKeyId(clusterId, databaseId);
      const found = await this.#state.get(fakeKeyRecords, id);
      const custody =
        key === undefined ? ({ kind: 'microsoftManaged' } as const) : ({ kind: 'customer', key } as const);
      const change = this.#prepared(id, found?.version ?? null, { custody, generation: 1 });
      return key === undefined ? { ...change, write: await this.databases.remove(clusterId, databaseId) } : change;
    },
    useIdentities: () => Promise.resolve([]),
    checkAll: () => Promise.resolve(),
    status: () => Promise.resolve(undefined),
    suspensions: () => Promise.resolve(new Map()),
    count: async (clusterId) => (await this.#state.list(fakeKeyRecords, { prefix: `${clusterId}/` })).length,
    remove: async (clusterId, databaseId) => {
      const id = databaseKeyId(clusterId, databaseId);
      const found = await this.#state.get(fakeKeyRecords, id);
      return found === undefined ? [] : [writeRecord(fakeKeyRecords, id, found.version, null)];
    },
  };

  onChange(listener: (clusterId: Guid) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #prepared(id: string, expect: number | null, record: FakeKeyRecord): PreparedKeyChange {
    const { custody, generation } = record;
    return {
      write: [writeRecord(fakeKeyRecords, id, expect, record)],
      status: { custody, generation, kid: custody.kind === 'customer' ? kid(custody.key) : serviceKid },
      committed: () => Promise.resolve(void this.calls.push('committed')),
      abandoned: () => Promise.resolve(void this.calls.push('abandoned')),
    };
  }
}

export const testGuid = (digit: string): Guid => {
  const guid = parseGuid(
    `${digit.repeat(8)}-${digit.repeat(4)}-4${digit.repeat(3)}-8${digit.repeat(3)}-${digit.repeat(12)}`,
  );
  invariant(guid !== undefined, 'the test names a GUID by one hexadecimal digit');
  return guid;
};
