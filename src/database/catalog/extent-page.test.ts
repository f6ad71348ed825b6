import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../../base/base64url.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { plannedReads } from '../extents/extent-statistics.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { blobsIn, decodePage, encodePage, goneFrom, makePage, openPage, pageWithout } from './extent-page.ts';
import { guidBytes } from './packed-form.ts';
import { PageBody, placeIn } from './page-body.ts';
import { mayHaveTag } from './page-facts.ts';
import { PageIndex } from './page-index.ts';
import type { ColumnRange, ExtentPageRecord, ExtentRecord } from './records.ts';
import { sealedOf } from './records.ts';

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

/** As those of a table are: a value and a number of rows each. @param valueOf so many extents have the same values */
function alike(count: number, valueOf = 1): ExtentRecord[] {
  return fc.sample(sealed, { seed: 1, numRuns: count }).map((own, index): ExtentRecord => {
    const ticks = `${638_000_000_000_000_000n + BigInt(Math.trunc(index / valueOf))}`;
    return {
      ...{ kind: 'extent', extentId: newGuid(systemRandomBytes), tableId, columnIds: [0, 1, 2] },
      ...{ sealed: own, ranges: { 1: [ticks, ticks], 2: ['0', '1'] }, nulls: { 0: 0, 1: 0, 2: 0 } },
      ...{ texts: {}, rowCount: 1_000 + index, originalBytes: 70, minCreatedOn: 5, maxCreatedOn: 6, tags: [] },
    };
  });
}

/** A page but for how it is packed, and in which order columns are named. */
const inOrder = ({ pageId, tableId, epoch, facts }: ExtentPageRecord): unknown => ({
  ...{ pageId, tableId, epoch, ...facts },
  columnIds: facts.columnIds.toSorted((left, right) => left - right),
});

