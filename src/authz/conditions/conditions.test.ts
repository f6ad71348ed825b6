import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../tests/support/fuzz.ts';
import type { Attributes, ConditionContext } from './evaluate.ts';
import { conditionHolds } from './evaluate.ts';
import { parseCondition } from './parse.ts';

const ids = ['11111111-aaaa-4000-8000-000000000001', '22222222-bbbb-4000-8000-000000000002'];
const kinds = ['User', 'ServicePrincipal', 'Group'];

/** A condition as text, and what it is worth: 1 for true, 0 for false, ½ where an attribute is missing. */
interface Sample {
  readonly text: string;
  readonly worth: (context: ConditionContext) => number;
}

const attributeValue = (context: ConditionContext, source: string, name: keyof Attributes): string | undefined =>
  (source === 'Request' ? context.request : context.resource)?.[name];

/** What the documentation says of each operator, as regular expressions over both sides. */
const referenceOperators: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  StringEquals: (left, right) => new RegExp(`^${literal(right)}$`).test(left),
  StringEqualsIgnoreCase: (left, right) => new RegExp(`^${literal(right)}$`, 'i').test(left),
  StringStartsWith: (left, right) => new RegExp(`^${literal(right)}`).test(left),
  StringStartsWithIgnoreCase: (left, right) => new RegExp(`^${literal(right)}`, 'i').test(left),
  StringLike: (left, right) => new RegExp(`^${wild(right)}$`).test(left),
  StringLikeIgnoreCase: (left, right) => new RegExp(`^${wild(right)}$`, 'i').test(left),
};
const literal = (text: string): string => text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
const wild = (text: string): string =>
  Array.from(text)
    .map((one) => (one === '*' ? '.*' : one === '?' ? '.' : literal(one)))
    .join('');

const quantifiers: Readonly<Record<string, (hits: readonly (readonly boolean[])[]) => boolean>> = {
  'ForAnyOfAnyValues:': (hits) => hits.flat().includes(true),
  'ForAllOfAnyValues:': (hits) => !hits.some((row) => !row.includes(true)),
  'ForAnyOfAllValues:': (hits) => hits.some((row) => !row.includes(false)),
  'ForAllOfAllValues:': (hits) => !hits.flat().includes(false),
};

const source = fc.constantFrom('Request', 'Resource');
const quantified = fc.constantFrom(...Object.keys(quantifiers));

function comparison(
  names: readonly (keyof Attributes)[],
  operators: readonly string[],
  values: readonly string[],
  written: (value: string) => string,
): fc.Arbitrary<Sample> {
  return fc
    .record({
      source,
      name: fc.constantFrom(...names),
      operator: fc.constantFrom(...operators),
      negated: fc.boolean(),
      quantifier: fc.option(quantified, { nil: undefined }),
      values: fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
    })
    .map(({ source: from, name, operator, negated, quantifier, values: right }) => {
      const used = quantifier === undefined ? right.slice(0, 1) : right;
      const holds = (left: string, one: string): boolean =>
        (referenceOperators[
          operator
            .replace('Guid', 'String')
            .replace(/^StringEquals$/, operator.startsWith('Guid') ? 'StringEqualsIgnoreCase' : 'StringEquals')
        ]?.(left, one) ?? false) !== negated;
      const word = negated ? operator.replace(/^(String|Guid)/, '$1Not') : operator;
      const list = quantifier === undefined ? used.map(written).join('') : `{${used.map(written).join(', ')}}`;
      return {
        text: `@${from}[Microsoft.Authorization/roleAssignments:${name}] ${quantifier ?? ''}${word} ${list}`,
        worth: (context) => {
          const left = attributeValue(context, from, name);
          if (left === undefined) return 0.5;
          const hits = [used.map((one) => holds(left, one))];
          return (quantifiers[quantifier ?? 'ForAnyOfAnyValues:'] ?? (() => false))(hits) ? 1 : 0;
        },
      };
    });
}

const action = fc.constantFrom(
  ...['write', 'delete', 'read'].map((verb) => `Microsoft.Authorization/roleAssignments/${verb}`),
);
const leaf: fc.Arbitrary<Sample> = fc.oneof(
  fc.oneof(action, fc.constantFrom('Microsoft.Authorization/*', '*/write', '*')).map((pattern) => ({
    text: `ActionMatches{'${pattern}'}`,
    worth: (context: ConditionContext) => (new RegExp(`^${wild(pattern)}$`, 'i').test(context.action) ? 1 : 0),
  })),
  comparison(['RoleDefinitionId', 'PrincipalId'], ['GuidEquals'], ids, (value) => value),
  comparison(
    ['PrincipalType'],
    Object.keys(referenceOperators),
    [...kinds, 'user', 'U*', 'S?rvice*', 'Ser'],
    (value) => `'${value}'`,
  ),
  fc.tuple(source, fc.boolean()).map(([from, isNegated]) => ({
    text: `${isNegated ? 'NotExists' : 'Exists'} @${from}[Microsoft.Authorization/roleAssignments:PrincipalType]`,
    worth: (context: ConditionContext) =>
      (attributeValue(context, from, 'PrincipalType') === undefined) === isNegated ? 1 : 0,
  })),
);
const gap = fc.constantFrom(' ', '\n  ', '\t');

