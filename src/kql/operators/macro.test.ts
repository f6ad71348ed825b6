import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { EngineSources } from '../query-request.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

const columns = [
  { name: 'a', type: 'long' },
  { name: 's', type: 'string' },
] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      ...{ name: 'one', tables: ['Logs', 'Names'].map((name) => ({ name, columns })), functions: [] },
      entityGroups: [
        { name: 'Stored', entities: ["cluster('local').database('one')", "database('two')"] },
        { name: 'Elsewhere', entities: ["database('one')", "cluster('other').database('two')"] },
        { name: 'Gone', entities: ["database('one')", "database('nowhere')"] },
      ],
    },
    { name: 'two', tables: ['Logs', 'Names'].map((name) => ({ name, columns })), functions: [] },
    { name: 'odd', tables: [{ name: 'Logs', columns: columns.slice(0, 1) }], functions: [] },
    { name: 'bare', tables: [], functions: [] },
  ],
};
const rowsByTable: Readonly<Record<string, string>> = {
  'one.Logs': `(1, 'x'), (2, 'y')`,
  'two.Logs': `(3, 'x')`,
  'one.Names': `(1, 'first')`,
  'two.Names': `(3, 'second'), (1, 'other')`,
};
const sources: EngineSources = {
  open: (database, table) =>
    Promise.resolve({
      sql: `(VALUES ${rowsByTable[`${database}.${table}`] ?? ''}) AS t(a, s)`,
      columns: new Map([
        ['a', 'CAST(a AS BIGINT)'],
        ['s', 's'],
      ]),
      release: () => undefined,
    }),
};

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog, sources });
});
afterAll(() => engine.close());

const both = `let Both = entity_group [database('one'), database('two')];`;

it.each<[string, readonly (readonly unknown[])[]]>([
  [
    `macro-expand entity_group [database('one'), database('two')] as X (X.Logs | where s == 'x') | sort by a asc`,
    [
      [1, 'x'],
      [3, 'x'],
    ],
  ],
  // As in the documentation: aggregated in each database, then over all.
  [
    `${both} macro-expand Both as X (X.Logs | summarize n = count() by s) | summarize sum(n), count() by s | sort by s asc`,
    [
      ['x', 2, 2],
      ['y', 1, 1],
    ],
  ],
  [
    `macro-expand Stored as X (X.Logs | extend db = X.$current_database | project a, db) | sort by a asc`,
    [
      [1, 'one'],
      [2, 'one'],
      [3, 'two'],
    ],
  ],
  [`let Stored = entity_group [database('two')]; macro-expand Stored as X (X.Logs | project a)`, [[3]]],
  // The join stays inside each database.
  [
    `${both} macro-expand Both as X (X.Logs | join kind=inner (X.Names | project a, name = s) on a | project a, name) | sort by a asc`,
    [
      [1, 'first'],
      [3, 'second'],
    ],
  ],
  [
    `${both} macro-expand kind=inner Both as X (let big = X.Logs | where a > 1; big | project a, db = X.$current_database) | sort by a asc`,
    [
      [2, 'one'],
      [3, 'two'],
    ],
  ],
  [
    `${both} macro-expand Both as X (macro-expand Both as Y (X.Logs | join kind=inner (Y.Names) on a
    | project a, s1, l = X.$current_database, r = Y.$current_database)) | sort by a asc, r asc`,
    [
      [1, 'first', 'one', 'one'],
      [1, 'other', 'one', 'two'],
      [3, 'second', 'two', 'two'],
    ],
  ],
])('%s', async (query, expected) => {
  expect((await engine.run(query))[0]?.rows).toEqual(expected);
});

it.each<[string, string, string]>([
  [`macro-expand entity_group [database('one'), database('bare')] as X (X.Logs)`, 'semantic', `'Logs'`],
  [`macro-expand entity_group [database('one'), database('odd')] as X (X.Logs)`, 'notSupported', 'different columns'],
  [`macro-expand entity_group [database('one').Logs] as X (X)`, 'notSupported', 'databases'],
  [`macro-expand Elsewhere as X (X.Logs)`, 'notSupported', "other cluster in cluster('other').database('two')"],
  [`macro-expand Gone as X (X.Logs)`, 'databaseNotFound', "'nowhere'"],
  [`macro-expand database('one').Stored as X (X.Logs)`, 'notSupported', 'This entity group'],
])('refuses %s', async (query, code, message) => {
  await expect(engine.run(query)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
});
