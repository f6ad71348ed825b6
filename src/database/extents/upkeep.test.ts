import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { FilesystemBlobStore } from '../../storage/filesystem/filesystem-blob-store.ts';
import type { ExtentView } from '../catalog/catalog-view.ts';

let cluster: DataFixture;
let directory: string;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-upkeep-'));
  cluster = await openDataFixture({ blobs: FilesystemBlobStore.open(directory) });
});
afterEach(async () => {
  await cluster.close();
  rmSync(directory, { recursive: true });
});

const extentsOf = async (table: string): Promise<readonly ExtentView[]> => (await cluster.data()).extents('db', table);
const folder = (): string => join(directory, 'clusters', cluster.clusterId);

/** A table of ten small extents, one row each. */
async function makeTable(name: string): Promise<void> {
  await cluster.table(name, { n: 'long' });
  for (let n = 1; n <= 10; n += 1) await cluster.ingest(name, 'csv', String(n), { kind: 'inline' });
}

function damage({ dekId }: ExtentView): void {
  const path = join(folder(), `${dekId}.blob`);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  writeFileSync(path, bytes);
}

describe('upkeep beside a damaged extent', () => {
  it('goes on for all other extents and tables, and says what it could not do', async () => {
    for (const name of ['Damaged', 'Healthy', 'Old']) await makeTable(name);
    const [first] = await extentsOf('Damaged');
    if (first === undefined) throw new Error('the table has extents');
    damage(first);
    await cluster.crash(); // nothing is in memory
    const data = await cluster.data();
    await data.setPolicy('db', 'Old', 'retention', { SoftDeletePeriod: '1.00:00:00', Recoverability: 'Disabled' });
    writeFileSync(join(folder(), '11111111-1111-4111-8111-111111111111.blob'), 'nobody names it');
    cluster.advance(2 * 86_400_000);
    for (let n = 1; n <= 10; n += 1) await cluster.ingest('Old', 'csv', String(n), { kind: 'inline' });

    await data.maintain();

    const counts = await Promise.all(['Damaged', 'Healthy', 'Old'].map(async (name) => (await extentsOf(name)).length));
    expect(counts).toEqual([2, 1, 1]); // the nine others, all ten, and those that are not too old
    expect(readdirSync(folder()).length).toBe(4);
    expect((await cluster.rows('Healthy')).length).toBe(10);
    const { tableId } = data.table('db', 'Damaged');
    const problem = { step: 'merge', table: { tableId }, error: 'SealedBytesError', unreadableExtents: 1, times: 1 };
    expect(data.upkeepProblems()).toMatchObject([problem]);

    await data.maintain();
    expect(data.upkeepProblems()).toMatchObject([{ ...problem, times: 2 }]);

    await data.dropExtents('db', 'Damaged', { extentIds: [first.extentId] });
    await data.maintain();
    expect(data.upkeepProblems()).toEqual([]);
  });

  it('drops nothing for its age while the clock is doubtful', async () => {
    await makeTable('Old');
    const data = await cluster.data();
    await data.setPolicy('db', 'Old', 'retention', { SoftDeletePeriod: '1.00:00:00', Recoverability: 'Disabled' });
    cluster.advance(2 * 86_400_000);
    await data.maintain({ destructionHeld: true });
    expect((await extentsOf('Old')).length).toBeGreaterThan(0);
    await data.maintain();
    expect(await extentsOf('Old')).toEqual([]);
  });
});
