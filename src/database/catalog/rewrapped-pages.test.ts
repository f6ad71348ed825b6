import { afterEach, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openPaged } from '../../../tests/support/paged-extents.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { extentsPerPage } from './extent-page.ts';

let cluster: DataFixture;
afterEach(() => cluster.close());

it('a change of custody wraps the keys of a page of extents in a turn of the event loop, or of as many extents', async () => {
  ({ cluster } = await openPaged(2 * extentsPerPage + 50));
  await cluster.manyExtents(2 * extentsPerPage);
  const catalog = await cluster.catalog();
  const sofar = { keys: 0, isDone: false };
  const wrapped = (key: Uint8Array): Uint8Array => {
    sofar.keys += 1;
    return key;
  };
  const each: number[] = [];
  let before = 0;
  const watch = (): void => {
    each.push(sofar.keys - before);
    before = sofar.keys;
    if (!sofar.isDone) setImmediate(watch);
  };
  setImmediate(watch);
  const changed = await catalog.rewrap(catalog.keys, { dek: wrapped, segmentKey: wrapped }, newGuid(systemRandomBytes));
  sofar.isDone = true;
  changed.abandon();
  expect(sofar.keys).toBe(4 * extentsPerPage + 52);
  expect(Math.max(...each)).toBeLessThan(2 * extentsPerPage);
});
