import { Command } from 'commander';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import type { RefusedHost } from '../http/refused-hosts.ts';
import type { InstanceEnvironment } from '../server/control-plane.ts';
import { defaultSeed, seed, seedVariables } from '../server/seed.ts';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import { runChild } from './child-command.ts';
import { allowOption } from './instance.ts';
import { environmentOf, openLiveInstance } from './live-instance.ts';
import { geoipOption, keyRecheckOption, stateAnchorOption } from './options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { rootKeyOption } from './root-key-source.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { outsideVaultOption } from './outside-vault-option.ts';
import { refusedText } from './status.ts';

interface RunOptions {
  readonly data?: string;
  readonly allow: readonly AllowedHost[];
  readonly seed: boolean;
  readonly secondSubscription: boolean;
  readonly keyRecheck?: number;
  readonly vault: readonly OutsideVaultOption[];
  readonly geoipDatabase?: string;
  readonly rootKeyFd?: number;
  readonly stateAnchor?: string;
}

export function runCommand(rootKeys: RootKeySource): Command {
  return new Command('run')
    .description(
      'Run a command whose Azure clients come to Kustody: proxy, trust and credentials are set in its environment. Without --data it gets a private temporary instance.',
    )
    .option('--data <DIR>', 'a data directory: joined when it is served already, else served while the command runs')
    .addOption(allowOption())
    .option('--second-subscription', 'make a second subscription, beside the main one', false)
    .addOption(keyRecheckOption())
    .addOption(outsideVaultOption())
    .addOption(geoipOption())
    .addOption(rootKeyOption())
    .addOption(stateAnchorOption())
    .option(
      '--seed',
      'make a resource group, a vault with a key, a cluster under that key and a database first, and set KUSTODY_CLUSTER_URI, KUSTODY_DATABASE, KUSTODY_VAULT_URI, KUSTODY_KEY_ID and KUSTODY_OBJECT_ID',
      false,
    )
    .argument('<command...>', 'the command, after --')
    .passThroughOptions()
    .addHelpText(
      'after',
      "\nExamples:\n  $ kustody run -- npm test\n  $ kustody run --seed -- sh -c 'echo $KUSTODY_CLUSTER_URI'\n  $ kustody run --data ./azure --allow packages.example.org -- bash",
    )
    .action((command: readonly string[], options: RunOptions) => run(rootKeys, command, options));
}

async function run(rootKeys: RootKeySource, command: readonly string[], options: RunOptions): Promise<void> {
  const [program = '', ...args] = command;
  const { geoipDatabase } = options;
  const instance = await openLiveInstance(options.data, {
    rootKey: rootKeys.take(options.rootKeyFd),
    allowedHosts: options.allow,
    expectsCluster: options.seed,
    secondSubscription: options.secondSubscription,
    outsideVaults: options.vault,
    ...(options.keyRecheck === undefined ? {} : { keyRecheckSeconds: options.keyRecheck }),
    ...(options.stateAnchor === undefined ? {} : { stateAnchor: options.stateAnchor }),
    ...(geoipDatabase === undefined ? {} : { geoipDatabase }),
  });
  try {
    const environment = await environmentOf(instance, process.env);
    const seeded = options.seed ? await seedInstance(await instance.describe()) : {};
    const path = `${kustodyOnPath(instance.dataDirectory)}${delimiter}${process.env['PATH'] ?? ''}`;
    process.exitCode = await runChild({
      command: program,
      args,
      environment: { ...environment, ...seeded, PATH: path },
    });
    tellRefused(instance.refusedHosts());
  } finally {
    await instance.close();
  }
}

const seedInstance = async (instance: InstanceEnvironment): Promise<Readonly<Record<string, string>>> =>
  seedVariables(await seed(instance, defaultSeed), instance);

/** The first thing to look at when the command failed. */
function tellRefused(hosts: readonly RefusedHost[]): void {
  if (hosts.length === 0) return;
  const lines = hosts.map((host) => `${refusedText(host)}\n`).join('');
  process.stderr.write(
    `kustody: these hosts were asked for and refused (--allow HOST lets a foreign one through):\n${lines}`,
  );
}

/** A directory with `kustody` in it, so that the command can call this very Kustody. */
function kustodyOnPath(dataDirectory: string): string {
  const directory = join(dataDirectory, clientDirectoryName, 'bin');
  const launcher = resolve(import.meta.dirname, '..', 'bin', 'kustody.cjs');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') {
    writeFileSync(join(directory, 'kustody.cmd'), `@"${process.execPath}" "${launcher}" %*\r\n`);
  } else {
    const link = join(directory, 'kustody');
    rmSync(link, { force: true });
    symlinkSync(launcher, link);
  }
  return directory;
}
