import { builtSnapshot } from '../../src/kql/testing/built-snapshot.ts';
import { buildParser, parserEntry, parserSnapshots } from '../../src/kql/testing/parser-entry.ts';

/** Once for a run of tests: a parser of these sources, with a snapshot, so that no test file waits for a grammar to be built. */
export async function setup(): Promise<void> {
  await buildParser();
  await builtSnapshot(parserEntry, parserSnapshots);
}
