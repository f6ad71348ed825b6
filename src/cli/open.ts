import { Command } from 'commander';
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import type { ControlClient } from './control-client.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import { authorityFileName } from '../server/control-file.ts';
import { UserError } from './user-error.ts';

interface OpenOptions {
  readonly data?: string;
  readonly browser: boolean;
}

export function openCommand(): Command {
  return new Command('open')
    .description('Print a link that opens the portal of a running instance once, within two minutes, and open it.')
    .addOption(dataOption())
    .option('--no-browser', 'only print the link')
    .addHelpText('after', '\nExamples:\n  $ kustody open\n  $ kustody open --data ./azure --no-browser')
    .action(async (options: OpenOptions) => {
      process.stdout.write(await openPortal(await requireInstance(dataDirectoryOf(options)), options.browser));
    });
}

export const portalNotBuilt = (): UserError =>
  new UserError('The pages of the portal are not built here.', "In the clone, 'npm run build:portal' builds them.");

/** @param inBrowser also open it, where there is a desktop
 * @returns what to tell the user
 * @throws UserError where there are no pages to open */
export async function openPortal(client: ControlClient, inBrowser: boolean): Promise<string> {
  const link = (await client.call('POST', '/portal-links')) as {
    readonly path: string;
    readonly expiresInSeconds: number;
    readonly isBuilt: boolean;
  };
  if (!link.isBuilt) throw portalNotBuilt();
  const url = `https://localhost:${client.file.port}${link.path}`;
  const opened = inBrowser && openInBrowser(client.dataDirectory, url);
  return [
    url,
    `  opens the portal once, within ${link.expiresInSeconds / 60} minutes.${opened ? ' Your browser is asked to.' : ''}`,
    `  A browser that does not trust ${join(client.dataDirectory, authorityFileName)} asks once whether to go on.`,
    '',
  ].join('\n');
}

const openers: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: 'open',
  linux: 'xdg-open',
  win32: 'explorer',
};

/** Other users of this machine see how programs were called, so the browser is given a file, and the file the link.
 * @returns false without a desktop */
function openInBrowser(dataDirectory: string, url: string): boolean {
  const opener = openers[process.platform];
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (opener === undefined || (opener === 'xdg-open' && !DISPLAY && !WAYLAND_DISPLAY)) return false;
  const directory = join(dataDirectory, clientDirectoryName);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const page = join(directory, 'open.html');
  rmSync(page, { force: true });
  writeFileSync(page, `<!doctype html><meta http-equiv="refresh" content="0;url=${url}">\n`, { mode: 0o600 });
  const child = spawn(opener, [page], { stdio: 'ignore', detached: true });
  child.once('error', () => undefined); // there is no such program: the link stands in the terminal
  child.unref();
  return true;
}
