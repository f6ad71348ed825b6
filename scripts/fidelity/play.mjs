// Stands for bin/kustody.cjs where recordings are played: the client that plays gets a module in front that lets time pass.
//   node scripts/fidelity/play.mjs run -- node replay.mjs …
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { graphPairs } from '../recordings.mjs';

const here = import.meta.dirname;
const given = process.argv.slice(2);
const at = given.indexOf('--') + 2;
const found = spawnSync(
  process.execPath,
  [
    join(here, '../../bin/kustody.cjs'),
    ...given.slice(0, at),
    ...['--import', join(here, 'let-time-pass.mjs')],
    ...given.slice(at),
  ],
  { stdio: 'inherit' },
);
if (found.error !== undefined) throw found.error;
process.exitCode = found.status ?? 1;

// What the player of the recordings leaves out, in an instance of its own: the two ask for nothing that the other made.
const [results, recording] = given.slice(-2);
if (process.exitCode === 0 && graphPairs(recording).length > 0) {
  const graph = spawnSync(
    process.execPath,
    [
      join(here, '../../bin/kustody.cjs'),
      'run',
      '--',
      process.execPath,
      join(here, 'play-graph.mjs'),
      recording,
      results,
    ],
    { stdio: 'inherit' },
  );
  if (graph.error !== undefined) throw graph.error;
  process.exitCode = graph.status ?? 1;
}
