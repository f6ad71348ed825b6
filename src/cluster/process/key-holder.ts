import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import type { RewrapCatalog } from '../../encryption/custody-change.ts';
import { replaceClusterKey } from '../../encryption/custody-change.ts';
import type { DatabaseKeyChange } from '../../encryption/database-key-change.ts';
import { changeDatabaseKey } from '../../encryption/database-key-change.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import type { StateWrite } from '../../state/state.ts';
import { makeClusterKey, openClusterKey, rewrapClusterKey } from '../../encryption/rotation.ts';
import type { NewWrap } from '../messages/key-replies.ts';
import type { RemoteWrite } from '../messages/state-calls.ts';
import type { SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';

export interface KeyHolderOptions {
  readonly clusterId: Guid;
  readonly wrapper: KeyWrapper;
  readonly randomBytes: RandomBytes;
  /** Of a new cluster. */
  readonly firstCatalog: (key: ClusterKey, infrastructureKey: Uint8Array | undefined) => readonly StateWrite[];
  readonly rewrapCatalog: RewrapCatalog;
}

/** Changes under way at the same time; an older one then has to be opened from its record. */
const asideMax = 4;

/** The keys of one cluster in its own process: the one in use, and those that wait for their commit. */
export class KeyHolder {
  readonly #options: KeyHolderOptions;
  #current: { readonly generation: number; readonly key: ClusterKey } | undefined;
  /** By check value, in hex. */
  readonly #aside = new Map<string, ClusterKey>();

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
    const { wrapper, clusterId, randomBytes, firstCatalog } = this.#options;
    const made = await makeClusterKey(wrapper, clusterId, call.target, randomBytes);
    if (made.outcome === 'failed') return made;
    const write = firstCatalog(made.key, call.infrastructureKey).map(remoteWrite);
    return { outcome: 'made', ...this.#setAside(made), write };
  }

  async rewrap(call: SupervisorCalls['rewrap']): Promise<SupervisorReplies['rewrap']> {
    this.#mine(call.current.clusterId);
    const result = await rewrapClusterKey(this.#options.wrapper, call.current, call.target);
    if (result.outcome !== 'rewrapped') return result;
    return { outcome: 'rewrapped', ...this.#setAside(result) };
  }

  async replace(call: SupervisorCalls['replace']): Promise<SupervisorReplies['replace']> {
    this.#mine(call.current.clusterId);
    if (call.database === undefined) return this.#replace(call);
    const { wrapper, randomBytes } = this.#options;
    const changed = await changeDatabaseKey(wrapper, call.database, randomBytes, (keys) => this.#replace(call, keys));
    if (changed.outcome !== 'changed') return changed;
    const { result, made } = changed;
    return result.outcome !== 'replaced' || made === undefined ? result : { ...result, database: made };
  }

  async #replace(
    { current, target, change }: SupervisorCalls['replace'],
    database?: DatabaseKeyChange,
  ): Promise<SupervisorReplies['replace']> {
    const { wrapper, randomBytes, rewrapCatalog } = this.#options;
    const result = await replaceClusterKey(wrapper, current, target, randomBytes, (old, next) =>
      rewrapCatalog(old, next, change, database),
    );
    if (result.outcome !== 'replaced') return result;
    return { outcome: 'replaced', ...this.#setAside(result), write: result.write.map(remoteWrite) };
  }

  adopt({ generation, check }: SupervisorCalls['adopt']): SupervisorReplies['adopt'] {
    const key = this.#takeAside(check);
    if (key !== undefined) this.#use(generation, key);
    else this.#drop(); // what is in use is not the key of the record any more
    return { outcome: key === undefined ? 'absent' : 'adopted' };
  }

  forget({ check }: SupervisorCalls['forget']): SupervisorReplies['forget'] {
    this.#takeAside(check)?.wipe();
    return { outcome: 'done' };
  }

  /** The key in use stays as it is when it is opened again or only wrapped anew: somebody may be at work with it. */
  #use(generation: number, key: ClusterKey): void {
    if (this.#current?.generation === generation && this.#current.key.equals(key)) {
      key.wipe();
      return;
    }
    this.#drop();
    this.#current = { generation, key };
  }

  #drop(): void {
    this.#current?.key.wipe();
    this.#current = undefined;
  }

  #setAside(made: { readonly wrapped: Uint8Array; readonly key: ClusterKey }): NewWrap {
    const check = made.key.derive('check');
    this.#takeAside(check)?.wipe();
    const [oldest] = this.#aside.keys();
    if (oldest !== undefined && this.#aside.size >= asideMax) this.#takeAside(Buffer.from(oldest, 'hex'))?.wipe();
    this.#aside.set(check.toString('hex'), made.key);
    return { wrapped: made.wrapped, check };
  }

  #takeAside(check: Uint8Array): ClusterKey | undefined {
    const name = Buffer.from(check).toString('hex');
    const key = this.#aside.get(name);
    this.#aside.delete(name);
    return key;
  }

  #mine(clusterId: Guid): void {
    invariant(clusterId === this.#options.clusterId, 'a cluster process opens the keys of its own cluster only');
  }
}

const remoteWrite = ({ table, id, expect, put }: StateWrite): RemoteWrite => ({
  ...{ table: table.name, id, expect },
  put: put as RemoteWrite['put'],
});
