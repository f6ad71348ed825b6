import { randomInt } from 'node:crypto';
import { processCode } from '../../src/cluster/supervisor/process-code.ts';
import { builtSnapshot, inPlace } from '../../src/kql/testing/built-snapshot.ts';
import { buildParser, parserEntry, parserSnapshots } from '../../src/kql/testing/parser-entry.ts';
import { builtScripts } from './built.ts';
import { leftOutNow } from './few-files.ts';
import { keepPrimes } from './kept-primes.cjs';

/** Once for a run of tests: the seed of what is drawn at random, a parser of these sources, with a snapshot, so that no test file waits for a grammar to be built, a
 * snapshot and compiled functions for the clusters of the servers that tests start, and primes for their keys. */
export async function setup(): Promise<void> {
  process.env['KUSTODY_SEED'] ??= String(randomInt(2 ** 31));
  process.stdout.write(`KUSTODY_SEED=${process.env['KUSTODY_SEED']} repeats what this run draws\n`);
  const { length: left } = leftOutNow();
  if (left > 0)
    process.stdout.write(`${left} of the files that take long are left out; KUSTODY_CASES=all takes them, too\n`);
  await keepPrimes();
  await buildParser();
  await builtSnapshot(parserEntry, parserSnapshots);
  await builtSnapshot(builtScripts.kqlProcess, parserSnapshots);
  await inPlace(parserSnapshots, () => processCode(builtScripts.clusterProcess, parserSnapshots));
}
