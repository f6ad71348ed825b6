import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { CommitRefusedError } from '../catalog/data-error.ts';
import type { OpenedClusterData } from '../open-cluster-data.ts';
import { routedBlob } from './blob-metadata.ts';
import type { FoundBlob, Watched } from './blob-watches.ts';

let fixture: DataFixture;
let refuses = false;
beforeAll(async () => {
  fixture = await openDataFixture({
    wrapStore: (store) => ({
      ...store,
      commit: (...asked) => {
        if (refuses) throw new CommitRefusedError('suspended');
        return store.commit(...asked);
      },
    }),
  });
});
afterAll(() => fixture.close());

const by = { identity: 'x', sentOn: 0 };
const start = 1_000_000;
let connections = 0;
const newConnection = (more: Partial<Watched> = {}): Watched => ({
  ...{ connectionId: `/connections/${(connections += 1)}`, createdOn: 5, since: start, ...more },
});
const blob = (name: string, modifiedOn = start, etag = '1'): FoundBlob => ({
  ...{ modifiedOn, etag },
  blob: { name, address: name, rawBytes: 1, properties: {}, database: 'db', table: 'T' },
});
const waiting = ({ queued }: OpenedClusterData): number => queued.messages.of('ready').length;

describe('blobs of watched storage', () => {
  it('come once, also for a process that was killed', async () => {
    const data = await fixture.data();
    const before = waiting(data);
    const watched = newConnection();
    expect(await data.queued.watches.take(watched, [blob('a'), blob('old', start - 1)], by)).toBe(1);
    expect(await data.queued.watches.take(watched, [blob('a')], by)).toBe(0);
    const again = await fixture.crash();
    expect(await again.queued.watches.take(watched, [blob('a'), blob('b')], by)).toBe(1);
    expect(await again.queued.watches.take(watched, [blob('a', start, '2')], by)).toBe(1);
    expect(waiting(again) - before).toBe(3);
  });

  it('are not remembered where they did not come into the queue', async () => {
    const data = await fixture.data();
    const [before, watched] = [waiting(data), newConnection()];
    refuses = true;
    await expect(data.queued.watches.take(watched, [blob('a')], by)).rejects.toThrow(CommitRefusedError);
    refuses = false;
    const again = await fixture.crash();
    expect(waiting(again)).toBe(before);
    expect(await again.queued.watches.take(watched, [blob('a')], by)).toBe(1);
  });

  it('may be listed late, for ten minutes', async () => {
    const { queued } = await fixture.data();
    const watched = newConnection();
    await queued.watches.take(watched, [blob('a', start + 700_000)], by);
    expect(queued.watches.floorOf(watched)).toBe(start + 100_000);
    const late = [blob('late', start + 100_000), blob('too late', start + 99_999)];
    expect(await queued.watches.take(watched, late, by)).toBe(1);
  });

  it('come in commits of five hundred, the oldest first', async () => {
    const { queued } = await fixture.data();
    const watched = newConnection();
    const many = Array.from({ length: 1_100 }, (_, number) => blob(`b${number}`, start + 1_100 - number));
    const taken: number[] = [];
    do taken.push(await queued.watches.take(watched, many, by));
    while (taken.at(-1) !== 0);
    expect(taken).toEqual([500, 500, 100, 0]);
  });

  it('are forgotten with their connection, and one that is made anew is another', async () => {
    const { queued } = await fixture.data();
    const watched = newConnection();
    await queued.watches.take(watched, [blob('a')], by);
    const anew = { ...watched, createdOn: 6, since: start + 5 };
    expect(queued.watches.floorOf(anew)).toBe(start + 5);
    expect(await queued.watches.take(anew, [blob('a', start + 5)], by)).toBe(1);
    await queued.watches.keepOnly([anew.connectionId]);
    expect(await queued.watches.take(anew, [blob('a', start + 5)], by)).toBe(0);
    await queued.watches.keepOnly([]);
    expect(await queued.watches.take(anew, [blob('a', start + 5)], by)).toBe(1);
  });
});

describe('what becomes of a blob', () => {
  const found = { name: 'n', address: 'a', bytes: 7 };
  const target = { database: 'db', table: 'T', mapping: 'm', format: 'json', ignoreFirstRecord: true };

  it('is what the connection says', () => {
    expect(routedBlob(found, {}, target)).toEqual({
      ...{ name: 'n', address: 'a', rawBytes: 7, database: 'db', table: 'T' },
      properties: { format: 'json', ingestionMappingReference: 'm', ignoreFirstRecord: 'true' },
    });
  });

  it('is what its metadata says, however it is spelled', () => {
    const metadata = {
      ...{ rawSizeBytes: '99', KUSTODATABASE: 'other', kustoTable: 'U', kustoDataFormat: 'csv' },
      ...{ kustoIngestionMappingReference: 'k', kustoIgnoreFirstRecord: 'false' },
      ...{ kustoExtentTags: '["t"]', kustoCreationTime: '2026-01-01T00:00:00Z', else: 'x' },
    };
    expect(routedBlob(found, metadata, target)).toEqual({
      ...{ name: 'n', address: 'a', rawBytes: 99, database: 'other', table: 'U' },
      properties: {
        ...{ format: 'csv', ingestionMappingReference: 'k', ignoreFirstRecord: 'false' },
        ...{ tags: '["t"]', creationTime: '2026-01-01T00:00:00Z' },
      },
    });
  });
});
