import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';
import { textOf } from '../sql/fragment.ts';
import { termFunctions } from './terms.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const text = (value: string): string => JSON.stringify(value);
/** The texts for which has_any or has_all, of constants or of the rows of a table, are not what has says of each needle. */
async function differences(texts: readonly string[], needles: readonly string[]): Promise<unknown> {
  const list = needles.map(text).join(', ');
  const each = (word: string): string => needles.map((needle) => `s has ${text(needle)}`).join(` ${word} `);
  const [table] = await engine.run(
    `let Needles = datatable(needle:string) [${list}];
     datatable(n:long, s:string) [${texts.map((one, n) => `${n}, ${text(one)}`).join(', ')}]
     | project n, constants = s has_any (${list}), rows = s has_any (Needles), any = ${each('or')},
       both = s has_all (${list}), all = ${each('and')}
     | where constants != any or rows != any or both != all`,
  );
  return table?.rows;
}

describe('has_any and has_all of many needles', () => {
  it('are what has says of each', async () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      'k',
      'ab',
      'Ab1',
      ' ',
      '-',
      '_',
      '.',
      '\u0130',
      '\u00e4',
      '\u212a',
      '(',
      '*',
    );
    const word = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.array(word, { minLength: 8, maxLength: 14 }),
        async (texts, needles) => {
          expect(await differences(texts, needles)).toEqual([]);
        },
      ),
      fuzz(40, 10),
    );
  });

  it('look for hundreds of constants in one go', () => {
    const bound: unknown[] = [];
    const bind = (value: unknown): string => `$${bound.push(value)}`;
    const column = { k: 'column', name: 's', type: 'string' } as const;
    const needles = Array.from(
      { length: 700 },
      (_one, n) => ({ k: 'literal', type: 'string', value: `user${n}` }) as const,
    );
    const args = [column, ...needles].map((expression) => ({ expression, type: 'string' as const, sql: 's' }));
    const sql = termFunctions['has_any']?.sql(args, {} as never, { ctx: { bind }, column: () => 's' } as never);
    expect([textOf(sql ?? ''), bound.length]).toEqual(['(regexp_matches(s, $1))', 1]);
  });

  it('take lists of any length', async () => {
    const many = Array.from({ length: 3_000 }, (_one, n) => text(`user${n}`)).join(', ');
    const [table] = await engine.run(
      `datatable(s:string) ['a USER2999 b', 'user3000', 'xuser1'] | where s has_any (${many}) | project s`,
    );
    expect(table?.rows).toEqual([['a USER2999 b']]);
  });
});
