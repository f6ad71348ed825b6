import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../base/base64url.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { plannedReads } from '../extents/extent-statistics.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { decodePage, encodePage, extentInPage, isInPage, makePage, openPage, pageWithout } from './extent-page.ts';
import { guidBytes } from './packed-values.ts';
import type { ColumnRange, ExtentRecord } from './records.ts';

const tableId = newGuid(systemRandomBytes);
const columns = [1, 2, 3];

const sealed = fc.record({ length: fc.nat(), regions: fc.integer({ min: 1, max: 3 }) }).map((sizes) => {
  const blob = parseBlobName(`clusters/${tableId}/${newGuid(systemRandomBytes)}`);
  if (blob === undefined) throw new Error('a blob has a name');
  const wrappedDek = toBase64Url(systemRandomBytes(40));
  return {
    ...{ blob, dekId: newGuid(systemRandomBytes), wrappedDek, algorithm: 'AES_GCM_256', regionBytes: 4_194_304 },
    ...sizes,
  };
});
const number = fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n });
const range = fc
  .tuple(number, number)
  .map(([one, other]): ColumnRange => (one < other ? [`${one}`, `${other}`] : [`${other}`, `${one}`]));
const text = fc.string({ minLength: 1, maxLength: 4, unit: fc.constantFrom('a', 'b', 'z', '~') });
const texts = fc.tuple(text, text).map((pair): ColumnRange => (pair[0] < pair[1] ? pair : [pair[1], pair[0]]));
const ofColumns = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc.dictionary(fc.constantFrom(...columns.map(String)), value, { noNullPrototype: true });
const extent: fc.Arbitrary<ExtentRecord> = fc
  .record(
    {
      ...{ sealed, ranges: ofColumns(range), columnIds: fc.subarray(columns) },
      ...{ texts: ofColumns(texts), nulls: ofColumns(fc.nat(2)), rowCount: fc.integer({ min: 1, max: 2 }) },
      ...{ originalBytes: fc.nat(), minCreatedOn: fc.nat(1000), maxCreatedOn: fc.integer({ min: 1000, max: 9000 }) },
      ...{ tags: fc.array(fc.string({ unit: 'binary' })), ingestedAt: fc.nat(), ingestedTo: fc.nat() },
      terms: fc.record({ form: fc.constant(1 as const), columnIds: fc.subarray(columns), bits: fc.nat(), sealed }),
    },
    {
      requiredKeys: [
        ...(['sealed', 'columnIds', 'ranges', 'rowCount', 'originalBytes'] as const),
        ...(['minCreatedOn', 'maxCreatedOn', 'tags'] as const),
      ],
    },
  )
  .map(({ nulls, ranges, ...facts }) => ({
    ...{ kind: 'extent', extentId: newGuid(systemRandomBytes), tableId, format: 1 },
    ...facts,
    // As an extent has them: of columns that it has; none where no row has a value.
    ranges: Object.fromEntries(
      Object.entries(ranges).filter(([id]) => facts.columnIds.includes(Number(id)) && nulls?.[id] !== facts.rowCount),
    ),
    ...(nulls && {
      nulls: Object.fromEntries(Object.entries(nulls).map(([id, n]) => [id, Math.min(n, facts.rowCount)])),
    }),
  }));
const extents = fc.array(extent, { minLength: 1, maxLength: 12 });

const byId = (list: readonly ExtentRecord[]): ExtentRecord[] =>
  list.toSorted((left, right) => (left.extentId < right.extentId ? -1 : 1));

describe('a page of extents', () => {
  it('has each of them as it was, stored or not, and by its id', () => {
    fc.assert(
      fc.property(extents, (some) => {
        const page = decodePage(encodePage(makePage(newGuid(systemRandomBytes), some)));
        expect(openPage(page)).toEqual(byId(some));
        for (const one of some) expect(extentInPage(page, guidBytes(one.extentId))).toEqual(one);
        expect(isInPage(page, systemRandomBytes(16) as Buffer)).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('has the others when some have gone, and is none without any', () => {
    fc.assert(
      fc.property(extents, fc.nat(12), (some, count) => {
        const page = makePage(newGuid(systemRandomBytes), some);
        const gone = new Set(some.slice(0, count).map(({ extentId }) => extentId));
        const left = some.slice(count);
        expect(pageWithout(page, gone)).toEqual(left.length === 0 ? null : makePage(page.pageId, left));
      }),
      { numRuns: 50 },
    );
  });

  it('takes a sixth of their JSON', () => {
    const [model] = fc.sample(extent, { seed: 1, numRuns: 1 });
    if (model === undefined) throw new Error('there is a sample');
    const some = Array.from({ length: 256 }, (_value, index): ExtentRecord => {
      const [own] = fc.sample(sealed, 1);
      const ticks = `${638_000_000_000_000_000n + BigInt(index)}`;
      return {
        ...model,
        ...(own && { sealed: own }),
        extentId: newGuid(systemRandomBytes),
        ranges: { 1: [ticks, ticks] },
      };
    });
    expect(encodePage(makePage(newGuid(systemRandomBytes), some)).length).toBeLessThan(JSON.stringify(some).length / 4);
  });

  it('decides what a query reads as its extents do', () => {
    const bound = fc.option(number, { nil: undefined });
    const condition = fc
      .record({
        column: fc.constantFrom('c1', 'c2', 'c3'),
        min: bound,
        max: bound,
        texts: fc.option(fc.array(text), { nil: undefined }),
      })
      .map((one) => Object.fromEntries(Object.entries(one).filter(([, value]) => value !== undefined)));
    const conditions = fc.array(condition, { maxLength: 2 });
    const summary = fc.record({ ranges: conditions, columns: fc.subarray(['c1', 'c2', 'c3']) });
    const uses = fc.record(
      { rows: conditions, summaries: fc.array(summary, { maxLength: 2 }) },
      { requiredKeys: ['summaries'] },
    );
    const stored = columns.map((columnId) => ({ columnId, name: `c${columnId}`, type: 'long' as const }));
    fc.assert(
      fc.property(extents, uses, (some, asked) => {
        const page = makePage(newGuid(systemRandomBytes), some);
        const each = plannedReads(stored, byId(some), asked as unknown as TableUses, () => []);
        const paged = plannedReads(stored, [page], asked as unknown as TableUses, openPage);
        expect(paged).toEqual(each);
      }),
      { numRuns: 300 },
    );
  });
});
