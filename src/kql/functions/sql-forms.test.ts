import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { regex } from '../algorithms/regex/regex.ts';
import { xxhash64 } from '../algorithms/text/xxhash64.ts';
import { parsePattern } from '../operators/parse.ts';
import type { ParsePart } from '../plan/plan.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';
import { toType } from '../sql/convert-value.ts';
import { parseDatetime } from '../values/ticks.ts';

// What is computed by SQL alone where the query allows it, and by JavaScript otherwise: both give the same for any text.

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

/** Rows of texts, by which a query goes on. */
async function rowsOf(texts: readonly string[], query: string): Promise<readonly (readonly unknown[])[]> {
  const values = texts.map((text) => JSON.stringify(text)).join(', ');
  const text = `print t = dynamic([${values}]) | mv-expand with_itemindex = i t to typeof(string) | ${query}`;
  return (await engine.run(text))[0]?.rows ?? [];
}

const odd = fc.constantFrom(
  ...['\n', '\r', '\t', ' ', '\u00a0', '\u2028', '\u0001', '"', '\\', "'", '/', 'é', 'ß', '中', '🙂', '\u0301', 'İ'],
);
const textsOf = (...pieces: readonly string[]): fc.Arbitrary<string[]> =>
  fc.array(
    fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.constantFrom(...pieces), odd), { maxLength: 12 })
      .map((parts) => parts.join('')),
    { minLength: 40, maxLength: 40 },
  );
const few = { numRuns: 8 } as const;

describe('hash()', () => {
  it('of the rows of a chunk is that of the bytes of each value', async () => {
    const reduced = [
      's, 9223372036854775807',
      'n, 7',
      'x, 1000',
      'n > 0, 1',
      'n, toint(16)',
      's, 4611686018427387904',
      's, abs(n) % 5 + 1',
      's, -10',
      's, 0',
    ];
    const query = `range i from -1500 to 1500 step 1
      | extend s = iff(i % 3 == 0, strrep("é", abs(i) % 40), strcat("row ", i)), n = iff(i % 7 == 0, long(null), i * 1234567890123)
      | extend x = case(i % 5 == 0, real(null), i % 5 == 1, i / 0.0, i % 5 == 2, iff(i % 2 == 0, real(nan), (i - i) / 0.0), i / 7.0)
      | project s, tostring(n), x, ${['s', 'n', 'x', 'toint(n / 1234567890123)', 'n > 0', 's, 10', 'n * 1tick', ...reduced].map((of) => `tostring(hash(${of}))`).join(', ')}`;
    const bytes = (length: number, write: (to: Buffer) => void): Buffer => {
      const made = Buffer.alloc(length);
      write(made);
      return made;
    };
    const long = (value: bigint): bigint => xxhash64(bytes(8, (to) => to.writeBigInt64LE(value)));
    const int = (value: bigint): bigint =>
      xxhash64(bytes(4, (to) => to.writeInt32LE(Number(BigInt.asIntN(32, value)))));
    const rows = (await engine.run(query))[0]?.rows ?? [];
    expect(rows).toHaveLength(3001);
    const expected = rows.map(([s, n, x]) => {
      const ofText = xxhash64(Buffer.from(String(s)));
      const ofReal = x === null ? '' : xxhash64(bytes(8, (to) => to.writeDoubleLE(Number(x))));
      const value = n === '' ? undefined : BigInt(String(n));
      const [ofLong, ofInt, ofBool] =
        value === undefined ? ['', '', ''] : [long(value), int(value / 1234567890123n), int(value > 0n ? 1n : 0n)];
      const least = (hash: bigint | string, by: bigint): bigint | string =>
        typeof hash === 'string' ? hash : ((hash % by) + by) % by;
      return [
        ...[ofText, ofLong, ofReal, ofInt, ofBool, least(ofText, 10n), ofLong],
        ...[least(ofText, 2n ** 63n - 1n), least(ofLong, 7n), least(ofReal, 1000n), least(ofBool, 1n)],
        ...[least(ofLong, 16n), least(ofText, 2n ** 62n)],
        value === undefined ? '' : least(ofText, ((value < 0n ? -value : value) % 5n) + 1n),
        ...[least(ofText, 10n), ''],
      ].map(String);
    });
    expect(rows.map((row) => row.slice(3))).toEqual(expected);
  });
});

