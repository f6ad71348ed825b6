import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { Catalog } from '../catalog/catalog.ts';
import type { OpenedClusterData } from '../open-cluster-data.ts';

type When = 'before it is there' | 'after it is there';

/** Holds the next blob up, before it is there, or before whoever writes it hears of it. */
class HeldBlobs extends MemoryBlobStore {
  #held: { readonly when: When; readonly until: Promise<void>; readonly arrived: () => void } | undefined;

  /** @returns resolves when a blob is held up; and lets it go on */
  hold(when: When): { readonly arrived: Promise<void>; readonly release: () => void } {
    let [release, arrive] = [(): void => undefined, (): void => undefined];
    const until = new Promise<void>((resolve) => (release = resolve));
    const arrived = new Promise<void>((resolve) => (arrive = resolve));
    this.#held = { when, until, arrived: arrive };
    return { arrived, release };
  }

  override async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const held = this.#held;
    this.#held = undefined;
    const wait = async (when: When): Promise<void> => {
      if (held?.when !== when) return;
      held.arrived();
      await held.until;
    };
    await wait('before it is there');
    const written = await super.write(name, pieces);
    await wait('after it is there');
    return written;
  }
}

const fixtures: DataFixture[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const fixture of fixtures.splice(0)) await fixture.close();
});

/** A cluster with one row, and its data as a process has it open that will soon be paused. */
async function cluster(options: { readonly afterCustody: boolean }) {
  const blobs = new HeldBlobs();
  const fixture = await openDataFixture({ blobs });
  fixtures.push(fixture);
  await fixture.table('T', { n: 'long' });
  await fixture.ingest('T', 'csv', '1', { kind: 'inline' });
  if (options.afterCustody) await fixture.changeCustody();
  const count = async (): Promise<number> => {
    const names: BlobName[] = [];
    for await (const { name } of blobs.list('')) names.push(name);
    return names.length;
  };
  const add = (data: OpenedClusterData, n: number) =>
    data.ingest({ database: 'db', table: 'T', format: 'csv', body: Buffer.from(String(n)), kind: 'inline' });
  return { blobs, fixture, count, add, old: await fixture.data() };
}

describe.each([{ afterCustody: false }, { afterCustody: true }])('of two writers (%o)', (options) => {
  it('the one that collected garbage alone commits: a blob that it deleted is never named', async () => {
    const { blobs, fixture, count, add, old } = await cluster(options);
    const { arrived, release } = blobs.hold('after it is there');
    const added = add(old, 2); // paused when its blob is there, and nobody names it
    await arrived;
    expect(await count()).toBe(2);
    const next = await fixture.crash();
    await next.maintain();
    expect(await count()).toBe(1);
    release();
    await expect(added).rejects.toMatchObject({ name: 'CommitRefusedError' });
    await expect(add(old, 3)).rejects.toMatchObject({ name: 'CommitRefusedError' });
    await add(next, 4);
    await fixture.crash();
    expect(await fixture.rows('T', 'n')).toEqual([[1n], [4n]]);
  });

  it('a blob that came after the other one looked is garbage of the next collection, and never named either', async () => {
    const { blobs, fixture, count, add, old } = await cluster(options);
    const { arrived, release } = blobs.hold('before it is there');
    const added = add(old, 2);
    await arrived;
    const next = await fixture.crash();
    await next.maintain();
    release();
    await expect(added).rejects.toMatchObject({ name: 'CommitRefusedError' });
    expect(await count()).toBe(2);
    await next.maintain();
    expect(await count()).toBe(1);
    expect(await fixture.rows('T', 'n')).toEqual([[1n]]);
  });

  it('the one that does not know what the other one has named deletes nothing', async () => {
    const { fixture, count, add, old } = await cluster(options);
    const next = await fixture.crash();
    await add(next, 2);
    await old.maintain().catch(() => undefined);
    expect(await count()).toBe(2);
    expect(await fixture.rows('T', 'n')).toEqual([[1n], [2n]]);
  });

  it('that is the fence of the collector: without it rows that were acknowledged are lost', async () => {
    const { blobs, fixture, add, old } = await cluster(options);
    const { arrived, release } = blobs.hold('after it is there');
    const added = add(old, 2);
    await arrived;
    vi.spyOn(Catalog.prototype, 'fence').mockResolvedValue();
    await (await fixture.crash()).maintain();
    release();
    expect(await added).toMatchObject({ rowCount: 1 });
    await fixture.crash();
    await expect(fixture.rows('T', 'n')).rejects.toMatchObject({ name: 'BlobNotFoundError' });
  });
});
