import { expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { CatalogRecord, ExtentRecord } from './records.ts';
import { recordId } from './records.ts';
import { SharedParts } from './shared-parts.ts';

const id = () => newGuid(systemRandomBytes);
const tableId = id();

const written = (more: Partial<ExtentRecord> = {}): ExtentRecord => ({
  ...({ kind: 'extent', extentId: id(), tableId, columnIds: [0, 1, 2], rowCount: 7, originalBytes: 70 } as const),
  sealed: {
    ...{ blob: id() as never, dekId: id(), wrappedDek: 'abc' as never, algorithm: 'AES_GCM_256' },
    ...{ regionBytes: 4, regions: 1, length: 4 },
  },
  ...{ ranges: { 0: ['5', '5'], 1: ['1', '9'], 2: ['638000000000000000', '638000000000000000'] } },
  ...{ nulls: { 0: 0, 1: 2 }, minCreatedOn: 1, maxCreatedOn: 2, tags: [] },
  ...more,
});

const read = (shared: SharedParts, record: CatalogRecord): CatalogRecord =>
  shared.record(recordId(record), JSON.parse(JSON.stringify(record)) as CatalogRecord);

it.each([
  written(),
  written({ tags: ['drop-by:x', 'y'], ranges: {}, columnIds: [] }),
  written({ tags: ['drop-by:x', 'y'], texts: { 3: ['a', 'a'] }, epoch: 2, ingestedAt: 5 }),
  { kind: 'failure', failureId: id(), failure: {} as never } as const,
])('leaves a record what it says', (record) => {
  const shared = new SharedParts();
  for (let time = 0; time < 2; time += 1) expect(read(shared, record)).toEqual(record);
});

it('has what extents are alike in once', () => {
  const shared = new SharedParts();
  const [one, other] = [written({ tags: ['x'] }), written({ tags: ['x'] })].map((record) => read(shared, record));
  if (one?.kind !== 'extent' || other?.kind !== 'extent') throw new Error('they are extents');
  for (const part of ['columnIds', 'tags', 'nulls'] as const) expect(one[part]).toBe(other[part]);
  expect(one.ranges[0]).toBe(other.ranges[0]);
  expect(one.extentId).not.toBe(other.extentId);
});
