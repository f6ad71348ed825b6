import { createHash } from 'node:crypto';
import { BoundedCache } from '../../../base/bounded-cache.ts';
import type { Guid } from '../../../base/guid.ts';
import type { Json } from '../../../base/json.ts';
import type { Instant } from '../../../clock/clock.ts';
import type { Program } from '../../../kql/plan/plan.ts';
import type { ResultHead } from './result-format.ts';

/** What a query answered, whole. */
export interface CachedAnswer {
  readonly results: readonly CachedResult[];
  /** Of `set` statements. */
  readonly options: Program['options'];
  readonly warnings: readonly string[];
  /** Of the request that computed it. */
  readonly clientRequestId: string;
  readonly startedOn: Instant;
}

export interface CachedResult extends ResultHead {
  /** Each a JSON array. */
  readonly rows: readonly string[];
}

/** All that makes two queries identical. */
export interface ResultsKey {
  readonly databaseId: Guid;
  readonly text: string;
  /** Of the request, as the client sent them. */
  readonly properties: Json;
  /** Version of what the caller's names mean. */
  readonly catalog: string;
}

export interface ResultsStatistics {
  readonly hits: number;
  readonly misses: number;
  /** Characters of rows. */
  readonly capacity: number;
  readonly used: number;
  readonly count: number;
}

/** Characters of rows. @see Kusto "Query results cache": more than 16 MB are not kept. The service keeps 1 GB a node. */
export const cachedAnswerMax = 16 * 1024 * 1024;
const capacity = 64 * 1024 * 1024;
const countMax = 10_000;
const countedDatabasesMax = 10_000;

/** Answers of queries for clients that take old ones; those used last are kept. They are in the memory of the cluster's own process, which ends
 * when the cluster may not use its key. Whoever is answered from here is let in as if the query ran. */
export class ResultsCache {
  #answers = ResultsCache.#empty();
  readonly #counted = new BoundedCache<{ hits: number; misses: number }>({ countMax: countedDatabasesMax });

  static #empty(): BoundedCache<CachedAnswer> {
    const of = (_key: string, answer: CachedAnswer): number => sizeOf(answer);
    return new BoundedCache<CachedAnswer>({ countMax, weight: { max: capacity, of } });
  }

  /** @returns what is not older than that at `now` */
  find(key: ResultsKey, now: Instant, maxAgeMs: number): CachedAnswer | undefined {
    const found = this.#answers.get(nameOf(key));
    const age = found === undefined ? -1 : now - found.startedOn;
    const isFresh = age >= 0 && age <= maxAgeMs;
    const counts = this.#counted.get(key.databaseId) ?? { hits: 0, misses: 0 };
    counts[isFresh ? 'hits' : 'misses'] += 1;
    this.#counted.set(key.databaseId, counts);
    return isFresh ? found : undefined;
  }

  keep(key: ResultsKey, answer: CachedAnswer): void {
    if (sizeOf(answer) <= cachedAnswerMax) this.#answers.set(nameOf(key), answer);
  }

  statistics(databaseId: Guid): ResultsStatistics {
    const own = this.#ofDatabase(databaseId).map(([, answer]) => sizeOf(answer));
    return {
      ...(this.#counted.get(databaseId) ?? { hits: 0, misses: 0 }),
      ...{ capacity, used: own.reduce((sum, size) => sum + size, 0), count: own.length },
    };
  }

  /** @returns how many answers there were */
  clear(databaseId: Guid): number {
    const own = this.#ofDatabase(databaseId);
    for (const [name] of own) this.#answers.delete(name);
    return own.length;
  }

  /** The whole state is another one. */
  clearAll(): void {
    this.#answers = ResultsCache.#empty();
  }

  #ofDatabase(databaseId: Guid): (readonly [string, CachedAnswer])[] {
    return [...this.#answers.entries()].filter(([name]) => name.startsWith(`${databaseId} `));
  }
}

const sizeOf = ({ results }: CachedAnswer): number =>
  results.reduce((sum, { rows }) => rows.reduce((size, row) => size + row.length, sum), 0);

const nameOf = ({ databaseId, text, properties, catalog }: ResultsKey): string =>
  `${databaseId} ${createHash('sha256')
    .update(JSON.stringify([text, properties, catalog]))
    .digest('hex')}`;
