import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';
import { ExtentWriter } from './extent-writer.ts';
import { mayHaveTerm, termHash } from './term-filter.ts';

let cluster: CommandFixture;
/** Extents that differ in what their statistics say: all values null, one value, null and one value, and so on. */
const extents = [
  ',,,\n,,,',
  '183,1,2026-01-01,1.5',
  ',1,2026-01-01,\n183,,,nan',
  '5,2,2026-01-02,-1\n7,3,2026-01-03,2',
  '200,,2026-01-04,nan',
  ',4,,',
  '-1,5,2026-01-05,inf\n,,2026-01-06,0',
];
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table P (n: long, i: int, w: datetime, r: real)');
  for (const rows of extents) await cluster.run(`.ingest inline into table P <|\n${rows}`);
});
afterAll(() => cluster.close());

async function rowsOf(text: string): Promise<string> {
  const { rows } = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return rows
    .map((row) => row.map(String).join())
    .sort()
    .join('\n');
}

describe('filters on extents', () => {
  it('find nulls beside other conditions', async () => {
    expect(await rowsOf('P | where n != 183 or n > 1000 | count')).toBe('9');
    expect(await rowsOf('P | where n != 183 or n != 5 | count')).toBe('11');
    expect(await rowsOf('P | where w < datetime(2026-01-03) and 183 < n or not(n == 183) | count')).toBe('9');
  });

  it('find empty texts of columns that came later', async () => {
    await cluster.run('.create table Later (n: long)');
    await cluster.run('.ingest inline into table Later <|\n1\n2');
    await cluster.run('.alter-merge table Later (s: string)');
    await cluster.run('.ingest inline into table Later <|\n3,x');
    expect(await rowsOf('Later | where s == "" | count')).toBe('2');
    expect(await rowsOf('Later | where s in ("x", "") | project n')).toBe('1\n2\n3');
    expect(await rowsOf('Later | where s == "x" | summarize count(), max(n)')).toBe('1,3');
  });

  it('do not open extents that have other reals, decimals, guids and bools', async () => {
    await cluster.run('.create table Kinds (r: real, d: decimal, g: guid, b: bool)');
    for (const n of [1, 2, 3])
      await cluster.run(
        `.set-or-append Kinds <| print r = ${n}.5, d = decimal(${n}.25), g = guid(${n}0000000-0000-4000-8000-000000000000), b = ${n} == 2`,
      );
    await cluster.run('.set-or-append Kinds <| print r = real(nan), d = decimal(null), g = guid(null), b = bool(null)');
    const read = async (condition: string): Promise<string> => {
      const execution = await cluster.engine.execute(queryRequest(cluster.context, `Kinds | where ${condition}`));
      const { rows } = await readResult(execution);
      return `${rows.length} of ${execution.scanned.extentsScanned}`;
    };
    expect(await read('r > 2.5')).toBe('1 of 2'); // of one with a NaN nothing is told
    expect(await read('r < 1')).toBe('0 of 1');
    expect(await read('r in (1.5, 1.25)')).toBe('1 of 2');
    expect(await read('d >= decimal(3.25)')).toBe('1 of 1');
    expect(await read('d == 2 or d == decimal(2.25)')).toBe('1 of 4');
    expect(await read('g == guid(20000000-0000-4000-8000-000000000000)')).toBe('1 of 1');
    expect(await read('b == true')).toBe('1 of 1');
    expect(await rowsOf('Kinds | where r > 1.0 | count')).toBe('3');
  });

  it('find what they find without the help of statistics', async () => {
    const operator = fc.constantFrom('<', '<=', '>', '>=', '==', '!=');
    const number = fc.constantFrom('183', '5', '-1', '1000', '1.5', 'long(null)', 'real(nan)');
    const simple = fc.oneof(
      fc.tuple(fc.constantFrom('n', 'i', 'r'), operator, number).map((part) => part.join(' ')),
      fc.tuple(number, operator, fc.constantFrom('n', 'r')).map((part) => part.join(' ')),
      operator.map((op) => `w ${op} datetime(2026-01-03)`),
      fc.constantFrom(
        ...[
          'n in (5, 183)',
          'n !in (5, 183)',
          'n between (0 .. 100)',
          'n !between (0 .. 100)',
          'isnull(n)',
          'isnotnull(i)',
        ],
        ...[
          'not(n == 183)',
          'not(n == 183 or i == 2)',
          '(n == 183) == false',
          'iff(n == 183, false, true)',
          'n + 0 != 183',
          'not(n in (183))',
          'not(n > 5)',
          'n != i',
          'n == i',
          'w between (datetime(2026-01-02) .. 1d)',
          'isnan(r)',
        ],
      ),
    );
    const condition = fc
      .tuple(simple, fc.array(fc.tuple(fc.constantFrom('and', 'or'), simple), { maxLength: 3 }))
      .map(([first, more]) => [first, ...more.map((part) => part.join(' '))].join(' '));
    await fc.assert(
      fc.asyncProperty(condition, async (text) => {
        expect(await rowsOf(`P | where ${text}`)).toBe(await rowsOf(`P | serialize | where ${text}`));
      }),
      fuzz(100, 30),
    );
  });

  it('of terms leave out merged extents without changing what is found', async () => {
    const blobs = async (): Promise<number> => {
      let count = 0;
      for await (const blob of cluster.data.blobs.list('')) count += blob.name.length > 0 ? 1 : 0;
      return count;
    };
    await (await cluster.data.data()).maintain();
    const others = await blobs();
    await cluster.run('.create table W (id: long, s: string, d: dynamic)');
    const words = ['alpha', 'Beta', 'x-ray', 'ÄPFEL', 'a_b', '12', 'e.g', 'K\u212a', '\u017fo', 'mañana', '\u0301é'];
    const merged = async (first: number): Promise<void> => {
      for (const from of [first, first + 700]) {
        const text = `strcat("id", x, " ", dynamic(${JSON.stringify(words)})[(x / 700 + x % 2) % ${words.length}], iff(x % 9 == 0, "", ";"), x % 3)`;
        await cluster.run(
          `.set-or-append W with (extend_schema=false) <| range x from ${from} to ${from + 699} step 1 | project id = x, s = ${text}, d = todynamic("{}")`,
        );
      }
      const extents = await cluster.run(`.show table W extents | where RowCount < 1000 | project ExtentId`);
      const ids = extents.map(({ ExtentId }) => String(ExtentId)).join(', ');
      await cluster.run(`.merge W (${ids})`);
    };
    const plain: Buffer<ArrayBuffer>[] = [];
    const stage = Reflect.get(ExtentWriter.prototype, 'stage');
    const staging = vi.spyOn(ExtentWriter.prototype, 'stage').mockImplementation(async function (
      this: ExtentWriter,
      bytes,
      ...more
    ) {
      const pieces: Uint8Array[] = [];
      for await (const piece of bytes) pieces.push(Uint8Array.from(piece));
      plain.push(Buffer.concat(pieces));
      return stage.call(this, Readable.from(pieces), ...more);
    });
    try {
      for (let part = 0; part < 8; part += 1) await merged(part * 1_400);
    } finally {
      staging.mockRestore();
    }
    const read = async (text: string): Promise<number> => {
      const execution = await cluster.engine.execute(queryRequest(cluster.context, text));
      await readResult(execution);
      return execution.scanned.extentsScanned;
    };
    expect(await rowsOf('W | where s has "id5000" | project id')).toBe('5000');
    expect(await read('W | where s has "id5000" | project id')).toBe(1);
    expect(await read('W | where s has_any ("ID5000", "id2") | project id')).toBe(2);
    expect(await read('W | where s has_all (dynamic(["id2", "id5000"])) | project id')).toBe(0);
    expect(await read('W | where s == "id5000 none;1" | project id')).toBeLessThanOrEqual(1);
    expect(await read('W | where s has "d5000" | project id')).toBe(0);
    expect(await read('W | where s contains "d5000" | project id')).toBe(8);
    const needle = fc.oneof(
      fc.integer({ min: 0, max: 12_000 }).map((n) => `id${n}`),
      fc.constantFrom(
        ...words,
        'alp',
        'ALPHA',
        'äpfel',
        'so',
        'SO',
        'kk',
        'a',
        'b',
        ' ',
        '',
        ';1',
        'e',
        '-ray',
        'é',
        'manana',
      ),
      fc.tuple(fc.constantFrom(...words), fc.constantFrom(';', ';1', ' ', '-', 'é')).map((parts) => parts.join('')),
    );
    const literal = needle.map((text) => JSON.stringify(text));
    const list = fc.array(literal, { minLength: 1, maxLength: 4 }).map((all) => all.join(', '));
    const simple = fc.oneof(
      fc
        .tuple(fc.constantFrom('has', 'has_cs', '!has', '==', '=~', '!=', 'contains', 'hasprefix'), literal)
        .map(([operator, text]) => `s ${operator} ${text}`),
      fc
        .tuple(fc.constantFrom('has_any', 'has_all', 'in', 'in~', '!in'), list)
        .map(([operator, texts]) => `s ${operator} (${texts})`),
      list.map((texts) => `s has_any (dynamic([${texts}]))`),
      literal.map((text) => `not(s has ${text})`),
    );
    const condition = fc
      .tuple(simple, fc.array(fc.tuple(fc.constantFrom('and', 'or', '| where'), simple), { maxLength: 2 }))
      .map(([first, more]) => [first, ...more.map((part) => part.join(' '))].join(' '));
    await fc.assert(
      fc.asyncProperty(condition, async (text) => {
        expect(await rowsOf(`W | where ${text} | summarize count(), sum(id)`)).toBe(
          await rowsOf(
            `W | serialize | where ${text.replace('| where', '| serialize | where')} | summarize count(), sum(id)`,
          ),
        );
      }),
      fuzz(40, 12),
    );

    // In no blob lies a filter, nor a term: whoever has the filter itself knows which terms there are.
    const knowsOf = (term: string): number =>
      plain.filter((filter) => mayHaveTerm(termHash(2, term), filter.byteLength * 8, (place) => filter[place] ?? 0))
        .length;
    expect([plain.length, knowsOf('id5000'), knowsOf('id50000')]).toEqual([8, 1, 0]);
    const stored: Buffer[] = [];
    for await (const { name } of cluster.data.blobs.list('')) stored.push(await buffer(cluster.data.blobs.read(name)));
    const clear = ['id5000', 'id11199'].flatMap((term) => [Buffer.from(term), Buffer.from(term, 'utf16le')]);
    for (const filter of plain)
      for (let at = 0; at + 16 <= filter.byteLength; at += 16) clear.push(filter.subarray(at, at + 16));
    expect(clear.filter((bytes) => stored.some((blob) => blob.includes(bytes)))).toEqual([]);

    // Filters are sealed under the key of the cluster, follow it to another, and go with their extents.
    const before = await blobs();
    expect(before).toBe(others + 16);
    await cluster.data.changeCustody();
    expect(await read('W | where s has "id5000" | project id')).toBe(1);
    expect(await blobs()).toBe(before);
    await (await cluster.data.data()).maintain();
    expect(await read('W | where s has "id5000" | project id')).toBe(1);
    expect(await read('W | where s has "id50000" | project id')).toBe(0);
    await cluster.run('.clear table W data');
    await (await cluster.data.data()).maintain();
    expect(await blobs()).toBe(others);

    // Of extents that nobody has merged, least and greatest texts are known.
    await cluster.run('.create table S (s: string, n: long)');
    for (const rows of ['apple,1\nbanana,2', 'melon,3\npear,4', 'Äpfel,5\n,6'])
      await cluster.run(`.ingest inline into table S <|\n${rows}`);
    expect(await read('S | where s == "nut" | project n')).toBe(2);
    expect(await rowsOf('S | where s in ("banana", "Äpfel", "") | project n')).toBe('2\n5\n6');
    expect(await read('S | where s in ("a", "zz") | project n')).toBe(1);
  });
});
