import type { Soon } from '../../base/soon.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';

/** Deletions, recoveries and purges that are under way. Those of the service take seconds, in which a deleted object is neither live nor among the deleted, and
 * clients look again and again. Here they take a moment: the first two looks are told the same, as pollers that are stopped and resumed
 * look twice at once, and whoever would be told to come again after that is made to wait for the end. */
export interface Deletions {
  /** It has been committed. @param id of the object's record, with its collection in front */
  begin(id: string): void;
  isUnderWay(id: string): boolean;
  /** @returns true for the first looks while it is under way; resolves for all others when it is not */
  isNotYet(id: string): Soon<boolean>;
  /** Resolves when none of that object is under way. */
  over(id: string): Promise<void>;
  /** Ends all of them. */
  stop(): void;
}

const looksTold = 2;

/** @param momentMs 0: they are over at once */
export function createDeletions(monotonic: Pick<MonotonicClock, 'after'> | undefined, momentMs: number): Deletions {
  const underWay = new Map<string, { readonly end: () => void; readonly ended: Promise<void>; looks: number }>();

  return {
    begin: (id) => {
      if (monotonic === undefined || momentMs === 0) return;
      underWay.get(id)?.end();
      let resolve = (): void => undefined;
      const ended = new Promise<void>((done) => (resolve = done));
      const end = (): void => {
        cancel();
        if (underWay.get(id)?.ended === ended) underWay.delete(id);
        resolve();
      };
      const cancel = monotonic.after(momentMs, end);
      underWay.set(id, { end, ended, looks: 0 });
    },
    isUnderWay: (id) => underWay.has(id),
    isNotYet: (id) => {
      const deletion = underWay.get(id);
      if (deletion === undefined) return false;
      deletion.looks += 1;
      return deletion.looks <= looksTold || deletion.ended.then(() => false);
    },
    over: async (id) => underWay.get(id)?.ended,
    stop: () => {
      for (const { end } of underWay.values()) end();
    },
  };
}

/** Of a recovery, which takes as long: an object that is coming back is not live yet. */
export const recoveryId = (kind: { readonly collection: string }, objectId: string): string =>
  `recovered/${deletionId(kind, objectId)}`;

/** Of a purge, which takes as long: its name is not free yet for a backup. */
export const purgeId = (kind: { readonly collection: string }, objectId: string): string =>
  `purged/${deletionId(kind, objectId)}`;

/** What `begin` and the others are called with. */
export const deletionId = ({ collection }: { readonly collection: string }, objectId: string): string =>
  `${collection}/${objectId}`;
