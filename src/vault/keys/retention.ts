import type { Guid } from '../../base/guid.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { unlessDamaged } from '../../state/list-all.ts';
import type { State, StateListOptions, Versioned } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { PrivateKeyCache } from '../rsa/private-keys.ts';
import type { KeyRecord } from './key-records.ts';
import { vaultKeys } from './key-records.ts';
import { purgeWrites } from './key-store.ts';

const pageLength = 500;

export interface KeyRetention {
  /** The key's time is over: nobody finds it any more, and its name may be used again. */
  readonly isOver: (key: KeyRecord) => boolean;
  /** Removes what is over now and waits for what is next. Call at start, and when purges are no longer held. */
  start(): Promise<void>;
  /** A key will be over then. */
  expectAt(when: Instant): void;
  stop(): void;
}

/** Removes keys from disk when their retention is over. The records are the truth: a key that is over is not found by anybody,
 * so it does not matter when, or in which process, this runs.
 * @param compact leaves no deleted value behind on disk
 * @param held while true nothing is over, whatever the clock says: it is doubtful */
export function createKeyRetention(
  state: State,
  clock: Clock,
  privateKeys: PrivateKeyCache,
  compact: () => Promise<void>,
  held: () => boolean = () => false,
): KeyRetention {
  let next: { readonly when: Instant; readonly cancel: () => void } | undefined;

  const isOver = (key: KeyRecord): boolean =>
    key.deleted !== undefined && key.deleted.purgeAt <= clock.now() && !held();
  const expectAt = (when: Instant): void => {
    if (next !== undefined && next.when <= when) return;
    next?.cancel();
    next = { when, cancel: clock.at(when, run) };
  };
  const run = async (): Promise<void> => {
    next = undefined;
    if (held()) return;
    const { purged, next: following } = await purgeOver(state, privateKeys, isOver);
    if (purged > 0) await compact();
    if (following !== undefined) expectAt(following);
  };
  return {
    isOver,
    start: run,
    expectAt,
    stop: () => {
      next?.cancel();
      next = undefined;
    },
  };
}

/** `next` is when the next key will be over. */
async function purgeOver(
  state: State,
  privateKeys: PrivateKeyCache,
  isOver: KeyRetention['isOver'],
): Promise<{ readonly purged: number; readonly next: Instant | undefined }> {
  let next: number | undefined;
  let purged = 0;
  for await (const key of eachKey(state, '', () => undefined)) {
    if (key.value.deleted === undefined) continue;
    if (isOver(key.value)) {
      if (await unlessDamaged(() => purgeKey(state, privateKeys, key))) purged += 1;
    } else next = Math.min(next ?? Infinity, key.value.deleted.purgeAt);
  }
  return { purged, next: next === undefined ? undefined : instant(next) };
}

/** Removes all keys of a vault for good: its name may be used again. */
export async function purgeVaultContents(
  state: State,
  privateKeys: PrivateKeyCache,
  compact: () => Promise<void>,
  vaultId: Guid,
): Promise<void> {
  for await (const key of eachKey(state, `${vaultId}/`)) await purgeKey(state, privateKeys, key);
  await compact();
}

/** Someone else may purge or recover the key at the same time: then it is theirs. */
async function purgeKey(state: State, privateKeys: PrivateKeyCache, key: Versioned<KeyRecord>): Promise<true> {
  try {
    await state.commit({ write: await purgeWrites(state, key) });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
  }
  privateKeys.forget(`${key.id}/`);
  return true;
}

async function* eachKey(
  state: State,
  prefix: string,
  damaged?: StateListOptions['damaged'],
): AsyncGenerator<Versioned<KeyRecord>> {
  let after: string | undefined;
  for (;;) {
    const page = await state.list(vaultKeys, {
      ...{ prefix, limit: pageLength },
      ...(after === undefined ? {} : { after }),
      ...(damaged === undefined ? {} : { damaged }),
    });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < pageLength) return;
  }
}
