import { CommanderError } from 'commander';
import { endWhenNobodyReads } from '../broken-pipe.ts';
import { temporaryDataDirectory } from '../private-instances.ts';
import { createProgram } from './program.ts';
import { RootKeySource } from '../root-key-source.ts';
import { systemProblem } from '../system-problem.ts';
import { UserError } from '../user-error.ts';

export async function main(): Promise<void> {
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
}

/** Starts a server that serves nobody, asks it what it is and ends it: what is compiled by then need not be in later starts. */
export async function warmUp(): Promise<void> {
  process.umask(0o077);
  const temporary = await temporaryDataDirectory();
  try {
    const { directory } = temporary;
    const { startInstance } = await import('../instance.ts');
    const rootKeys = new RootKeySource({});
    const server = await startInstance({ dataDirectory: directory, virtualTime: false, rootKey: undefined });
    await createProgram(rootKeys).parseAsync(['node', 'kustody', 'status', '--data', directory]);
    await server.close();
  } finally {
    temporary.remove();
  }
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