describe('SQL forms', () => {
  it('of split() give what JavaScript gives', async () => {
    const delimiter = fc.constantFrom(',', '/', '::', 'é', '🙂', ' ', '.', '\\', "'");
    await fc.assert(
      fc.asyncProperty(textsOf(',', '/', '::', ':', 'a', 'bc', '.'), delimiter, async (texts, by) => {
        const literal = JSON.stringify(by);
        const query = `extend d = iff(i >= 0, ${literal}, "") | extend a = split(t, ${literal}), b = split(t, d)
          | project a, b, tostring(a), tostring(b), tostring(split(t, ${literal})[1]), tostring(split(t, d)[1]), tostring(split(t, ${literal})[-1]), tostring(split(t, d)[-1]), tostring(gettype(split(t, ${literal})[2])), tostring(gettype(split(t, d)[2])), tostring(split(t, ${literal})[-3]), tostring(split(t, d)[-3])`;
        for (const [a, b, ...rest] of await rowsOf(texts, query)) {
          expect(a).toEqual(b);
          for (let at = 0; at < rest.length; at += 2) expect(rest[at]).toBe(rest[at + 1]);
        }
      }),
      few,
    );
  });

  it('of substring() give what JavaScript gives', async () => {
    const calls = [[0], [2], [100], [0, 0], [0, 3], [1, 1], [2, 100], [100, 5]];
    // What a row adds to the places leaves them to JavaScript.
    const both = calls.map((call) => [call.join(', '), call.map((place) => `${place} + 0 * i`).join(', ')]);
    const query = `project ${both
      .flat()
      .map((places) => `substring(t, ${places})`)
      .join(', ')}`;
    await fc.assert(
      fc.asyncProperty(textsOf('a', 'bc', '🙂', 'é', 'e\u0301', '中'), async (texts) => {
        for (const row of await rowsOf(texts, query))
          for (let at = 0; at < row.length; at += 2) expect(row[at]).toBe(row[at + 1]);
      }),
      few,
    );
    expect(await rowsOf(['a🙂e\u0301bc', ''], 'project substring(t, 1, 2), substring(t, 3)')).toEqual([
      ['🙂e', '\u0301bc'],
      ['', ''],
    ]);
  });

  it('of the parts of parse_url() give what JavaScript gives', async () => {
    const parts = ['Scheme', 'Host', 'Port', 'Path', 'Username', 'Password', 'Fragment', 'Nothing'];
    const sides = parts.flatMap((part) => [`tostring(parse_url(t).${part})`, `tostring(bag.${part})`]);
    const dynamics = ['Host', 'Path'].flatMap((part) => [`parse_url(t)["${part}"]`, `bag.${part}`]);
    // A bag that is kept is made as a whole.
    const query = `extend bag = parse_url(t) | serialize r = row_number() | project ${[...sides, ...dynamics].join(', ')}`;
    await fc.assert(
      fc.asyncProperty(
        textsOf('\ufeff', 'http', '://', ':', '@', '/', '?', '#', '[::1]', '8080', 'a.b', '=', '&', '%41', '+'),
        async (texts) => {
          for (const row of await rowsOf(texts, query))
            for (let at = 0; at < row.length; at += 2) expect(row[at]).toEqual(row[at + 1]);
        },
      ),
      few,
    );
    const [first] = await rowsOf([' HTTPS://u:p@h.x:1/a/b?c=d#e ', 'x'], query);
    expect(first?.filter((_value, index) => index % 2 === 0)).toEqual([
      'HTTPS',
      'h.x',
      '1',
      '/a/b',
      'u',
      'p',
      'e',
      '',
      '"h.x"',
      '"/a/b"',
    ]);
  });

  it('of paths in dynamics give what is read member by member', async () => {
    const leaf = fc.oneof(
      fc.constantFrom(null, true, false, 0, -1.5, 1e300, 'text', '', 'null', '"q"', '{"b":1}', 'é🙂\n\u0001'),
      fc.array(fc.constantFrom(1, 'x', null), { maxLength: 3 }),
    );
    const bag = fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'é'), leaf);
    const whole = fc.dictionary(fc.constantFrom('a', 'b', 'c d', 'é'), fc.oneof(leaf, bag));
    const documents = fc.array(
      whole.map((value) => JSON.stringify(value)),
      { minLength: 40, maxLength: 40 },
    );
    const [ways, steps] = [
      ['d.a.b', 'd["c d"]["é"]', 'd.b["a"]'],
      ['x1.b', 'x2["é"]', 'x3["a"]'],
    ];
    const forms = (way: string): string =>
      `${way}, tostring(${way}), tolong(${way}), todouble(${way}), gettype(${way}), ${way} == "text", isnull(${way})`;
    await fc.assert(
      fc.asyncProperty(documents, async (texts) => {
        const query = (list: readonly string[]): string =>
          `extend d = todynamic(t) | extend x1 = d.a, x2 = d["c d"], x3 = d.b | serialize | project-away t | project ${list.map(forms).join(', ')}`;
        expect(await rowsOf(texts, query(ways))).toEqual(await rowsOf(texts, query(steps)));
        // As JavaScript reads the same text.
        const strings = await rowsOf(texts, 'extend d = todynamic(t) | project tostring(d.a.b)');
        expect(strings.map(([text]) => text)).toEqual(texts.map(memberAb));
      }),
      few,
    );
  });

  it('of todatetime() take the texts of ISO times that JavaScript takes', async () => {
    const digits = ['0', '1', '9', '07', '12', '30', '59', '2024', '1234567', '123456'];
    const signs = ['-', ':', '.', 'T', 'Z', ' ', '+', '/', '(', 'UTC', '\t', 'é'];
    // As it should be, or with other characters in some of its places.
    const whole = fc.constantFrom(
      '2024-01-31T10:20:30',
      '1999-12-31 23:59:59',
      '2024-02-30T00:00:00',
      '1500-01-01T01:02:03',
      '1969-07-20T20:17:4.',
      '2024-01-31T\t9:20: 5',
    );
    const ends = fc.constantFrom('', 'Z', '.1Z', '.12Z', '.123Z', '.123456Z', '.1234567Z', '.1234567', '.123 UTC');
    const spoiled = fc
      .tuple(whole, ends, fc.array(fc.tuple(fc.nat(28), fc.constantFrom(...digits, ...signs)), { maxLength: 3 }))
      .map(([time, end, places]) =>
        places.reduce((text, [at, by]) => `${text.slice(0, at)}${by}${text.slice(at + by.length)}`, `${time}${end}`),
      );
    await fc.assert(
      fc.asyncProperty(fc.array(spoiled, { minLength: 200, maxLength: 200 }), async (texts) => {
        const query = 'sort by i asc | project x = tolong(todatetime(t)) | project x = iff(isnull(x), "", tostring(x))';
        const given = await rowsOf(texts, query);
        expect(given.map(([x]) => x)).toEqual(texts.map((text) => String(parseDatetime(text) ?? '')));
      }),
      few,
    );
  });

  it('of numbers in texts, found by extract() too, take what JavaScript takes', async () => {
    const pieces = ['0', '7', '12', '2147483648', '9223372036854775807', '0x', '0X', 'fF', '8000000000000000', '1F'];
    const signs = ['+', '-', '.', 'e', 'E', '_', 'b', '\f', '\v', 'inf', 'NaN', 'nity', ','];
    const types = ['int', 'long', 'real', 'decimal', 'bool'] as const;
    const forms = types.flatMap((type) => [`to${type}(t)`, `extract("(?s)^(.*)$", 1, t, typeof(${type}))`]);
    await fc.assert(
      fc.asyncProperty(textsOf(' ', ...pieces, ...pieces, ...signs), async (texts) => {
        const rows = await rowsOf(
          texts,
          `sort by i asc | project ${forms.map((form) => `tostring(${form})`).join(', ')}`,
        );
        const told = texts.map((text) =>
          types.flatMap((type) => {
            const number = toType(toType(text, 'string', type), type, 'string');
            return [number, number];
          }),
        );
        expect(rows).toEqual(told);
      }),
      { numRuns: 12, examples: [[['0x7\n', '\t0XfF\r', ' 0x8000000000000000', ' 12\f', '+7']]] },
    );
  });

  it('of mv-expand give what JavaScript takes apart', async () => {
    const leaf = fc.constantFrom(
      ...['null', 'true', '-1.50', '1e3', '2e30', '123456789012345678901', '"x"', '"[1]"', '"{"', '"\\u00e9\\n"', '""'],
    );
    const deep = fc.oneof(leaf, fc.constantFrom('[]', '{}', '[1,[2]]', '{"a":{"b":[1]}}'));
    const array = fc.array(deep, { maxLength: 4 }).map((items) => `[${items.join(',')}]`);
    const bag = fc
      .uniqueArray(fc.tuple(fc.constantFrom('a', 'é', 'c d', '\\"'), deep), { maxLength: 3, selector: ([key]) => key })
      .map((pairs) => `{${pairs.map(([key, value]) => `"${key}":${value}`).join(',')}}`);
    const documents = fc.array(fc.oneof(leaf, array, array, bag), { minLength: 40, maxLength: 40 });
    const itemsOf = (text: string): readonly unknown[] => {
      const value: unknown = JSON.parse(text);
      if (Array.isArray(value)) return value;
      if (typeof value !== 'object' || value === null) return [value];
      const entries = Object.entries(value);
      return entries.length === 0 ? [] : entries.map(([key, item]) => ({ [key]: item as unknown }));
    };
    const read = (text: unknown): unknown => (typeof text === 'string' ? (JSON.parse(text) as unknown) : null);
    await fc.assert(
      fc.asyncProperty(documents, fc.integer({ min: 0, max: 3 }), async (texts, limit) => {
        const lists = texts.map(itemsOf);
        const rows = async (query: string): Promise<readonly (readonly unknown[])[]> =>
          rowsOf(texts, `extend d = todynamic(t) | ${query} | sort by i asc, x asc`);
        const expanded = await rows('mv-expand with_itemindex = x d | project i, x, d');
        expect(expanded.map(([, , item]) => read(item))).toEqual(lists.flat());
        const asTexts = await rows('mv-expand with_itemindex = x d to typeof(string) | project i, x, d');
        expect(asTexts).toEqual(await rows('mv-expand with_itemindex = x d | project i, x, tostring(d)'));
        const limited = await rows(`mv-expand with_itemindex = x d limit ${limit + 1} | project i, x, d`);
        expect(limited.map(([, , item]) => read(item))).toEqual(lists.flatMap((list) => list.slice(0, limit + 1)));
        const zipped = await rows('mv-expand with_itemindex = x d, e = pack_array(1, 2) | project i, x, d, e');
        expect(zipped.map(([, , item, other]) => [read(item), read(other)])).toEqual(
          lists.flatMap((list) =>
            Array.from({ length: Math.max(list.length, 2) }, (_row, at) => [list[at] ?? null, [1, 2][at] ?? null]),
          ),
        );
      }),
      few,
    );
  });

  it('of parse give what JavaScript finds', async () => {
    const text = (value: string): ParsePart => ({ k: 'text', text: value });
    const capture = (name: string, type = 'string'): ParsePart => ({ k: 'capture', name, type }) as ParsePart;
    const cases: readonly (readonly [string, readonly ParsePart[], readonly string[]])[] = [
      ['"a=" x " b=" y', [text('a='), capture('x'), text(' b='), capture('y')], ['x', 'y']],
      ['* "b=" x ";"', [{ k: 'star' }, text('b='), capture('x'), text(';')], ['x']],
      ['x "." y "." *', [capture('x'), text('.'), capture('y'), text('.'), { k: 'star' }], ['x', 'y']],
      ['"a=" n:long " " x', [text('a='), capture('n', 'long'), text(' '), capture('x')], ['x']],
      ['x " b=" y ";" *', [capture('x'), text(' b='), capture('y'), text(';'), { k: 'star' }], ['x', 'y']],
      [
        'x "]" y "^" z "-x"',
        [capture('x'), text(']'), capture('y'), text('^'), capture('z'), text('-x')],
        ['x', 'y', 'z'],
      ],
      [
        '"a=" x " b=" n:long ";" y " " r:real',
        [
          text('a='),
          capture('x'),
          text(' b='),
          capture('n', 'long'),
          text(';'),
          capture('y'),
          text(' '),
          capture('r', 'real'),
        ],
        ['x', 'y'],
      ],
    ];
    const [word, number] = [
      fc.constantFrom('', 'x', 'x b=', 'é\n', ' ', ';'),
      fc.constantFrom('7', '0x1F', '+1', '-1.5', '1e3'),
    ];
    const line = fc.tuple(word, number, word, number).map(([x, n, y, r]) => `a=${x} b=${n};${y} ${r}`);
    const lines = fc.array(line, { minLength: 40, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(textsOf('a=', ' b=', ';', '.', '12', '-7', '0x1F', 'x', ' '), textsOf('x', ']', '^', '-x'), lines),
        fc.constantFrom(...cases),
        async (texts, [pattern, parts, names]) => {
          const expression = regex(parsePattern(parts, 'simple', ''));
          const captured = texts.map((one) => {
            const match = expression.exec(one);
            return match && names.map((name) => match[1 + captureIndex(parts, name)] ?? '');
          });
          const columns = names.join(', ');
          const given = await rowsOf(texts, `parse t with ${pattern} | sort by i asc | project ${columns}`);
          expect(given).toEqual(captured.map((row) => row ?? names.map(() => '')));
          const matching = await rowsOf(texts, `parse-where t with ${pattern} | sort by i asc | project ${columns}`);
          expect(matching).toEqual(captured.filter((row) => row !== undefined));
        },
      ),
      { numRuns: 16 },
    );
  });
});

const captureIndex = (parts: readonly ParsePart[], name: string): number =>
  parts.filter((part) => part.k === 'capture').findIndex((part) => part.name === name);

/** The text of `a.b`, where it is a string or nothing; other values have other tests. */
function memberAb(text: string): unknown {
  const bag = (JSON.parse(text) as Record<string, unknown>)['a'];
  const value =
    typeof bag === 'object' && bag !== null && !Array.isArray(bag) ? (bag as Record<string, unknown>)['b'] : null;
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : expect.anything();
}
