import { afterAll, beforeAll, expect, it } from 'vitest';
import { missingDatabase } from './plan/kql-error.ts';
import type { RefusingEngine } from './testing/refusing-engine.ts';
import { openRefusingEngine } from './testing/refusing-engine.ts';

const functions = [
  { name: 'F', parameters: '()', body: '{ database("Nowhere").T | project x }' },
  { name: 'P', parameters: '(x:long)', body: '{ database("Nowhere").T | extend y = x }' },
];
let engine: RefusingEngine;
beforeAll(async () => {
  engine = await openRefusingEngine({
    version: '1',
    cluster: 'local',
    databases: [{ name: 'db', tables: [], functions }],
  });
});
afterAll(() => engine.close());

it.each([
  'database("Nowhere").T',
  `database('Nowhere').table("T") | count`,
  'print toscalar(database("Nowhere").T | count)',
  'let name = "Nowhere"; database(name).T',
  'alias database D = cluster("local").database("Nowhere"); database("D").T',
  'union database("Nowhere").*',
  'macro-expand entity_group [database("Nowhere")] as X (X.T)',
  ...['F()', 'P(1)', 'union (F())'],
])('%s tells which database it misses', async (text) => {
  const error: unknown = await engine.run(text).catch((thrown: unknown) => thrown);
  expect(missingDatabase(error)).toBe('Nowhere');
});

it('no other complaint names one', async () => {
  const quoted = `print x = strcat("The name 'db' does not refer to any known database.", Nothing)`;
  for (const text of [quoted, "['The name db']", 'print']) {
    const error: unknown = await engine.run(text).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(missingDatabase(error)).toBeUndefined();
  }
});
