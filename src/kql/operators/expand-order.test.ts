import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EngineDatabase } from '../duckdb/engine-database.ts';
import { openEngineDatabase } from '../duckdb/engine-database.ts';
import { functionFacts, language, natives } from '../language.ts';
import type { KqlParser } from '../parser/parser-client.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import { translate } from '../sql/translate.ts';
import { parserEntry, parserSnapshots } from '../testing/parser-entry.ts';

/** Several threads have parts of it. */
const rowCount = 200_000;
const columns = [{ name: 'n', type: 'long' }] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [{ name: 'db', tables: [{ name: 'T', columns }], functions: [] }],
};
let parser: KqlParser;
let database: EngineDatabase;
beforeAll(async () => {
  const limits = { textMax: 100_000, parseMsMax: 60_000 };
  const after = (): (() => void) => () => undefined;
  parser = createKqlParser({ entry: parserEntry, snapshots: parserSnapshots, limits, functions: functionFacts, after });
  database = await openEngineDatabase({ threads: 4, memoryLimit: '512MB' }, natives);
  const connection = await database.connect();
  await connection.run(`CREATE TABLE numbers AS SELECT i AS n FROM range(${rowCount}) t(i)`);
  connection.close();
});
afterAll(() => {
  parser.stop();
  database.close();
});

async function read(query: string, givesWay: boolean): Promise<{ readonly sql: string; readonly numbers: bigint[] }> {
  const program = await parser.compile(query, 'db', catalog);
  const [result] = program.results;
  if (result === undefined) throw new Error('a query has a result');
  const { sql, bound } = translate(result.plan, {
    facts: { now: 0n, database: 'db', cluster: 'local', parameters: new Map() },
    ...{ language, lets: program.lets, wrapping: false },
    table: () => ({ sql: 'numbers', columns: new Map([['n', 'n']]) }),
  });
  const connection = await database.connect();
  if (givesWay) connection.giveWay();
  const numbers: bigint[] = [];
  for await (const [values] of connection.stream(sql, bound))
    for (const value of values ?? []) numbers.push(value as bigint);
  connection.close();
  return { sql, numbers };
}

it.each([
  ['of a few elements', 'T | mv-expand i = dynamic([0, 1, 2]) to typeof(long) | project x = n * 3 + i', false],
  ['of a few, beside others', 'T | mv-expand i = dynamic([0, 1, 2]) to typeof(long) | project x = n * 3 + i', true],
  [
    'of more than fit into a chunk, with their places',
    'T | where n % 1000 == 0 | mv-expand with_itemindex = at i = range(0, 2999, 1) to typeof(long) | where i == at | project x = n * 3 + i',
    false,
  ],
])('mv-expand gives its rows in order without sorting: %s', async (_what, query, givesWay) => {
  const { sql, numbers } = await read(query, givesWay);
  expect(sql).not.toContain('ORDER BY');
  expect(numbers.length).toBe(3 * rowCount);
  expect(numbers.findIndex((value, index) => value !== BigInt(index))).toBe(-1);
});
