import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalEngine } from '../testing/local-engine.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

/** What a format's letters say of a moment, as the documentation's table of format_datetime() has it. */
function reference(ticks: bigint, letters: string): string {
  const date = new Date(Number(ticks / 10_000n - 62_135_596_800_000n));
  const [year, hours] = [date.getUTCFullYear(), date.getUTCHours()];
  const numbers: Readonly<Record<string, number>> = {
    ...{ y: year % 100, M: date.getUTCMonth() + 1, d: date.getUTCDate(), H: hours, h: hours % 12 || 12 },
    ...{ m: date.getUTCMinutes(), s: date.getUTCSeconds() },
  };
  const first = letters.charAt(0);
  if (letters === 'yyyy') return String(year).padStart(4, '0');
  if (letters === 'tt') return hours < 12 ? 'AM' : 'PM';
  const fraction = String(ticks % 10_000_000n)
    .padStart(7, '0')
    .slice(0, letters.length);
  if (first === 'f') return fraction;
  if (first === 'F') return fraction.replace(/0+$/, '');
  return first in numbers ? String(numbers[first]).padStart(letters.length, '0') : letters;
}

const letters = 'yyyy yy y MM M dd d HH H hh h mm m ss s tt f fff fffffff F FFF FFFFFFF'.split(' ');
const marks = ' /-:,._[]'.split('');
/** Letters with a mark between any two, so that no two of them run into one. */
const format = fc.array(fc.tuple(fc.constantFrom(...letters), fc.constantFrom(...marks)), {
  minLength: 1,
  maxLength: 6,
});
const ticks = fc.oneof(
  fc.bigInt({ min: 0n, max: 3_155_378_975_999_999_999n }),
  fc.bigInt({ min: 0n, max: 315_537_897_599n }).map((seconds) => seconds * 10_000_000n),
  fc.constantFrom(0n, 3_155_378_975_999_999_999n, 638_397_000_000_000_000n),
);

/** So many formats go into one query. */
const formatsEach = 20;

it('format_datetime writes what its letters say', async () => {
  const formats = fc.array(format, { minLength: formatsEach, maxLength: formatsEach });
  await fc.assert(
    fc.asyncProperty(formats, fc.array(ticks, { minLength: 1, maxLength: 20 }), async (all, list) => {
      const texts = all.map((parts) => parts.flat().join(''));
      const source = `datatable(n:long)[${list.join(', ')}, long(null)]`;
      const written = (at: string): string =>
        texts.map((text, index) => `r${index} = format_datetime(todatetime(${at}), "${text}")`).join(', ');
      const [table] = await engine.run(`${source} | project ${written('n')}`);
      const kept = texts.map((_text, index) => `r${index}:string`).join(', ');
      const walked = await engine.run(
        `${source} | sort by n asc nulls last | scan declare (k:long, ${kept}) with (step s: true => ${written('iff(isnull(s.k), n, n)')};) | project-away n, k`,
      );
      for (const [index, parts] of all.entries()) {
        const expected = list.map((at) =>
          parts
            .flat()
            .map((part) => reference(at, part))
            .join(''),
        );
        expect(table?.rows.map((row) => row[index])).toEqual([...expected, '']);
        // And in an operator that walks rows.
        expect(walked[0]?.rows.map((row) => row[index]).sort()).toEqual([...expected, ''].sort());
      }
    }),
    fuzz(300 / formatsEach),
  );
});

it('format_datetime takes letters that run into one another as the longest that there are', async () => {
  const at = 'datetime(2020-06-05 13:04:09.1234567)';
  const query = `print format_datetime(${at}, 'yyyyMMddHHmmssfff'), format_datetime(${at}, 'yyyMMMHHH')`;
  expect((await engine.run(query))[0]?.rows).toEqual([['20200605130409123', '20200661313']]);
});
