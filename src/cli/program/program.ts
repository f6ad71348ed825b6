import { Command } from 'commander';
import { version } from '../../server/version.ts';
import { articleCommand } from '../article-command.ts';
import { auditCommand } from '../audit/audit-command.ts';
import { backupCommand, restoreCommand } from '../backup.ts';
import { checkKeysCommand } from '../check-keys.ts';
import { clockCommand } from '../clock.ts';
import { cmkCommand } from '../cmk/cmk-command.ts';
import { completionCommand } from '../completion/completion-command.ts';
import { doctorCommand } from '../cmk/doctor-command.ts';
import { drillCommand } from '../drill/drill-command.ts';
import { envCommand } from '../env.ts';
import { exportCommand } from '../export/export-command.ts';
import { extentCommand } from '../extent.ts';
import { hostsCommand } from '../hosts.ts';
import { importCommand } from '../import/import-command.ts';
import { lineageCommand } from '../custody/lineage.ts';
import { logsCommand } from '../logs.ts';
import { migrateCommand } from '../migrate.ts';
import { openCommand } from '../open.ts';
import { promoteCommand } from '../promote/promote-command.ts';
import { proofCommand } from '../proof/proof-command.ts';
import { queryCommand } from '../query.ts';
import { resetCommand } from '../reset.ts';
import { rootKeyCommand } from '../root-key.ts';
import type { RootKeySource } from '../root-key-source.ts';
import { runCommand } from '../run.ts';
import { shredCommand } from '../shred/shred-command.ts';
import { stateCommand } from '../state.ts';
import { statusCommand } from '../status.ts';
import { upCommand } from '../up.ts';
import { upgradeCommand } from '../upgrade.ts';
import { versionCommand } from '../version.ts';

/** Every command, with its options and help. Nothing of it runs before it is parsed.
 * @param rootKeys for the commands that start a server */
export function createProgram(rootKeys: RootKeySource): Command {
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
    rootKeyCommand(rootKeys),
    upgradeCommand(),
    migrateCommand(rootKeys),
    backupCommand(rootKeys),
    restoreCommand(rootKeys),
    statusCommand(),
    logsCommand(),
    envCommand(),
    hostsCommand(),
    clockCommand(),
    checkKeysCommand(),
    auditCommand(),
    openCommand(),
    queryCommand(),
    proofCommand(),
    lineageCommand(),
    shredCommand(),
    extentCommand(),
    exportCommand(),
    importCommand(),
    promoteCommand(),
    drillCommand(rootKeys),
    cmkCommand(),
    doctorCommand(),
    resetCommand(),
    completionCommand(),
    versionCommand(),
  ]) {
    program.addCommand(inheritExit(command));
  }
  return program;
}

/** Commander ends the process by itself unless told otherwise, also in subcommands. */
function inheritExit(command: Command): Command {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
  return command;
}
