import type { Metric } from '../http/metrics-text.ts';
import type { CacheUse } from '../storage/cache-use.ts';
import { addedUse, noCacheUse } from '../storage/cache-use.ts';

/** What the caches of all clusters of this node have done with what they read of their container, as their processes told since this one
 * began. All stay 0 where extents are in the data directory. */
export class CacheMetrics {
  #used: CacheUse = noCacheUse;

  readonly add = (use: CacheUse): void => {
    this.#used = addedUse(this.#used, use);
  };

  list(): readonly Metric[] {
    const { hits, misses, readBytes, evictedBytes } = this.#used;
    const results = { hit: hits, miss: misses };
    return [
      counter(
        'kustody_blobs_cache_reads_total',
        'Ranges of sealed extents that the cache was asked for.',
        Object.entries(results).map(([result, value]) => ({ labels: { result }, value })),
      ),
      counter('kustody_blobs_cache_read_bytes_total', 'Sealed bytes that came from the cache.', [{ value: readBytes }]),
      counter('kustody_blobs_cache_evicted_bytes_total', 'Bytes of the cache that gave way to others.', [
        { value: evictedBytes },
      ]),
    ];
  }
}

const counter = (name: string, help: string, samples: Metric['samples']): Metric => ({
  ...{ name, type: 'counter', help, samples },
});
