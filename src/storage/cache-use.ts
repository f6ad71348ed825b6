/** What a cache of sealed bytes has done: counts of ranges that were asked for and were there, or were not, bytes that came from it, and
 * bytes on the disk that gave way to others or to a disk that is nearly full. */
export interface CacheUse {
  readonly hits: number;
  readonly misses: number;
  readonly readBytes: number;
  readonly evictedBytes: number;
}

export const noCacheUse: CacheUse = { hits: 0, misses: 0, readBytes: 0, evictedBytes: 0 };

export const addedUse = (left: CacheUse, right: Partial<CacheUse>): CacheUse => ({
  hits: left.hits + (right.hits ?? 0),
  misses: left.misses + (right.misses ?? 0),
  readBytes: left.readBytes + (right.readBytes ?? 0),
  evictedBytes: left.evictedBytes + (right.evictedBytes ?? 0),
});

/** Told of each use when it happens. */
export type NoteCacheUse = (use: Partial<CacheUse>) => void;
