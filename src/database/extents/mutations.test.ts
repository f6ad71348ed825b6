import { randomInt } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';
import { clusterCatalogTable } from '../../cluster/process/remote-catalog-store.ts';
import { writeRecord } from '../../state/state.ts';
import type { CatalogStore, SealedRecord, StoredCatalogRecord } from '../catalog/catalog-store.ts';
import { bytesSource } from '../ingest/data-source.ts';
import { CatalogDamagedError } from '../catalog/catalog-seal.ts';

/** Each run opens a whole catalog, so there are a hundredth as many as of bare extents, which are changed 100,000 times in CI. */
const runs = Math.max(200, Math.floor(Number(process.env['KUSTODY_MUTATIONS'] ?? 0) / 100));
vi.setConfig({ testTimeout: 30_000 + runs * 60 });

let commands: CommandFixture;
let cluster: DataFixture;
afterEach(() => commands.close());

/** What a thief who can write to the store may do to what is loaded. */
const tampering: { change: (records: StoredCatalogRecord[]) => StoredCatalogRecord[] } = {
  change: (records) => records,
};

const tampered = (store: CatalogStore): CatalogStore => ({
  ...store,
  load: async (after) => {
    if (after !== undefined) return [];
    const records: StoredCatalogRecord[] = [];
    for (let last: string | undefined; ; last = records.at(-1)?.id) {
      const page = await store.load(last);
      if (page.length === 0) return tampering.change(records);
      records.push(...page);
    }
  },
});

async function filled(): Promise<void> {
  tampering.change = (records) => records;
  commands = await openCommandFixture({ wrapStore: tampered });
  cluster = commands.data;
  for (const table of ['A', 'B']) {
    await cluster.table(table, { n: 'long' });
    for (const text of ['1', '2', '3']) await cluster.ingest(table, 'csv', text);
    await cluster.ingest(table, 'csv', '4', { kind: 'inline' });
  }
  // What makes rows of rows, here and elsewhere.
  for (const text of [
    '.create materialized-view V on table A { A | summarize count() by n }',
    `.create external table E (n: long) kind=storage dataformat=csv (h@'https://box.blob.core.windows.net/f?sig=00')`,
    '.create-or-alter continuous-export C over (B) to table E with (intervalBetweenRuns=1h) <| B',
  ])
    await commands.run(text, { data: await cluster.data(), exports: memoryStorage().exports });
  // What waits to become rows: keys of the accounts, a blob, a message.
  const { queued } = await cluster.data();
  await queued.ensureKeys();
  const { stream } = await bytesSource('', Buffer.from('5\n')).open(undefined);
  await queued.blobs.put({ account: 0, container: 'ingest', name: 'db__A__rows.csv' }, stream, {
    contentType: 'text/csv',
  });
  await queued.messages.put({ account: 0, queue: 'ready' }, Buffer.from('{}').toString('base64'), { sentOn: 0 });
}

const isDamaged = async (): Promise<boolean> => {
  try {
    await cluster.crash();
    return false;
  } catch (error) {
    return error instanceof CatalogDamagedError;
  }
};

const withBytes = (sealed: SealedRecord, bytes: Uint8Array): SealedRecord => ({ ...sealed, bytes });

describe('a catalog', () => {
  it('that is gone altogether does not open, nor does anybody put another key on it', async () => {
    await filled();
    const records = await cluster.state.list(clusterCatalogTable);
    await cluster.state.commit({
      write: records.map(({ id, version }) => writeRecord(clusterCatalogTable, id, version, null)),
    });
    expect(await isDamaged()).toBe(true);
    await expect(cluster.changeCustody()).rejects.toThrow(CatalogDamagedError);
  });

  it('in which any byte was changed, cut or added does not open', async () => {
    await filled();
    for (let run = 0; run < runs; run += 1) {
      tampering.change = (records) => {
        const index = randomInt(records.length);
        return records.map((record, at) => {
          if (at !== index) return record;
          const bytes = Buffer.from(record.sealed.bytes);
          const place = randomInt(bytes.length);
          const kind = run % 3;
          if (kind === 0) bytes[place] = (bytes[place] ?? 0) ^ (1 << randomInt(8));
          const next =
            kind === 0
              ? bytes
              : kind === 1
                ? bytes.subarray(0, place)
                : Buffer.concat([bytes, bytes.subarray(0, 1 + randomInt(16))]);
          return { ...record, sealed: withBytes(record.sealed, next) };
        });
      };
      expect(await isDamaged()).toBe(true);
    }
    tampering.change = (records) => records;
    expect(await isDamaged()).toBe(false);
  });

  it('from which a record is missing, or in which two have changed places, does not open', async () => {
    await filled();
    for (let run = 0; run < runs; run += 1) {
      tampering.change = (records) => {
        const [left, right] = [randomInt(records.length), randomInt(records.length)];
        if (left === right) return records.filter((_record, index) => index !== left);
        return records.map((record, index) => {
          const from = index === left ? records[right] : index === right ? records[left] : record;
          return { ...record, sealed: from?.sealed ?? record.sealed };
        });
      };
      expect(await isDamaged()).toBe(true);
    }
  });

  it('in which old records were put back, one or several, does not open', async () => {
    await filled();
    let old: StoredCatalogRecord[] = [];
    tampering.change = (records) => (old = records);
    expect(await isDamaged()).toBe(false);
    const data = await cluster.data();
    await cluster.ingest('A', 'csv', '5');
    await data.alterMergeTable('db', { name: 'A', columns: [{ name: 'm', type: 'long' }] });
    await data.flush('db', 'B');
    let current: StoredCatalogRecord[] = [];
    tampering.change = (records) => (current = records);
    expect(await isDamaged()).toBe(false);
    const differs = old.filter(
      (before) =>
        current.find(({ id }) => id === before.id)?.sealed.bytes.toString() !== before.sealed.bytes.toString(),
    );
    expect(differs.length).toBeGreaterThan(3);
    for (let run = 0; run < runs; run += 1) {
      // Any part of the difference, but not all of it: that would be the whole catalog of an earlier time.
      const part = differs.filter(() => randomInt(2) === 0);
      if (part.length === 0 || part.length === differs.length) continue;
      tampering.change = (records) => {
        const back = new Map(part.map((record) => [record.id, record]));
        return [...records.filter(({ id }) => !back.has(id)), ...part].sort((left, right) =>
          left.id < right.id ? -1 : 1,
        );
      };
      expect(await isDamaged()).toBe(true);
    }
  });

  it('of another cluster under the same keys does not open', async () => {
    await filled();
    tampering.change = (records) =>
      records.map((record) => ({ ...record, sealed: { ...record.sealed, revision: record.sealed.revision + 1 } }));
    expect(await isDamaged()).toBe(true);
    tampering.change = (records) =>
      records.map((record) => ({ ...record, sealed: { ...record.sealed, generation: 2 } }));
    expect(await isDamaged()).toBe(true);
    tampering.change = () => [];
    expect(await isDamaged()).toBe(true);
  });
});
