import { sql } from '../sql/fragment.ts';
import { jsonBag, jsonItems, jsonKind, jsonPairs } from '../values/json-text.ts';
import { itemsOf } from '../functions/array.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { AggregateRows } from '../sql/scope.ts';
import { filterOf, toArray } from './collect.ts';

/** What a group of dynamic values looks like: simple types by name, the members of bags, and what arrays hold. */
interface Schema {
  readonly simple: Set<string>;
  readonly members: Map<string, Schema>;
  array?: Schema;
  isBag: boolean;
}
const empty = (): Schema => ({ simple: new Set(), members: new Map(), isBag: false });

function simpleType(raw: string): string | undefined {
  switch (jsonKind(raw)) {
    case 'string':
      return 'string';
    case 'bool':
      return 'bool';
    case 'number':
      return /^-?\d+$/.test(raw) ? 'long' : 'double';
    default:
      return undefined;
  }
}

const depthMax = 64;
function learn(schema: Schema, raw: string, depth: number): void {
  const simple = simpleType(raw);
  if (simple !== undefined) schema.simple.add(simple);
  if (depth >= depthMax) return;
  const pairs = jsonPairs(raw);
  if (pairs) schema.isBag = true;
  for (const [name, value] of pairs ?? []) {
    const member = schema.members.get(name) ?? empty();
    schema.members.set(name, member);
    learn(member, value, depth + 1);
  }
  const items = jsonItems(raw);
  if (!items) return;
  schema.array ??= empty();
  for (const item of items) learn(schema.array, item, depth + 1);
}

/** One type plainly, several as an array. @see the schema model in the documentation of buildschema() */
function schemaText({ simple, members, array, isBag }: Schema): string {
  const types = [...simple].map((name) => `"${name}"`);
  if (isBag || array)
    types.push(
      jsonBag([
        ...[...members].map(([name, member]) => [name, schemaText(member)] as const),
        ...(array ? [['`indexer`', schemaText(array)] as const] : []),
      ]),
    );
  const [only] = types;
  return types.length === 1 && only !== undefined ? only : `[${types.join(',')}]`;
}

const schemaOf = nativeFunction('schema_of', ['dynamic'], 'dynamic', ([list]) => {
  const items = itemsOf(list) ?? [];
  if (items.length === 0) return null;
  const schema = empty();
  for (const item of items) learn(schema, item, 0);
  return schemaText(schema);
});

export const schemaAggregates: AggregateRows = {
  buildschema: {
    result: 'dynamic',
    natives: [schemaOf],
    sql: ([value], _call, _scope, order) =>
      value
        ? nativeCall(schemaOf, toArray(sql`list(${value.sql}${order})${filterOf([sql`${value.sql} IS NOT NULL`])}`))
        : 'NULL',
  },
};
