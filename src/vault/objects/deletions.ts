import type { MonotonicClock } from '../../clock/monotonic-clock.ts';

/** Deletions that are under way. Those of the service take seconds, in which a deleted object is neither live nor among the deleted, and
 * clients look again and again. Here they take a moment: who looks for the first time is told the same, and whoever would be told to
 * come again after that is made to wait for the end. */
export interface Deletions {
  /** It has been committed. @param id of the object's record, with its collection in front */
  begin(id: string): void;
  isUnderWay(id: string): boolean;
  /** @returns true for the first look while it is under way; resolves for all others when it is not */
  isNotYet(id: string): Promise<boolean>;
  /** Resolves when none of that object is under way. */
  over(id: string): Promise<void>;
  /** Ends all of them. */
  stop(): void;
}

/** @param momentMs 0: they are over at once */
export function createDeletions(monotonic: Pick<MonotonicClock, 'after'> | undefined, momentMs: number): Deletions {
  const underWay = new Map<string, { readonly end: () => void; readonly ended: Promise<void>; seen: boolean }>();
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
      underWay.set(id, { end, ended, seen: false });
    },
    isUnderWay: (id) => underWay.has(id),
    isNotYet: async (id) => {
      const deletion = underWay.get(id);
      if (deletion === undefined) return false;
      if (deletion.seen) {
        await deletion.ended;
        return false;
      }
      return (deletion.seen = true);
    },
    over: async (id) => underWay.get(id)?.ended,
    stop: () => {
      for (const { end } of underWay.values()) end();
    },
  };
}

/** What `begin` and the others are called with. */
export const deletionId = ({ collection }: { readonly collection: string }, objectId: string): string =>
  `${collection}/${objectId}`;
