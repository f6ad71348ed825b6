import { Command, CommanderError } from 'commander';
import { version } from '../server/version.ts';
import { articleCommand } from './article-command.ts';
import { endWhenNobodyReads } from './broken-pipe.ts';
import { checkKeysCommand } from './check-keys.ts';
import { clockCommand } from './clock.ts';
import { cmkCommand } from './cmk/cmk-command.ts';
import { drillCommand } from './drill/drill-command.ts';
import { envCommand } from './env.ts';
import { extentCommand } from './extent.ts';
import { hostsCommand } from './hosts.ts';
import { lineageCommand } from './lineage.ts';
import { logsCommand } from './logs.ts';
import { proofCommand } from './proof/proof-command.ts';
import { queryCommand } from './query.ts';
import { resetCommand } from './reset.ts';
import { RootKeySource } from './root-key-source.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { systemProblem } from './system-problem.ts';
import { stateCommand } from './state.ts';
import { upCommand } from './up.ts';
import { UserError } from './user-error.ts';
import { versionCommand } from './version.ts';

// First of all: nothing that this process starts gets it.
const rootKeys = new RootKeySource(process.env);

const program = new Command('kustody')
  .description('Azure Data Explorer with customer-managed keys on your own machine.')
  .version(version, '-V, --version')
  .enablePositionalOptions()
  .exitOverride()
  .addHelpText('after', '\nExamples:\n  $ kustody article\n  $ kustody run -- npm test');

for (const command of [
  articleCommand(rootKeys),
  runCommand(rootKeys),
  upCommand(rootKeys),
  stateCommand(rootKeys),
  statusCommand(),
  logsCommand(),
  envCommand(),
  hostsCommand(),
  clockCommand(),
  checkKeysCommand(),
  queryCommand(),
  proofCommand(),
  lineageCommand(),
  extentCommand(),
  drillCommand(rootKeys),
  cmkCommand(),
  resetCommand(),
  versionCommand(),
]) {
  program.addCommand(inheritExit(command));
}

/** Commander ends the process by itself unless told otherwise, also in subcommands. */
function inheritExit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
  return command;
}

// Whatever this process or its children write is for their owner alone.
process.umask(0o077);
endWhenNobodyReads();

try {
  await program.parseAsync(process.argv);
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
