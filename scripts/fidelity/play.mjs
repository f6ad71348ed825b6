// Stands for bin/kustody.cjs where recordings are played: the client that plays gets a module in front that lets time pass.
//   node scripts/fidelity/play.mjs run -- node replay.mjs …
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

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
