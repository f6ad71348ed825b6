import { join } from 'node:path';
import { loadProgram } from '../../base/compiled-program.ts';
import type { ClusterProgram } from './main.ts';

// Runs the program of a cluster's process: `cluster-process.cjs [CODE]`. In that file are the functions of the program that an earlier
// run has compiled; nothing of a cluster: `--make CODE` writes it, from a run that has no cluster near.
const [first = '', draft = ''] = process.argv.slice(2);
const makes = first === '--make';

const file = join(import.meta.dirname, 'cluster-program.cjs');
const program = loadProgram<ClusterProgram>(file, makes || first === '' ? undefined : first);
if (makes) {
  // What was compiled until something failed is worth keeping, too.
  const failed = (error: unknown): void => console.error(error);
  void program.exports
    .warmUp()
    .catch(failed)
    .then(() => {
      program.writeCode(draft);
      process.exit(0);
    });
} else program.exports.start();
