import type { Message } from './message.ts';
import { count, object, reader } from './message.ts';

const cacheUse = object({ hits: count, misses: count, readBytes: count, evictedBytes: count });

/** What the cache of the process of a cluster has done since it told last. */
export type CacheUseCall = Message<typeof cacheUse>;

/** @throws ProtocolError */
export const readCacheUse = reader('cacheUse', cacheUse);