describe('a page of extents', () => {
  it('has each of them as it was, stored or not, and by its id', () => {
    fc.assert(
      fc.property(extents, (some) => {
        const page = decodePage(encodePage(makePage(newGuid(systemRandomBytes), some)));
        expect(openPage(page)).toEqual(byId(some));
        for (const one of some) {
          const place = placeIn(page.body, guidBytes(one.extentId)) ?? -1;
          expect(new PageBody(page.body).extent(place)).toEqual(one);
        }
        expect(placeIn(page.body, systemRandomBytes(16) as Buffer)).toBeUndefined();
        expect(blobsIn(page)).toEqual(byId(some).flatMap((one) => sealedOf(one).map(({ blob }) => blob)));
      }),
      { numRuns: 50 },
    );
  });

  it('has the others when some have gone, with what is known of them, and is none without any', () => {
    const isGone = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(extents, isGone, isGone, (some, first, second) => {
        let page = makePage(newGuid(systemRandomBytes), some);
        // What went from it before was the reason for some of what is known.
        for (const those of [first, second]) {
          const before = openPage(page);
          const gone = before.flatMap((_one, place) => (those[place] === true ? [place] : []));
          const left = before.filter((_one, place) => those[place] !== true);
          const now = pageWithout(page, new Set(gone), (place) => new PageBody(page.body).extent(place));
          expect(goneFrom(page, now ?? undefined)).toEqual(gone.map((place) => before[place]));
          if (now === null) {
            expect(left).toEqual([]);
            return;
          }
          expect(openPage(now)).toEqual(left);
          expect(openPage(decodePage(encodePage(now)))).toEqual(left);
          expect(inOrder(now)).toEqual(inOrder(makePage(page.pageId, left)));
          page = now;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is read no further than what has gone is the reason for', () => {
    const some = alike(64);
    const page = makePage(newGuid(systemRandomBytes), some);
    const body = new PageBody(page.body);
    const read = new Set<number>();
    const without = (gone: number): ExtentPageRecord | null => {
      read.clear();
      return pageWithout(page, new Set([gone]), (place) => {
        read.add(place);
        return body.extent(place);
      });
    };
    const places = openPage(page).map(({ rowCount }, place) => ({ rowCount, place }));
    const [least, next] = places.sort((left, right) => left.rowCount - right.rowCount);
    expect(without(next?.place ?? -1)?.facts.leastRowCount).toBe(least?.rowCount);
    expect(read.size).toBeLessThan(4);
    expect(without(least?.place ?? -1)?.facts.leastRowCount).toBe(next?.rowCount);
    expect(read.size).toBe(64);
  });

  it('has no value any more of those that have gone, also none that several of them had', () => {
    const some = alike(20).map((one, index) =>
      index < 2 ? { ...one, tags: ['only theirs'], texts: { 2: ['of their rows', 'of their rows'] as const } } : one,
    );
    const page = makePage(newGuid(systemRandomBytes), some);
    const body = new PageBody(page.body);
    const theirs = openPage(page).flatMap(({ tags }, place) => (tags.length > 0 ? [place] : []));
    expect(['only theirs', 'of their rows'].every((text) => encodePage(page).includes(text))).toBe(true);
    const now = pageWithout(page, new Set(theirs), (place) => body.extent(place));
    if (now === null) throw new Error('something is left');
    expect(['only theirs', 'of their rows'].some((text) => encodePage(now).includes(text))).toBe(false);
    expect(openPage(now)).toEqual(openPage(page).filter((_one, place) => !theirs.includes(place)));
  });

  it('keeps no more of what those that have gone shared than the others take', () => {
    let page = makePage(newGuid(systemRandomBytes), alike(256, 2));
    const whole = page.body.length;
    while (page.facts.count > 4) {
      const gone = new Set(Array.from({ length: page.facts.count >> 1 }, (_value, place) => place));
      const { body } = page;
      const now = pageWithout(page, gone, (place) => new PageBody(body).extent(place));
      if (now === null) throw new Error('something is left');
      page = now;
    }
    expect(page.body.length).toBeLessThan(whole / 16);
  });

  it('says which tags it has not', () => {
    const tags = fc.array(fc.string({ unit: 'binary' }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(tags, { minLength: 1, maxLength: 5 }), (each) => {
        const [model] = alike(1);
        if (model === undefined) throw new Error('there is a model');
        const some = each.map((own): ExtentRecord => ({ ...model, extentId: newGuid(systemRandomBytes), tags: own }));
        const { facts } = makePage(newGuid(systemRandomBytes), some);
        for (const tag of each.flat()) expect(mayHaveTag(facts, tag)).toBe(true);
        const others = Array.from({ length: 100 }, (_value, index) => `another tag ${index}`);
        expect(others.filter((tag) => mayHaveTag(facts, tag))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('is found by the id of each of its extents, as long as it has it', () => {
    const index = new PageIndex();
    const pages = Array.from({ length: 30 }, () => makePage(newGuid(systemRandomBytes), alike(50)));
    const pageOf = (id: string): ExtentPageRecord | undefined => index.find(guidBytes(id))?.page;
    const check = (there: readonly ExtentPageRecord[]): void => {
      for (const page of pages)
        for (const { extentId } of openPage(page)) {
          const holder = there.find(
            (one) => one.pageId === page.pageId && placeIn(one.body, guidBytes(extentId)) !== undefined,
          );
          expect(pageOf(extentId)).toBe(holder);
        }
    };
    expect(pageOf(newGuid(systemRandomBytes))).toBeUndefined();
    for (const page of pages.slice(0, 5)) index.set(page);
    check(pages.slice(0, 5));
    for (const page of pages.slice(5)) index.set(page); // more than the table was made for
    check(pages);
    const less = pages.map((page) =>
      pageWithout(page, new Set([1, 7]), (place) => new PageBody(page.body).extent(place)),
    );
    for (const page of less) if (page !== null) index.set(page);
    check(less.flatMap((page) => page ?? []));
    for (const page of less.slice(0, 10)) if (page !== null) index.delete(page);
    check(less.slice(10).flatMap((page) => page ?? []));
  });

  it('takes a third of their JSON', () => {
    const some = alike(256);
    expect(encodePage(makePage(newGuid(systemRandomBytes), some)).length).toBeLessThan(JSON.stringify(some).length / 3);
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
