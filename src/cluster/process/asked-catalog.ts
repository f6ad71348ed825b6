import { CatalogDamagedError } from '../../database/catalog/catalog-seal.ts';
import type { AskedCatalog } from '../data-plane/cluster-host.ts';
import type { FollowedCatalog } from './followed-catalog.ts';
import { CatalogLeftBehindError } from './followed-catalog.ts';

/** So often a catalog is read anew that changes faster than it is read. */
const attemptsMax = 4;

interface Reading<Opened> {
  readonly usable: () => Promise<Opened | undefined>;
  readonly isUsable: () => boolean;
  readonly open: () => Promise<unknown>;
  /** It cannot be followed from there: nobody is answered from it any more. */
  readonly leave: (opened: Opened) => void;
}

/** A question that is about to be put to whoever writes the catalog. What cannot be followed is read anew. */
export function askedCatalog<Opened>(followed: FollowedCatalog, reading: Reading<Opened>): AskedCatalog {
  const asked = followed.asking();
  return {
    call: asked.call,
    isRecent: (reply) => reading.isUsable() && asked.isRecent(reply),
    async take(reply) {
      let isAnswered = (): Promise<boolean> => asked.take(reply);
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const opened = await reading.usable();
        try {
          if (opened === undefined) await reading.open();
          else {
            if (!(await isAnswered())) await followed.current();
            return;
          }
        } catch (error) {
          const isLeft = error instanceof CatalogLeftBehindError || error instanceof CatalogDamagedError;
          if (!isLeft || opened === undefined) throw error;
          reading.leave(opened);
        }
        // What is opened now may have been read before the question.
        isAnswered = () => Promise.resolve(false);
      }
      throw new CatalogLeftBehindError();
    },
  };
}
