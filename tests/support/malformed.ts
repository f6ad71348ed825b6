import type { TSchema } from '@sinclair/typebox';
import fc from 'fast-check';
import type { Json } from '../../src/base/json.ts';
import { isJsonObject } from '../../src/base/json.ts';

const deep = (levels: number): Json => {
  let value: Json = 1;
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : { a: value };
  return value;
};

const oddTexts = [
  ...[
    '',
    ' ',
    '.',
    '..',
    '%',
    '%2f',
    '%00',
    '\u0000',
    '\ud800',
    '\u2028',
    'K',
    '💥',
    'a'.repeat(300),
    '0',
    '-1',
    'null',
    '*',
  ],
  ...[
    '2020-13-99T99:99:99Z',
    '9999-12-31T23:59:59Z',
    '/subscriptions/x',
    'https://',
    "a'b",
    'a"b',
    '<a>',
    '${a}',
    '[concat()]',
  ],
];

export const oddText: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...oddTexts), fc.string({ maxLength: 40 }));

const oddJson: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, 0, -1, 1e21, 2 ** 53, 0.1, [], {}, [null], { a: null }, deep(30), deep(400)),
  oddText,
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
);

/** Roughly what a schema allows, with a string of `texts` where it does not say which. */
export function sampleOf(schema: TSchema | undefined, texts: fc.Arbitrary<string>): fc.Arbitrary<Json> {
  if (schema === undefined) return fc.constant({});
  const {
    type,
    properties,
    items,
    anyOf,
    allOf,
    const: only,
    enum: some,
  } = schema as Readonly<Record<string, unknown>>;
  if (only !== undefined) return fc.constant(only as Json);
  if (Array.isArray(some)) return fc.constantFrom(...(some as Json[]));
  if (Array.isArray(anyOf)) return fc.oneof(...(anyOf as TSchema[]).map((one) => sampleOf(one, texts)));
  if (Array.isArray(allOf)) {
    return fc
      .tuple(...(allOf as TSchema[]).map((one) => sampleOf(one, texts)))
      .map((parts) => Object.assign({}, ...parts.filter(isJsonObject)) as Json);
  }
  if (type === 'object') {
    const members = Object.entries((properties ?? {}) as Record<string, TSchema>);
    return fc.record(Object.fromEntries(members.map(([name, member]) => [name, sampleOf(member, texts)])), {
      requiredKeys: [],
    });
  }
  if (type === 'array') return fc.array(sampleOf(items as TSchema | undefined, texts), { maxLength: 3 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') return fc.integer({ min: -1, max: 400 });
  if (type === 'null') return fc.constant(null);
  return texts;
}

/** Somewhere in it something else: a value replaced, a member more, or one less. */
export const damaged = (value: Json): fc.Arbitrary<Json> =>
  fc.tuple(fc.infiniteStream(fc.nat(1_000)), oddJson).map(([choices, odd]) => {
    const next = (below: number): number => (choices.next().value as number) % below;
    const walk = (at: Json): Json => {
      if (next(4) === 0) return odd;
      if (Array.isArray(at)) {
        const items = at as readonly Json[];
        if (items.length === 0) return [odd];
        const place = next(items.length);
        return items.map((item, index) => (index === place ? walk(item) : item));
      }
      if (!isJsonObject(at)) return odd;
      const names = Object.keys(at);
      const name = names[next(names.length + 1)];
      if (name === undefined) return { ...at, [['__proto__', 'constructor', '', 'properties'][next(4)] ?? '']: odd };
      if (next(4) > 0) return { ...at, [name]: walk(at[name] ?? null) };
      return Object.fromEntries(Object.entries(at).filter(([other]) => other !== name));
    };
    return walk(value);
  });
