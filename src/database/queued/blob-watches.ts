import { createHash } from 'node:crypto';
import { ofKind } from '../catalog/image.ts';
import type { WatchRecord } from '../catalog/queued-records.ts';
import { queuedRecordId } from '../catalog/queued-records.ts';
import type { QueuedBlob, QueuedOperations } from './queued-operations.ts';
import type { QueuedParts } from './queued-parts.ts';

/** What new blobs come from. */
export interface Watched {
  readonly connectionId: string;
  /** One that was made anew under its name is another. */
  readonly createdOn: number;
  /** What was modified earlier is not taken: milliseconds on the clock of the storage. */
  readonly since: number;
}

/** A blob as storage lists it. */
export interface FoundBlob {
  /** On the clock of the storage. */
  readonly modifiedOn: number;
  /** Changes when the blob is written anew. */
  readonly etag: string;
  readonly blob: QueuedBlob & { readonly database: string; readonly table: string };
}

/** Of one commit. */
const takenMax = 500;
/** A blob is listed so much later at most than one that was written after it: containers are listed one after the other. */
const lateMs = 10 * 60_000;
const seenMax = 10_000;

/** Which blobs of watched storage have come into the queue: that they have is in the commit with their messages, so each comes once. */
export class BlobWatches {
  readonly #parts: QueuedParts & { readonly operations: QueuedOperations };

  constructor(parts: QueuedParts & { readonly operations: QueuedOperations }) {
    this.#parts = parts;
  }

  /** Whatever was modified before has been taken, or never will be. */
  floorOf(watched: Watched): number {
    return this.#held(watched)?.floor ?? watched.since;
  }

  /** Puts blobs into the queue that it has not seen, the oldest first, so many in one commit with what is remembered of them.
   * @returns how many; durable when it resolves. @throws DataError `PayloadTooLarge` when the queue has no room, CommitRefusedError */
  async take(
    watched: Watched,
    found: readonly FoundBlob[],
    by: { readonly identity: string; readonly sentOn: number },
  ): Promise<number> {
    const { connectionId, createdOn } = watched;
    const floor = this.floorOf(watched);
    const seen = this.#held(watched)?.seen ?? [];
    const known = new Set(seen.map(({ key }) => key));
    const fresh = found
      .flatMap((one) => (one.modifiedOn < floor ? [] : { ...one, key: keyOf(one) }))
      .filter(({ key }) => !known.has(key))
      .sort((left, right) => left.modifiedOn - right.modifiedOn)
      .slice(0, takenMax);
    const newest = fresh.at(-1)?.modifiedOn;
    if (newest === undefined) return 0;
    const all = [...seen, ...fresh.map(({ key, modifiedOn }) => ({ key, modifiedOn }))];
    const record: WatchRecord = {
      ...{ kind: 'watch', watchId: idOf(connectionId), createdOn },
      ...bounded(all, Math.max(floor, newest - lateMs), newest),
    };
    await this.#parts.operations.begin(
      {
        ...{ database: '', table: '', properties: {}, isTracked: false, isAlone: false },
        blobs: fresh.map(({ blob }) => blob),
        also: [record],
      },
      by,
    );
    return fresh.length;
  }

  /** Forgets connections that are no more. */
  async keepOnly(connectionIds: readonly string[]): Promise<void> {
    const { catalog } = this.#parts;
    const kept = new Set(connectionIds.map(idOf));
    const gone = [...catalog.image.group('watch')]
      .flatMap((id) => ofKind(catalog.image.get(id), 'watch'))
      .filter(({ watchId }) => !kept.has(watchId));
    if (gone.length === 0) return;
    await catalog.change((draft) => {
      for (const record of gone) draft.delete(queuedRecordId(record));
    });
  }

  #held({ connectionId, createdOn }: Watched): WatchRecord | undefined {
    const [found] = ofKind(this.#parts.catalog.image.get(`u/${idOf(connectionId)}`), 'watch');
    return found?.createdOn === createdOn ? found : undefined;
  }
}

/** Where too much happened at once, what is late is waited for less long. */
function bounded(seen: WatchRecord['seen'], floor: number, newest: number): Pick<WatchRecord, 'floor' | 'seen'> {
  const times = seen.map(({ modifiedOn }) => modifiedOn).sort((left, right) => right - left);
  const limit = times[seenMax];
  const raised = limit === undefined ? floor : Math.max(floor, Math.min(limit + 1, newest));
  return { floor: raised, seen: seen.filter(({ modifiedOn }) => modifiedOn >= raised) };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 24);
const idOf = (connectionId: string): string => digest(connectionId);
const keyOf = ({ blob, etag, modifiedOn }: FoundBlob): string => digest(JSON.stringify([blob.name, etag, modifiedOn]));
