import { systemRandomBytes } from '../../src/base/random.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { parseVersionedKeyId } from '../../src/base/key-id.ts';
import { HostMonotonicClock } from '../../src/clock/monotonic-clock.ts';
import { SystemClock } from '../../src/clock/system-clock.ts';
import { createClusterKeys } from '../../src/cluster/supervisor/cluster-keys.ts';
import type { Custody } from '../../src/encryption/cluster-keys.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';

// A main process that does nothing but supervise cluster keys; the vault is in its parent. For searches in its memory.

export interface HarnessStart {
  readonly edge: { readonly address: string; readonly port: number; readonly ca: string };
  readonly script: string;
  readonly identity: string;
}

/** A call of ClusterKeys, with kids as text. */
export type HarnessCall =
  | { readonly call: 'start'; readonly start: HarnessStart }
  | { readonly call: 'create' | 'change'; readonly clusterId: string; readonly kid: string }
  | { readonly call: 'recheck' | 'stop'; readonly clusterId: string }
  | { readonly call: 'pid'; readonly clusterId: string };

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('malformed');
  return value;
}

async function open(start: HarnessStart) {
  const onError = (): void => undefined;
  const clock = new SystemClock({ onError });
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const identity = must(parseGuid(start.identity));
  const quiet = (): void => undefined;
  const keys = createClusterKeys({
    state,
    clock,
    monotonic: new HostMonotonicClock({ onError }),
    randomBytes: systemRandomBytes,
    mintToken: (objectId) => Promise.resolve({ outcome: 'token', token: `test-token.${objectId}.1`, expiresOn: 0 }),
    resolveHost: () => Promise.resolve({ where: 'ours' }),
    edge: start.edge,
    serviceVault: {
      host: must(parseVersionedKeyId(`https://service.vault.azure.net/keys/k/${'0'.repeat(32)}`)).vaultHost,
      identity,
      createKey: () => Promise.reject(new Error('not used')),
      destroyKey: () => Promise.reject(new Error('not used')),
    },
    settings: { keyCacheSeconds: 300, keyOutageGraceSeconds: 3600, keyRecheckSeconds: 30, vaultTimeoutMs: 5000 },
    clusterTables: ['cluster-catalog'],
    processScript: start.script,
    compact: () => state.compact(),
    log: { event: quiet, warning: quiet, failure: quiet },
  });
  const custody = (text: string): Custody => {
    const kid = must(parseVersionedKeyId(text));
    const { vaultHost, name, version } = kid;
    const vaultUri = `https://${vaultHost}/`;
    return { kind: 'customer', key: { vaultUri, vaultHost, keyName: name, keyVersion: version, identity } };
  };
  return { keys, state, custody };
}

let opened: Awaited<ReturnType<typeof open>> | undefined;

async function serve(message: HarnessCall): Promise<unknown> {
  if (message.call === 'start') {
    opened = await open(message.start);
    return 'ready';
  }
  const { keys, state, custody } = must(opened);
  const clusterId = must(parseGuid(message.clusterId));
  switch (message.call) {
    case 'create':
    case 'change': {
      const to = custody(message.kid);
      const change = await (message.call === 'create' ? keys.create(clusterId, to) : keys.change(clusterId, to));
      if (!('write' in change)) return change;
      await state.commit({ write: change.write });
      await change.committed();
      return change.status;
    }
    case 'recheck':
      return keys.recheck(clusterId);
    case 'stop':
      await keys.stop(clusterId);
      return 'stopped';
    case 'pid':
      return keys.admit(clusterId);
  }
}

process.on('message', (message: HarnessCall) => {
  serve(message).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
