import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { endedWithTests } from './kustody-command.ts';

const root = join(import.meta.dirname, '..', '..');

/** Where `.ci/run` (or `scripts/python-clients.sh`) installed the Azure CLI: its programs, of which `python` has its modules. */
export const azureCliFolder = join(root, '.cache', 'azure-cli', 'bin');
export const hasAzureCli = existsSync(join(azureCliFolder, 'az'));

const program = join(root, 'tests', 'clients', 'azure-cli', 'forked.py');

/** The Azure CLI's own program in a process a command, each a copy of one that has read its modules: that takes ten times as long as all
 * else that a command does.
 * @param configDirectory what AZURE_CONFIG_DIR is in all commands, for it is read with the modules; what lies in it may change
 * @param socket a path for it
 * @returns Bash that has `az` be this; ends when `close` has */
export async function startAzureCli(configDirectory: string, socket: string) {
  const python = join(azureCliFolder, 'python');
  const env = { ...process.env, AZURE_CONFIG_DIR: configDirectory };
  const child = spawn(python, [program, 'serve', socket], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  endedWithTests(child, ended);
  await Promise.race([once(child.stdout, 'data'), ended.then(() => Promise.reject(new Error('no Azure CLI listens')))]);
  return {
    bash: `export AZURE_CONFIG_DIR='${configDirectory}'; az() { '${python}' -IS '${program}' call '${socket}' "$@"; }; export -f az`,
    close: async (): Promise<void> => {
      child.stdin.end();
      await ended;
    },
  };
}
