import { CommanderError } from 'commander';
import { endWhenNobodyReads } from '../broken-pipe.ts';
import { createProgram } from './program.ts';
import { RootKeySource } from '../root-key-source.ts';
import { systemProblem } from '../system-problem.ts';
import { UserError } from '../user-error.ts';

// First of all: nothing that this process starts gets it.
const rootKeys = new RootKeySource(process.env);

// Whatever this process or its children write is for their owner alone.
process.umask(0o077);
endWhenNobodyReads();

try {
  await createProgram(rootKeys).parseAsync(process.argv);
} catch (error) {
  process.exitCode = exitCodeOf(error);
} finally {
  rootKeys.close();
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode; // it has printed what is wrong
  if (error instanceof UserError) {
    process.stderr.write(`kustody: ${error.message}\n${error.hint === undefined ? '' : `  ${error.hint}\n`}`);
    return error.exitCode;
  }
  const problem = systemProblem(error);
  if (problem !== undefined) {
    const path = error instanceof Error && 'path' in error ? `${String(error.path)}: ` : '';
    process.stderr.write(`kustody: ${path}${problem}.\n`);
    return 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`kustody: internal error, please report it\n${text}\n`);
  return 70;
}
