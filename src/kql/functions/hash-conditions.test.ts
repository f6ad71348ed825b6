import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functionFacts, language } from '../language.ts';
import type { KqlParser } from '../parser/parser-client.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import { translate } from '../sql/translate.ts';
import type { LocalEngine } from '../testing/local-engine.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry, parserSnapshots } from '../testing/parser-entry.ts';

const columns = [
  { name: 's', type: 'string' },
  { name: 'n', type: 'long' },
] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [{ name: 'db', tables: [{ name: 'T', columns }], functions: [] }],
};
let parser: KqlParser;
let engine: LocalEngine;
beforeAll(async () => {
  const limits = { textMax: 100_000, parseMsMax: 60_000 };
  parser = createKqlParser({
    ...{ entry: parserEntry, snapshots: parserSnapshots },
    ...{ limits, functions: functionFacts, after: () => () => undefined },
  });
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => {
  parser.stop();
  engine.close();
});

async function sqlOf(text: string): Promise<string> {
  const { results, lets } = await parser.compile(text, 'db', catalog);
  const plan = results[0]?.plan;
  if (plan === undefined) throw new Error('a query has a result');
  return translate(plan, {
    facts: { now: 0n, database: 'db', cluster: 'c', parameters: new Map(), options: {} },
    ...{ language, lets, wrapping: false },
    table: () => ({ sql: 't', columns: new Map(columns.map(({ name }) => [name, name])) }),
  }).sql;
}

describe('a condition on hash()', () => {
  it.each(['hash(s, 16) == 3', '3 == hash(n, 16)'])(
    'does not ask what becomes of null, where it is of a column: %s',
    async (condition) => {
      expect(await sqlOf(`T | where ${condition}`)).toMatch(/CASE WHEN \w+ IS NOT NULL THEN kql_n_xxhash_\w+_mod\(/);
    },
  );

  it.each(['extend h = hash(s, 16)', 'where hash(strcat(s, "x"), 16) == 3', 'where hash(s, 16) == n'])(
    'asks for each value elsewhere, which is cheaper: %s',
    async (operator) => {
      expect(await sqlOf(`T | ${operator}`)).not.toContain('IS NOT NULL THEN kql_n_');
    },
  );

  it('holds for the same rows, and for no null', async () => {
    const rows = 'range i from 0 to 3000 step 1 | extend n = iff(i % 7 == 0, long(null), i)';
    const count = async (text: string): Promise<unknown> => (await engine.run(`${rows} | ${text}`))[0]?.rows[0]?.[0];
    const kept = await count('where hash(n, 16) == 3 | count');
    expect(kept).toBeGreaterThan(0);
    expect(kept).toEqual(await count('extend h = hash(n, 16) | summarize countif(h == 3)'));
    expect(await count('where isnull(n) and hash(n, 16) == 3 | count')).toBe(0);
  });
});
