import { loadProgram } from '../../base/compiled-program.ts';
import type { KustodyProgram } from './main.ts';
import { ownCode, programIn } from '../own-code.ts';

// Runs the program of the command, with the functions that an earlier start of a server has left compiled.
const dist = import.meta.dirname;
void loadProgram<KustodyProgram>(programIn(dist), ownCode(dist, process.env)).exports.main();
