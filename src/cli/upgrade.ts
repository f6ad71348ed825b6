import { Command } from 'commander';
import type { UpgradeStatus } from '../server/upgrade-routes.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from './options.ts';
import { textTable } from './text-table.ts';

interface UpgradeOptions {
  readonly data?: string;
  readonly json: boolean;
}

export function upgradeCommand(): Command {
  const upgrade = new Command('upgrade')
    .description(
      'Show and finish the upgrade of an instance. A new version writes what the one before can read, so that nodes are replaced one by one and can go back, until it is finished.',
    )
    .addHelpText('after', '\nExamples:\n  $ kustody upgrade status\n  $ kustody upgrade finish');
  const actions = {
    status: ['GET', '/upgrade', 'Show which formats each node knows, and which one is written.'],
    finish: [
      'POST',
      '/upgrade/finish',
      'Write the newest format from now on. Refused as long as a node that lives does not know it; older versions do not serve the state afterwards.',
    ],
  } as const;
  for (const [name, [method, path, description]] of Object.entries(actions)) {
    upgrade
      .command(name)
      .description(description)
      .addOption(dataOption())
      .addOption(jsonOption())
      .addHelpText('after', `\nExample:\n  $ kustody upgrade ${name}`)
      .action(async (options: UpgradeOptions) => {
        const client = await requireInstance(dataDirectoryOf(options));
        const status = (await client.call(method, path)) as UpgradeStatus;
        process.stdout.write(`${options.json ? JSON.stringify(status) : upgradeText(status)}\n`);
      });
  }
  return upgrade;
}

export function upgradeText({ written, newest, pending, refusal, nodes }: UpgradeStatus): string {
  const ahead = nodes.filter((node) => node.live && node.newest > newest);
  return [
    `Format ${written} is written; the node that serves knows formats up to ${newest}.`,
    textTable(
      ['node', 'id', 'version', 'formats', 'state'],
      nodes.map(({ host, id = '', version, oldest, newest: known, serves, live, silentMs }) => [
        ...[host, id, version, oldest === known ? `${known}` : `${oldest} to ${known}`],
        serves ? 'serves' : live ? 'stands by' : `silent for ${Math.round(silentMs / 1000)} s`,
      ]),
    ),
    ...pending.map(({ format, says }) => `To finish: format ${format} (${says}).`),
    refusal ??
      (pending.length > 0
        ? "'kustody upgrade finish' writes it from now on; older versions do not serve the state then."
        : ahead.length > 0
          ? 'A newer version stands by: finish when it serves.'
          : 'There is nothing to finish.'),
  ].join('\n');
}