const sample: fc.Arbitrary<Sample> = fc.letrec<{ tree: Sample; inner: Sample }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, tie('inner')),
  inner: fc.oneof(
    fc
      .record({
        of: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
        isAll: fc.boolean(),
        isShort: fc.boolean(),
        gap,
      })
      .map(({ of, isAll, isShort, gap: space }) => {
        const word = isShort ? (isAll ? '&&' : '||') : isAll ? 'AND' : 'OR';
        return {
          text: of.map(({ text }) => `(${text})`).join(`${space}${word}${space}`),
          worth: (context: ConditionContext) => {
            const worths = of.map((one) => one.worth(context));
            return isAll ? Math.min(...worths) : Math.max(...worths);
          },
        };
      }),
    fc.tuple(tie('tree'), fc.boolean()).map(([one, isShort]) => ({
      text: `${isShort ? '!' : 'NOT '}(${one.text})`,
      worth: (context: ConditionContext) => 1 - one.worth(context),
    })),
  ),
})).tree;

const attributes: fc.Arbitrary<Attributes> = fc.record(
  {
    RoleDefinitionId: fc.constantFrom(...ids, ids[0]?.toUpperCase() ?? ''),
    PrincipalId: fc.constantFrom(...ids),
    PrincipalType: fc.constantFrom(...kinds),
  },
  { requiredKeys: [] },
);
const context: fc.Arbitrary<ConditionContext> = fc.record(
  { action, request: attributes, resource: attributes },
  { requiredKeys: ['action'] },
);

const outcomeOf = (text: string): string => parseCondition(text).outcome;
const request = '@Request[Microsoft.Authorization/roleAssignments:PrincipalType]';

describe('conditions', () => {
  it('are true, false or unknown as a reference evaluator says', () => {
    const seen = new Map<number, number>();
    fc.assert(
      fc.property(sample, context, ({ text, worth }, asked) => {
        const expected = worth(asked);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        const found = conditionHolds(text, asked);
        expect(found === 'unknown' ? 0.5 : Number(found), text).toBe(expected);
      }),
      fuzz(5_000),
    );
    for (const worth of [0, 0.5, 1]) expect(seen.get(worth) ?? 0, String(worth)).toBeGreaterThan(200);
  });

  it('never throw, whatever is written, and allow nothing that does not parse', () => {
    let broken = 0;
    const part = fc.oneof(
      sample.map(({ text }) => text),
      fc.string(),
      fc.constantFrom('(', ')', '{', "'", '@', '\\'),
    );
    fc.assert(
      fc.property(part, part, fc.nat(), (left, right, at) => {
        const text = left.slice(0, at % (left.length + 1)) + right + left.slice(at % (left.length + 1));
        if (outcomeOf(text) === 'parsed') return;
        broken += 1;
        expect(conditionHolds(text, { action: 'a/b', request: { PrincipalType: 'User' } })).toBe(false);
      }),
      fuzz(5_000),
    );
    expect(broken).toBeGreaterThan(500);
  });

  it.each([
    ['', 'it is empty'],
    [`${request} StringEquals 'a' AND ${request} StringEquals 'b' OR ${request} StringEquals 'c'`, 'no parentheses'],
    [`${request} GuidEquals ${ids[0] ?? ''}`, 'a type is not an id'],
    [`${request} StringEquals {'User', 'Group'}`, 'many values without a quantifier'],
    [`${request} StringIsLike 'User'`, 'no operator'],
    [`(${request} StringEquals 'User'`, 'a parenthesis is open'],
    [`${request} StringEquals 'User') `, 'a parenthesis too many'],
    [`${request} StringEquals User`, 'no quotes'],
    ["@Caller[Microsoft.Authorization/roleAssignments:PrincipalType] StringEquals 'User'", 'no source'],
    [`ActionMatches{'a', 'b'}`, 'two actions'],
    [`${'('.repeat(40)}${request} StringEquals 'User'${')'.repeat(40)}`, 'too deep'],
    [`${'!'.repeat(40)}ActionMatches{'*'}`, 'too deep without parentheses'],
    [`${request} StringEquals '${'a'.repeat(8200)}'`, 'too long'],
  ])('%.60s… is malformed: %s', (text) => {
    expect(outcomeOf(text)).toBe('malformed');
  });

  it('take GUIDs without their hyphens, too', () => {
    const [id = ''] = ids;
    const text = `@Request[Microsoft.Authorization/roleAssignments:PrincipalId] GuidEquals ${id.replaceAll('-', '').toUpperCase()}`;
    expect(conditionHolds(text, { action: 'a/b', request: { PrincipalId: id } })).toBe(true);
  });

  it.each([
    "@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] StringEquals 'c'",
    "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Engineering_Project] StringEquals 'Baker'",
    "@Environment[UtcNow] DateTimeGreaterThan '2023-05-01T13:00:00.000Z'",
    "SubOperationMatches{'Blob.List'}",
  ])('%s names what is not here', (text) => {
    expect(outcomeOf(text)).toBe('notHere');
  });

  it('match patterns in time that grows with both lengths, no faster', () => {
    const text = `${request} StringLike '${'*a'.repeat(2000)}'`;
    expect(conditionHolds(text, { action: 'x', request: { PrincipalType: 'a'.repeat(1000) } })).toBe(false);
  });
});
