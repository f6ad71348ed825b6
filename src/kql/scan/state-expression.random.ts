import fc from 'fast-check';
import { columns } from '../functions/case-rows.ts';

/** Templates by type of result, of what a scan computes by itself; a letter in braces stands for an expression of the type that the
 * column of this letter has. */
const templates: Readonly<Record<string, readonly string[]>> = {
  i: [
    ...[
      '{i}+{i}',
      '{i}-{j}',
      '{i}*{i}',
      '{i}/{i}',
      '{j}/{i}',
      '{i}%{i}',
      '-{i}',
      'iff({b},{i},{j})',
      'coalesce({i},{i})',
    ],
    'case({b},{i},{b},{i},3)',
  ],
  j: ['iff({b},{j},{j})', 'coalesce({j},{j})'],
  x: [
    ...['{x}+{x}', '{x}-{i}', '{x}*{x}', '{i}/{x}', '{x}%{x}', '-{x}', 'iff({b},{x},{i}*1.0)', 'coalesce({x},{x})'],
    '{d}/{d}',
  ],
  s: [
    'strcat({s},{s})',
    'strcat({s},{i},"-",{j})',
    'iff({b},{s},{s})',
    'coalesce({s},{s})',
    'case({b},{s},{b},"p",{s})',
  ],
  t: ['{t}+{d}', '{t}-{d}', 'iff({b},{t},{t})', 'coalesce({t},{t})'],
  d: [
    ...['{d}+{d}', '{d}-{d}', '{t}-{t}', '{d}*{i}', '{d}*0.5', '{d}/2', '{d}/0.3', '{d}%1h', '-{d}'],
    ...['iff({b},{d},{d})', 'coalesce({d},{d})'],
  ],
  b: [
    ...['{i}=={i}', '{i}!={j}', '{i}<{i}', '{i}>={x}', '{x}=={x}', '{x}!={x}', '{x}<{x}', '{x}>{i}', '{s}=={s}'],
    ...['{s}!={s}', '{t}<{t}', '{t}=={t}', '{d}>{d}', '{d}!={d}', '{b}=={b}', '{b} and {b}'],
    ...[
      '{b} or {b}',
      'not({b})',
      'isnull({i})',
      'isnotnull({x})',
      'isempty({s})',
      'isnotempty({t})',
      'iff({b},{b},{b})',
    ],
  ],
};

/** The column itself, mostly: so that expressions end. */
const ofType = (type: string, depth: number): fc.Arbitrary<string> => {
  const list = templates[type] ?? [];
  if (depth === 0) return fc.constant(type);
  return fc.oneof(
    { arbitrary: fc.constant(type), weight: 1 },
    {
      weight: 3,
      arbitrary: fc.constantFrom(...list).chain((template) => {
        const parts = template.split(/\{([ijxstdb])\}/);
        const filled = parts.map((part, index) => (index % 2 === 1 ? ofType(part, depth - 1) : fc.constant(part)));
        return fc.tuple(...filled).map((texts) => whole(texts.join(''), template));
      }),
    },
  );
};
/** In brackets where an operator stands at the top. */
const whole = (text: string, template: string): string => (/^[a-z_0-9]+\([^]*\)$/.test(template) ? text : `(${text})`);

export interface Typed {
  /** The column that has the type of the expression. */
  readonly like: keyof typeof columns;
  readonly text: string;
}
export const nested: fc.Arbitrary<Typed> = fc
  .constantFrom(...(Object.keys(templates) as (keyof typeof columns)[]))
  .chain((like) => ofType(like, 3).map((text) => ({ like, text })));

/** Every template once, over the columns themselves. */
export const allTemplates: readonly string[] = Object.values(templates)
  .flat()
  .map((template) => template.replaceAll(/[{}]/g, ''));

const values: Readonly<Record<keyof typeof columns, readonly string[]>> = {
  i: ['long(null)', '0', '1', '-1', '7', '-12', '255', '1000000007', '-99999999999', '9007199254740993'],
  j: ['int(null)', 'int(1)', 'int(-3)'],
  x: [
    'real(null)',
    '0.0',
    'real(-0.0)',
    '1.5',
    '-2.25',
    '0.1',
    '1e21',
    '1e-7',
    '123456.789',
    'real(nan)',
    'real(inf)',
    'real(-inf)',
  ],
  m: ['decimal(null)', 'decimal(0)', 'decimal(1.5)', 'decimal(-0.1)', 'decimal(3)', 'decimal(99999999999.000000001)'],
  s: [
    '""',
    '"a"',
    '"A b"',
    '"10"',
    '" -7 "',
    '"1.5e3"',
    '"naïve Äß"',
    '"x_y, a-b"',
    '"[1,2.50]"',
    '"{\\"a\\":\\"b\\"}"',
    '"true"',
    '"2024-02-29 10:20"',
    '"1.02:03:04"',
    '"10.1.2.3"',
    '"a%20b"',
    '"YWI="',
    '"👍🏽 é"',
  ],
  t: [
    'datetime(null)',
    'datetime(2024-02-29 13:14:15.1234567)',
    'datetime(1999-12-31)',
    'datetime(2020-01-01)',
    'datetime(1901-06-15 12:00:00)',
  ],
  d: ['timespan(null)', 'time(0)', 'time(1h)', 'time(-1.12:00:00)', 'time(00:00:01.5)', 'time(400.00:00:00)'],
  b: ['bool(null)', 'true', 'false'],
  o: [
    'dynamic(null)',
    'dynamic([])',
    'dynamic([3,1,2.5,1])',
    'dynamic(["a","B",null,true])',
    'dynamic({"a":1,"b":{"c":"x"}})',
    'dynamic({"b":{"c":[1]},"a":"1"})',
    'dynamic("a")',
    'dynamic(5)',
    'dynamic(-2.50)',
    'dynamic(true)',
    'dynamic([[1,2],{"a":3}])',
  ],
  g: ['guid(null)', 'guid(0e4f1c5a-1111-2222-3333-444444444444)', 'guid(ffffffff-ffff-ffff-ffff-ffffffffffff)'],
};
/** Literals of one row, in the order of the columns. */
export const randomRow: fc.Arbitrary<string[]> = fc.tuple(
  ...Object.keys(columns).map((name) => fc.constantFrom(...values[name as keyof typeof columns])),
);
