import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import type { RewrapCatalog } from '../../encryption/custody-change.ts';
import { replaceClusterKey } from '../../encryption/custody-change.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import { makeClusterKey, openClusterKey, rewrapClusterKey } from '../../encryption/rotation.ts';
import type { NewWrap, RemoteWrite, SupervisorCalls, SupervisorReplies } from './protocol.ts';

export interface KeyHolderOptions {
  readonly clusterId: Guid;
  readonly wrapper: KeyWrapper;
  readonly randomBytes: RandomBytes;
  readonly rewrapCatalog: RewrapCatalog;
}

/** The keys of one cluster in its own process: the one in use, and at most one that waits for its commit. */
export class KeyHolder {
  readonly #options: KeyHolderOptions;
  #current: { readonly generation: number; readonly key: ClusterKey } | undefined;
  #pending: { readonly generation: number; readonly key: ClusterKey } | undefined;

  constructor(options: KeyHolderOptions) {
    this.#options = options;
  }

  /** The key in use. Borrowed: never kept across an `await` that may see a change of custody. */
  current(): { readonly generation: number; readonly key: ClusterKey } | undefined {
    return this.#current;
  }

  async open(call: SupervisorCalls['open']): Promise<SupervisorReplies['open']> {
    this.#mine(call.current.clusterId);
    const opened = await openClusterKey(this.#options.wrapper, call.current);
    if (opened.outcome === 'failed') return opened;
    this.#use(call.generation, opened.key);
    return { outcome: 'opened' };
  }

  async make(call: SupervisorCalls['make']): Promise<SupervisorReplies['make']> {
    const { wrapper, clusterId, randomBytes } = this.#options;
    const made = await makeClusterKey(wrapper, clusterId, call.target, randomBytes);
    if (made.outcome === 'failed') return made;
    return { outcome: 'made', ...this.#setAside(call.generation, made) };
  }

  async rewrap(call: SupervisorCalls['rewrap']): Promise<SupervisorReplies['rewrap']> {
    this.#mine(call.current.clusterId);
    const result = await rewrapClusterKey(this.#options.wrapper, call.current, call.target);
    if (result.outcome !== 'rewrapped') return result;
    return { outcome: 'rewrapped', ...this.#setAside(call.generation, result) };
  }

  async replace(call: SupervisorCalls['replace']): Promise<SupervisorReplies['replace']> {
    this.#mine(call.current.clusterId);
    const { wrapper, randomBytes, rewrapCatalog } = this.#options;
    const result = await replaceClusterKey(wrapper, call.current, call.target, randomBytes, rewrapCatalog);
    if (result.outcome !== 'replaced') return result;
    const write = result.write.map(({ table, id, expect, put }): RemoteWrite => ({
      table: table.name,
      id,
      expect,
      put: put as RemoteWrite['put'],
    }));
    return { outcome: 'replaced', ...this.#setAside(call.generation, result), write };
  }

  adopt({ generation }: SupervisorCalls['adopt']): SupervisorReplies['adopt'] {
    if (this.#pending?.generation === generation) {
      this.#use(generation, this.#pending.key);
      this.#pending = undefined;
    }
    return { outcome: 'done' };
  }

  forget({ generation }: SupervisorCalls['forget']): SupervisorReplies['forget'] {
    if (this.#pending?.generation === generation) {
      this.#pending.key.wipe();
      this.#pending = undefined;
    }
    return { outcome: 'done' };
  }

  #use(generation: number, key: ClusterKey): void {
    if (this.#current !== undefined && this.#current.key !== key) this.#current.key.wipe();
    this.#current = { generation, key };
  }

  #setAside(generation: number, made: { readonly wrapped: Uint8Array; readonly key: ClusterKey }): NewWrap {
    this.#pending?.key.wipe();
    this.#pending = { generation, key: made.key };
    return { wrapped: made.wrapped, check: made.key.derive('check') };
  }

  #mine(clusterId: Guid): void {
    invariant(clusterId === this.#options.clusterId, 'a cluster process opens the keys of its own cluster only');
  }
}
