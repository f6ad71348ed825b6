import type { Guid } from '../../base/guid.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { listAll, unlessDamaged } from '../../state/list-all.ts';
import type { State, StateListOptions, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { PrivateKeyCache } from '../material/private-keys.ts';
import type { ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { purgeWrites } from './object-store.ts';

const pageLength = 500;

export interface Retention {
  /** The object's time is over: nobody finds it any more, and its name may be used again. */
  readonly isOver: (object: ObjectRecord) => boolean;
  /** Removes what is over now and waits for what is next. Call at start, and when purges are no longer held. */
  start(): Promise<void>;
  /** An object will be over then. */
  expectAt(when: Instant): void;
  stop(): void;
}

export interface RetentionOptions {
  readonly state: State;
  readonly clock: Clock;
  readonly kinds: readonly ObjectTables[];
  /** What else belongs to a vault, and goes with it. */
  readonly others: readonly Table<object>[];
  readonly privateKeys: PrivateKeyCache;
  /** Leaves no deleted value behind on disk. */
  readonly compact: () => Promise<void>;
  /** While true nothing is over, whatever the clock says: it is doubtful. */
  readonly held?: (() => boolean) | undefined;
}

/** Removes objects from disk when their retention is over. The records are the truth: one that is over is not found by anybody,
 * so it does not matter when, or in which process, this runs. Linked objects have the same dates, so each goes by its own record. */
export function createRetention(options: RetentionOptions): Retention {
  const { clock, compact, held = () => false } = options;
  let next: { readonly when: Instant; readonly cancel: () => void } | undefined;

  const isOver = (object: ObjectRecord): boolean =>
    object.deleted !== undefined && object.deleted.purgeAt <= clock.now() && !held();
  const expectAt = (when: Instant): void => {
    if (next !== undefined && next.when <= when) return;
    next?.cancel();
    next = { when, cancel: clock.at(when, run) };
  };
  const run = async (): Promise<void> => {
    next = undefined;
    if (held()) return;
    const { purged, next: following } = await purgeOver(options, isOver);
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

type Sweep = Pick<RetentionOptions, 'state' | 'kinds' | 'privateKeys'>;

/** `next` is when the next object will be over. */
async function purgeOver(
  sweep: Sweep,
  isOver: Retention['isOver'],
): Promise<{ readonly purged: number; readonly next: Instant | undefined }> {
  let next: number | undefined;
  let purged = 0;
  for (const kind of sweep.kinds) {
    for await (const object of eachObject(sweep.state, kind, '', () => undefined)) {
      if (object.value.deleted === undefined) continue;
      if (isOver(object.value)) {
        if (await unlessDamaged(() => purgeOne(sweep, kind, object))) purged += 1;
      } else next = Math.min(next ?? Infinity, object.value.deleted.purgeAt);
    }
  }
  return { purged, next: next === undefined ? undefined : instant(next) };
}

/** Removes all objects of a vault for good: its name may be used again. */
export async function purgeVaultContents(
  sweep: Sweep & Pick<RetentionOptions, 'compact' | 'others'>,
  vaultId: Guid,
): Promise<void> {
  for (const kind of sweep.kinds) {
    for await (const object of eachObject(sweep.state, kind, `${vaultId}/`)) await purgeOne(sweep, kind, object);
  }
  for (const table of sweep.others) {
    const records = await listAll(sweep.state, table, `${vaultId}/`);
    const write = records.map(({ id, version }) => writeRecord(table, id, version, null));
    if (write.length > 0) await sweep.state.commit({ write });
  }
  await sweep.compact();
}

/** Someone else may purge or recover the object at the same time: then it is theirs. */
async function purgeOne(
  { state, privateKeys }: Sweep,
  kind: ObjectTables,
  object: Versioned<ObjectRecord>,
): Promise<true> {
  try {
    await state.commit({ write: await purgeWrites(state, kind, object) });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
  }
  privateKeys.forget(`${object.id}/`);
  return true;
}

/** @param damaged takes records that do not open, where the others are to be seen */
export async function* eachObject<Version extends VersionRecord, Whole extends ObjectRecord>(
  state: State,
  { objects }: ObjectTables<Version, Whole>,
  prefix: string,
  damaged?: StateListOptions['damaged'],
): AsyncGenerator<Versioned<Whole>> {
  let after: string | undefined;
  for (;;) {
    const page = await state.list(objects, {
      ...{ prefix, limit: pageLength },
      ...(after === undefined ? {} : { after }),
      ...(damaged === undefined ? {} : { damaged }),
    });
    yield* page;
    after = page.at(-1)?.id;
    if (page.length < pageLength) return;
  }
}
