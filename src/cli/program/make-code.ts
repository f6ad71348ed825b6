import { loadProgram } from '../../base/compiled-program.ts';
import type { KustodyProgram } from './main.ts';
import { programIn } from '../own-code.ts';

// `kustody-code.cjs CODE` writes the compiled functions of the command into that file, from a run with an empty instance of its own.
const [draft = ''] = process.argv.slice(2);
const program = loadProgram<KustodyProgram>(programIn(import.meta.dirname), undefined);
void program.exports.warmUp().then(() => {
  program.writeCode(draft);
  process.exit(0);
});
