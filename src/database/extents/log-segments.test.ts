import { expect, it } from 'vitest';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';

it('a segment of the log belongs to the process that began it: none goes on with it, so no key seals in two', async () => {
  const fixture = await openDataFixture();
  await fixture.data();
  await fixture.table('T', { N: 'long' });
  /** Of each log record its version and its place, `SEGMENT/NUMBER`. */
  const log = async (): Promise<ReadonlyMap<string, number>> => {
    const records = await fixture.stateStore.list(clusterCatalogTable.name);
    return new Map(
      records.flatMap(({ id, version }) => {
        const place = /\/(?:l|log)\/([0-9a-f-]{36}\/\d{8})$/.exec(id)?.[1];
        return place === undefined ? [] : [[place, version] as const];
      }),
    );
  };
  const segmentsOf = (records: ReadonlyMap<string, number>): readonly string[] =>
    [...new Set([...records.keys()].map((place) => place.split('/')[0] ?? ''))].toSorted();

  for (const row of ['1', '2']) await fixture.ingest('T', 'csv', row);
  const before = await log();
  expect([before.size, segmentsOf(before).length]).toEqual([2, 1]);

  let known = before;
  for (const row of ['3', '4', '5']) {
    await fixture.crash();
    await fixture.ingest('T', 'csv', row);
    const after = await log();
    const fresh = [...after.keys()].filter((place) => !known.has(place));
    expect(fresh).toHaveLength(1);
    expect(fresh[0]).toMatch(/\/00000000$/); // of a segment of its own
    expect(segmentsOf(known)).not.toContain(fresh[0]?.split('/')[0]);
    for (const [place, version] of known) expect(after.get(place)).toBe(version);
    known = after;
  }
  expect(segmentsOf(known)).toHaveLength(4);
  expect(known.size).toBe(5);
  await fixture.close();
});
