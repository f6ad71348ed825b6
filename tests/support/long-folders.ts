/** Of each suite in these, `npm test` takes one test of so many, since most start servers, clusters or threads of their own; of the first row
 * that fits. All else is taken whole, and so are these with `KUSTODY_CASES=all`. */
export const longFolders: readonly (readonly [start: string, share: number])[] = [
  ['tests/promises/', 6],
  ['tests/scenarios/', 6],
  ['tests/crash/', 3],
  ['tests/extents/', 3],
  ['tests/wire/kusto-data/', 5],
  ['tests/wire/kusto-commands/', 5],
  ['tests/wire/attacker/', 4],
  ['tests/wire/edge/', 3],
  ['tests/wire/export/', 3],
  ['tests/wire/resources/deployment-limits.test.ts', 4],
  ['src/cluster/', 5],
  ['src/database/extents/', 4],
  ['src/database/ingest/', 4],
  ['src/database/views/', 4],
  ['src/database/commands/', 3],
  ['src/kql/threads/', 5],
  ['src/kql/duckdb/', 5],
  ['src/kql/parser/parser-client.test.ts', 5],
];

/** @param path of a file, from the root of the repository */
export const shareOf = (path: string): number => longFolders.find(([start]) => path.startsWith(start))?.[1] ?? 1;
