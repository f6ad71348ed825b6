import { loadOwnProgram } from '../own-code.ts';

// `kustody-code.cjs CODE PROGRAM` writes the compiled functions of a program of the command into that file, from a run with an empty
// instance of its own.
const [draft = '', program = ''] = process.argv.slice(2);
const { exports, loaded } = loadOwnProgram(import.meta.dirname, () => undefined);
void exports.warmUp().then(() => {
  loaded.get(program)?.writeCode(draft);
  process.exit(0);
});
