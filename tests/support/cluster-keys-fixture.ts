import { randomBytes } from 'node:crypto';
import type { MintToken } from '../../src/authz/caller.ts';
import type { Guid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { HostName } from '../../src/base/names.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { ManualHost } from '../../src/clock/manual-host.ts';
import { HostMonotonicClock } from '../../src/clock/monotonic-clock.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import type { SupervisedClusterKeys } from '../../src/cluster/supervisor/cluster-keys.ts';
import { createClusterKeys } from '../../src/cluster/supervisor/cluster-keys.ts';
import type { ClusterKeysOptions, KeyStep, ServiceVault } from '../../src/cluster/supervisor/ports.ts';
import type { ClusterKeyRecord } from '../../src/encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import type { Custody, PreparedKeyChange } from '../../src/encryption/cluster-keys.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import type { State } from '../../src/state/state.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import type { StateStore } from '../../src/state/state-store.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { afterEach } from 'vitest';
import { builtScripts } from './built.ts';
import { ScriptedVaults, hostName, keyName } from './scripted-vault.ts';

export const serviceHost = 'kustody-service.vault.azure.net';
export const customerHost = 'contoso.vault.azure.net';
export const started = Date.UTC(2026, 0, 1);

export interface ClusterKeysFixture {
  readonly vaults: ScriptedVaults;
  readonly keys: SupervisedClusterKeys;
  readonly state: State;
  readonly store: StateStore;
  readonly clock: VirtualClock;
  readonly host: ManualHost;
  readonly monotonic: HostMonotonicClock;
  readonly log: { readonly lines: string[] };
  readonly identity: Guid;
  readonly serviceIdentity: Guid;
  /** Principals that are refused tokens. */
  readonly gone: Set<Guid>;
  readonly minted: { identity: Guid; audience: string; usedBy: string | undefined }[];
  readonly compacted: { count: number };
  readonly faults: { at?: (step: KeyStep) => void | Promise<void> };
  readonly customer: (kid: VersionedKeyId, more?: { versionless?: boolean; identity?: Guid }) => Custody;
  /** Creates a cluster's key and commits it. */
  readonly cluster: (custody?: Custody) => Promise<Guid>;
  readonly commit: (change: PreparedKeyChange | { outcome: string }) => Promise<PreparedKeyChange>;
  readonly recordOf: (clusterId: Guid) => Promise<ClusterKeyRecord>;
  /** Process id of an admitted cluster. */
  readonly pidOf: (clusterId: Guid) => Promise<number>;
  /** Ends the supervisor with its processes and starts another one over the same state. */
  readonly reopen: () => Promise<SupervisedClusterKeys>;
  readonly close: () => Promise<void>;
}

export interface FixtureOptions {
  readonly script: string;
  readonly store?: StateStore;
  readonly vaultTimeoutMs?: number;
  readonly settings?: Partial<ClusterKeysOptions['settings']>;
  readonly nodeLeaseMs?: () => number;
  /** Default: sealed under a root key. */
  readonly openState?: (store: StateStore) => Promise<FixtureState>;
}

export type FixtureState = State & { compact(): Promise<void> };

const sealed = (store: StateStore): Promise<FixtureState> =>
  SealedState.open({ store, rootKey: new RootKey(randomBytes(32)), randomBytes: systemRandomBytes });

/** Everything around ClusterKeys: sealed state, virtual time on a machine that moves by hand, vaults under the test's hand. */
export async function clusterKeysFixture(options: FixtureOptions): Promise<ClusterKeysFixture> {
  const vaults = await ScriptedVaults.listen();
  const store = options.store ?? new MemoryStateStore();
  const state = await (options.openState ?? sealed)(store);
  const host = new ManualHost(started);
  const onError = (error: unknown): void => {
    throw error;
  };
  const clock = new VirtualClock({ host, onError });
  const monotonic = new HostMonotonicClock({ host, onError });
  const identity = newGuid(systemRandomBytes);
  const serviceIdentity = newGuid(systemRandomBytes);
  vaults.addVault(serviceHost, [serviceIdentity]);
  vaults.addVault(customerHost, [identity]);
  const gone = new Set<Guid>();
  const minted: { identity: Guid; audience: string; usedBy: string | undefined }[] = [];
  const mintToken: MintToken = (objectId, audience, usedBy) => {
    if (gone.has(objectId)) return Promise.resolve({ outcome: 'refused', reason: 'The principal is gone.' });
    minted.push({ identity: objectId, audience, usedBy });
    return Promise.resolve({ outcome: 'token', token: `test-token.${objectId}.${minted.length}`, expiresOn: started });
  };
  const lines: string[] = [];
  const write =
    (kind: string) =>
    (name: string, ...rest: unknown[]) => {
      lines.push(`${kind} ${name} ${JSON.stringify(rest)}`);
    };
  const compacted = { count: 0 };
  const faults: ClusterKeysFixture['faults'] = {};
  const keyOptions: ClusterKeysOptions = {
    state,
    clock,
    monotonic,
    randomBytes: systemRandomBytes,
    mintToken,
    resourceIdOf: (clusterId: Guid) => Promise.resolve(`/clusters/${clusterId}`),
    resolveHost: (name: HostName) => Promise.resolve({ where: vaults.vaults.has(name) ? 'ours' : 'absent' }),
    edge: vaults.edge,
    serviceVault: scriptedServiceVault(vaults, serviceIdentity),
    settings: {
      keyCacheSeconds: 300,
      keyOutageGraceSeconds: 3600,
      keyRecheckSeconds: 30,
      vaultTimeoutMs: options.vaultTimeoutMs ?? 5000,
      ...options.settings,
    },
    ...(options.nodeLeaseMs === undefined ? {} : { nodeLeaseMs: options.nodeLeaseMs }),
    clusterTables: ['test-extents', 'cluster-catalog'],
    processScript: options.script,
    startUpFiles: builtScripts.startUpFiles,
    compact: () => {
      compacted.count += 1;
      return state.compact();
    },
    log: { event: write('event'), warning: write('warning'), failure: write('failure') },
    faults: (step) => faults.at?.(step),
    processOutput: 'inherit',
  };
  const keys = createClusterKeys(keyOptions);
  const all = [keys];
  const commit = async (change: PreparedKeyChange | { outcome: string }): Promise<PreparedKeyChange> => {
    if (!('write' in change)) throw new Error(`The change was refused: ${JSON.stringify(change)}`);
    await state.commit({ write: change.write });
    await change.committed();
    return change;
  };
  return {
    vaults,
    keys,
    state,
    store,
    clock,
    host,
    monotonic,
    log: { lines },
    identity,
    serviceIdentity,
    gone,
    minted,
    compacted,
    faults,
    customer: (kid, more = {}) => ({
      kind: 'customer',
      key: {
        vaultUri: `https://${kid.vaultHost}/`,
        vaultHost: kid.vaultHost,
        keyName: kid.name,
        ...(more.versionless === true ? {} : { keyVersion: kid.version }),
        identity: more.identity ?? identity,
      },
    }),
    cluster: async (custody = { kind: 'microsoftManaged' }) => {
      const clusterId = newGuid(systemRandomBytes);
      await commit(await keys.create(clusterId, custody));
      return clusterId;
    },
    commit,
    recordOf: async (clusterId) => {
      const found = await state.get(clusterKeyTable, clusterId);
      if (found === undefined) throw new Error('no record');
      return found.value;
    },
    pidOf: async (clusterId) => {
      const admission = await keys.admit(clusterId);
      if (admission.outcome !== 'admitted') throw new Error(`not admitted: ${JSON.stringify(admission)}`);
      return admission.pid;
    },
    reopen: async () => {
      await all.at(-1)?.close();
      const next = createClusterKeys(keyOptions);
      all.push(next);
      return next;
    },
    close: async () => {
      await all.at(-1)?.close();
      await vaults.close();
      clock.close();
      monotonic.close();
    },
  };
}

function scriptedServiceVault(vaults: ScriptedVaults, identity: Guid): ServiceVault {
  return {
    host: hostName(serviceHost),
    identity,
    createKey: (name) => Promise.resolve({ outcome: 'created', kid: vaults.addKey(serviceHost, keyName(name)) }),
    destroyKey: (name) => {
      const vault = vaults.vaults.get(serviceHost);
      if (vault === undefined) {
        return Promise.resolve({ outcome: 'failed', kind: 'outage', cause: 'unreachable', message: 'gone' });
      }
      vault.keys.delete(name);
      return Promise.resolve({ outcome: 'destroyed' });
    },
  };
}

/** Gives the tests of a file real cluster processes, and each test a fixture of its own that is closed after it. */
export function clusterKeysSuite(): (options?: Partial<FixtureOptions>) => Promise<ClusterKeysFixture> {
  const opened: ClusterKeysFixture[] = [];
  afterEach(async () => {
    for (const fixture of opened.splice(0)) await fixture.close();
  });
  return async (options = {}) => {
    const fixture = await clusterKeysFixture({ script: builtScripts.clusterProcess, ...options });
    opened.push(fixture);
    return fixture;
  };
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
