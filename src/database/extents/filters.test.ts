import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

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
      { numRuns: 100 },
    );
  }, 120_000);
});
