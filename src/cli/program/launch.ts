import { loadOwnProgram, ownCode } from '../own-code.ts';

// Runs the program of the command, with the functions that an earlier start of a server has left compiled.
const dist = import.meta.dirname;
void loadOwnProgram(dist, (program) => ownCode(dist, process.env, program)).exports.main();
