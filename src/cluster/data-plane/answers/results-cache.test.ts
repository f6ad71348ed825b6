import { beforeEach, describe, expect, it } from 'vitest';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { instant } from '../../../clock/clock.ts';
import type { CachedAnswer, ResultsKey } from './results-cache.ts';
import { cachedAnswerMax, ResultsCache } from './results-cache.ts';

const [here, there] = [newGuid(systemRandomBytes), newGuid(systemRandomBytes)];
const key = (change: Partial<ResultsKey> = {}): ResultsKey => ({
  ...{ databaseId: here, text: 'T', properties: { Options: {} }, catalog: '1' },
  ...change,
});
const answer = (startedOn: number, rows: readonly string[] = ['[1]']): CachedAnswer => ({
  results: [{ name: 'PrimaryResult', columns: [{ name: 'a', type: 'long' }], rows }],
  ...{ options: {}, warnings: [], clientRequestId: 'first', startedOn: instant(startedOn) },
});

let cache: ResultsCache;
beforeEach(() => {
  cache = new ResultsCache();
});

describe('the cache of results', () => {
  it('gives what is as old as the client takes, and never what is of a later time', () => {
    cache.keep(key(), answer(1_000));
    const found = [1_000, 1_500, 1_501, 999].map((now) => cache.find(key(), instant(now), 500)?.clientRequestId);
    expect(found).toEqual(['first', 'first', undefined, undefined]);
    expect(cache.statistics(here)).toMatchObject({ hits: 2, misses: 2, used: 3, count: 1 });
  });

  it.each<[string, Partial<ResultsKey>]>([
    ['another database', { databaseId: there }],
    ['another text', { text: 'T ' }],
    ['other properties', { properties: { Options: { notruncation: true } } }],
    ['other names', { catalog: '2' }],
  ])('takes %s for another query', (_what, change) => {
    cache.keep(key(), answer(0));
    expect(cache.find(key(change), instant(0), 1_000)).toBeUndefined();
    expect(cache.find(key(), instant(0), 1_000)).toBeDefined();
  });

  it('keeps no answer of more than 16 MB, and of others those used last', () => {
    const large = 'x'.repeat(cachedAnswerMax / 2);
    cache.keep(key(), answer(0, [large, large, 'x']));
    expect(cache.statistics(here).count).toBe(0);
    for (const text of ['a', 'b', 'c', 'd']) cache.keep(key({ text }), answer(0, [large, large]));
    cache.find(key({ text: 'a' }), instant(0), 1);
    cache.keep(key({ text: 'e' }), answer(0, [large, large]));
    const kept = ['a', 'b', 'c', 'd', 'e'].filter((text) => cache.find(key({ text }), instant(0), 1) !== undefined);
    expect(kept).toEqual(['a', 'c', 'd', 'e']);
    const { used, capacity } = cache.statistics(here);
    expect(used).toBe(capacity);
  });

  it('is cleared for one database, or for all', () => {
    cache.keep(key(), answer(0));
    cache.keep(key({ text: 'U' }), answer(0));
    cache.keep(key({ databaseId: there }), answer(0));
    expect(cache.clear(here)).toBe(2);
    expect([here, there].map((id) => cache.statistics(id).count)).toEqual([0, 1]);
    cache.clearAll();
    expect(cache.statistics(there)).toMatchObject({ count: 0, used: 0 });
  });
});
