import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../base/json.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import { mergeable } from './merge-policy.ts';

const hour = 3_600_000;
const now = Date.UTC(2026, 0, 31);

type Extent = Pick<ExtentRecord, 'rowCount' | 'originalBytes' | 'minCreatedOn' | 'maxCreatedOn' | 'tags'>;
const extent = (hoursAgo: number, more: Partial<Extent> = {}): Extent => ({
  rowCount: 1000,
  originalBytes: 1 << 20,
  minCreatedOn: now - hoursAgo * hour,
  maxCreatedOn: now - hoursAgo * hour,
  tags: [],
  ...more,
});
const chosen = (extents: readonly Extent[], merge: JsonObject = {}, sharding: JsonObject = {}): number[] =>
  mergeable(extents, { merge, sharding }, { softDeleteMs: Infinity, hotMs: 24 * hour }, now).map((one) =>
    extents.indexOf(one),
  );

describe('extents that may be merged', () => {
  const four = [extent(4), extent(3), extent(2), extent(1)];
  it.each<[string, readonly Extent[], JsonObject, JsonObject, number[]]>([
    ['small ones, oldest first', [extent(1), extent(2), extent(1, { rowCount: 300_000 })], {}, {}, [1, 0]],
    ['none where merging is not allowed', four, { AllowMerge: false }, {}, []],
    ['up to a count of rows', four, { RowCountUpperBoundForMerge: 2500 }, {}, [0, 1]],
    ['up to the count of rows of a shard', four, {}, { MaxRowCount: 3000 }, [0, 1, 2]],
    ['up to a size', four, { OriginalSizeMBUpperBoundForMerge: 3 }, {}, [0, 1, 2]],
    ['zero is no limit', four, { OriginalSizeMBUpperBoundForMerge: 0 }, {}, [0, 1, 2, 3]],
    ['up to a number of them', four, { MaxExtentsToMerge: 2 }, {}, [0, 1]],
    ['within a day', [extent(60), extent(30), extent(20), extent(10)], {}, {}, [1, 2, 3]],
    ['within a range', [extent(60), extent(59), extent(20)], { MaxRangeInHours: 2 }, {}, [0, 1]],
    ['of two weeks', [extent(400), extent(399), extent(1)], {}, {}, [2]],
    ['of all time', [extent(400), extent(399), extent(1)], { Lookback: { Kind: 'All' } }, {}, [0, 1]],
    ['that are hot', [extent(26), extent(25), extent(23), extent(22)], { Lookback: { Kind: 'HotCache' } }, {}, [2, 3]],
    [
      'of a period',
      [extent(5), extent(3), extent(2)],
      { Lookback: { Kind: 'Custom', CustomPeriod: '04:00:00' } },
      {},
      [1, 2],
    ],
    [
      'that would be dropped together',
      [
        extent(3, { tags: ['drop-by:a', 'x'] }),
        extent(2, { tags: ['y', 'drop-by:a'] }),
        extent(1, { tags: ['drop-by:b'] }),
      ],
      {},
      {},
      [0, 1],
    ],
  ])('%s', (_what, extents, merge, sharding, expected) => {
    expect(chosen(extents, merge, sharding)).toEqual(expected);
  });

  it('are looked at no more often than a fixed number of times each', () => {
    let looks = 0;
    const many = Array.from({ length: 20_000 }, (_value, index) => {
      const one = extent(10 - index / 4_000, { rowCount: 200_000 + (index % 7) });
      const { rowCount } = one;
      return Object.defineProperty(one, 'rowCount', { get: () => ((looks += 1), rowCount) });
    });
    expect(chosen(many)).toHaveLength(5);
    expect(looks).toBeLessThan(20 * many.length);
  });
});
