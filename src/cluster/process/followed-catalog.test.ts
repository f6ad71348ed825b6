import { afterEach, describe, expect, it } from 'vitest';
import type { CatalogPair } from '../../../tests/support/catalog-pair.ts';
import { openCatalogPair } from '../../../tests/support/catalog-pair.ts';
import { readRows } from '../../../tests/support/read-rows.ts';
import { CatalogEndedError } from './followed-catalog.ts';

const open: CatalogPair[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function pair(...limits: Parameters<typeof openCatalogPair>): Promise<CatalogPair> {
  const opened = await openCatalogPair(...limits);
  open.push(opened);
  return opened;
}

const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => String(row)).sort();

/** Rows of a table at both. */
async function both({ writer, data }: CatalogPair, table: string) {
  const rows = await writer.rows(table);
  return { writer: sorted(rows), reader: sorted(await readRows(await data(), writer.engine, table)) };
}

async function expectSame(of: CatalogPair, table: string, count: number): Promise<void> {
  const { writer, reader } = await both(of, table);
  expect(reader).toEqual(writer);
  expect(reader).toHaveLength(count);
}

describe('a process that reads the catalog of another', () => {
  it('has each acknowledged row at once: of the log, of extents, of merged ones, and after a table is emptied or dropped', async () => {
    const of = await pair();
    const { writer } = of;
    await writer.table('T', { n: 'long', s: 'string' });
    let rows = 0;
    for (let round = 0; round < 30; round += 1) {
      await writer.ingest('T', 'csv', `${round},a\n${round},b`);
      rows += 2;
      await expectSame(of, 'T', rows);
      if (round % 4 === 3) await (await writer.data()).flush('db', 'T');
      if (round % 10 === 9)
        await writer.ingest('T', 'csv', Array.from({ length: 9_000 }, (_, n) => `${n},c`).join('\n'), {
          kind: 'inline',
        });
      if (round % 10 === 9) rows += 9_000;
      await expectSame(of, 'T', rows);
    }
    await (await writer.data()).maintain({ droppedDatabases: [], destructionHeld: false });
    await expectSame(of, 'T', rows);
    const columns = [...(await writer.data()).table('db', 'T').columns.map(({ name, type }) => ({ name, type }))];
    await (await writer.data()).alterTable('db', { name: 'T', columns: [...columns, { name: 'more', type: 'int' }] });
    expect((await of.data()).table('db', 'T').columns).toHaveLength(3);
    await expectSame(of, 'T', rows);
    await (await writer.data()).clearTable('db', 'T');
    await expectSame(of, 'T', 0);
    await writer.ingest('T', 'csv', '7,z');
    await expectSame(of, 'T', 1);
    await (await writer.data()).dropTables('db', ['T'], false);
    expect((await of.data()).database('db').tables.has('T')).toBe(false);
    expect(of.loads()).toBe(1);
  });

  it('reads a catalog as of one moment, however much is written meanwhile', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const written: Promise<unknown>[] = [];
    for (let n = 0; n < 20; n += 1) written.push(of.writer.ingest('T', 'csv', String(n)));
    const first = of.data();
    for (let n = 20; n < 40; n += 1) written.push(of.writer.ingest('T', 'csv', String(n)));
    await first;
    await Promise.all(written);
    await expectSame(of, 'T', 40);
  });

  it('reads it anew where it was left behind, and where a commit is missing', async () => {
    const of = await pair({ recordsMax: 40, charactersMax: 1 << 20 });
    await of.writer.table('T', { n: 'long' });
    await expectSame(of, 'T', 0);
    for (let n = 0; n < 40; n += 1) await of.writer.ingest('T', 'csv', String(n));
    await expectSame(of, 'T', 40);
    expect(of.loads()).toBe(2);
    await of.writer.ingest('T', 'csv', '40');
    await of.writer.ingest('T', 'csv', '41');
    of.answers.lost = 1;
    await of.data().catch(() => undefined);
    delete of.answers.lost;
    await expectSame(of, 'T', 42);
    expect(of.loads()).toBeGreaterThan(2);
  });

  it('opens extents that came in the place of merged ones', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const text = (from: number) => Array.from({ length: 5 }, (_, n) => String(from + n)).join('\n');
    for (let n = 0; n < 4; n += 1) {
      await of.writer.ingest('T', 'csv', text(n * 5));
      await (await of.writer.data()).flush('db', 'T');
    }
    const data = await of.data(); // as a query that was let in before the merge
    const before = data.extents('db', 'T').length;
    await (await of.writer.data()).maintain({ droppedDatabases: [], destructionHeld: false });
    expect(before).toBe(4);
    expect(sorted(await readRows(data, of.writer.engine, 'T'))).toHaveLength(20);
  });

  it('asks once for each request, however many come at once and in whatever order they are answered', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    await expectSame(of, 'T', 0);
    let rows = 0;
    for (let round = 0; round < 10; round += 1) {
      const before = of.asks();
      const requests = [];
      for (let n = 0; n < 5; n += 1) {
        await of.writer.ingest('T', 'csv', String(n));
        rows += 1;
        const { isCurrent } = await of.asked();
        requests.push(isCurrent);
      }
      await Promise.all(requests.reverse());
      expect(of.asks() - before).toBe(5);
      expect(await readRows(await of.reader.data(), of.writer.engine, 'T')).toHaveLength(rows);
    }
    expect(of.loads()).toBe(1);
  });

  it('takes over what was committed out of turn, of which another answer has some', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    await expectSame(of, 'T', 0);
    const asked = of.reader.asking();
    await of.writer.ingest('T', 'csv', '1');
    const middle = await of.asked();
    await of.writer.ingest('T', 'csv', '2');
    await middle.isCurrent;
    const last = await of.asked();
    await last.isCurrent;
    // The first question, answered last: it says what is known already, and a row more.
    await of.writer.ingest('T', 'csv', '3');
    const reply = await of.replyTo(asked?.call ?? {});
    await asked?.take(reply);
    expect(sorted(await readRows(await of.reader.data(), of.writer.engine, 'T'))).toHaveLength(3);
    expect(of.loads()).toBe(1);
  });

  it('is recent for five seconds after it was the newest, and while nothing newer says who may read what', async () => {
    const of = await pair();
    const { writer, answers } = of;
    await writer.table('T', { n: 'long' });
    await writer.ingest('T', 'csv', '1');
    answers.nowMs = 1_000;
    await expectSame(of, 'T', 1);
    let release = (): void => undefined;
    answers.held = new Promise((resolve) => (release = resolve));
    await writer.ingest('T', 'csv', '2');
    answers.nowMs = 5_900;
    const held = await of.asked();
    expect(held.isRecent()).toBe(true);
    const rows = async () => readRows(await of.reader.data(), writer.engine, 'T');
    expect(await rows()).toHaveLength(1);
    answers.nowMs = 6_000;
    expect(held.isRecent()).toBe(false);
    answers.nowMs = 5_900;
    expect((await of.asked()).isRecent()).toBe(true);
    const columns = ['n', 'more'].map((name) => ({ name, type: 'long' as const }));
    await (await writer.data()).alterTable('db', { name: 'T', columns });
    expect((await of.asked()).isRecent()).toBe(false);
    release();
    await held.isCurrent;
    expect(await rows()).toHaveLength(2);
  });

  it('changes nothing, and is over when it may read no more', async () => {
    const of = await pair();
    await of.writer.table('T', { n: 'long' });
    const data = await of.data();
    await expect(data.createTables('db', [{ name: 'U', columns: [{ name: 'n', type: 'long' }] }])).rejects.toThrow();
    await expectSame(of, 'T', 0);
    of.answers.instead = { outcome: 'ended' };
    await expect(of.data()).rejects.toThrow(CatalogEndedError);
  });
});
