import { Command, InvalidArgumentError } from 'commander';
import { dataOption, jsonOption } from '../options.ts';
import { connectAudit } from './connect-action.ts';
import { exportEvents } from './export-action.ts';
import { showEvents } from './show-action.ts';
import { verifyLog } from './verify-action.ts';

export function auditCommand(): Command {
  const audit = new Command('audit')
    .description('Show, check and export what vaults and the resource manager were asked, by whom, and how it ended.')
    .addHelpText('after', '\nExamples:\n  $ kustody audit show --vault kustody-keys\n  $ kustody audit verify');
  filtered(audit.command('show').description('Print the newest events that match, the oldest of them first.'))
    .option('--last <N>', 'so many, 1 to 1000', parseLast, 50)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody audit show --operation KeyUnwrap --last 20\n  $ kustody audit show --vault kustody-keys --from 2026-01-01T00:00:00Z --json',
    )
    .action(showEvents);
  audit
    .command('verify')
    .description(
      'Read the whole log and hold every record against the hash that the next one carries, and the end against the sealed head. Exit code 3 when something was altered, removed, moved, or cut off.',
    )
    .addOption(dataOption())
    .option('--known <POINT>', 'a point that an earlier verify printed: what was before it is still the same')
    .addOption(jsonOption())
    .addHelpText('after', `\nExamples:\n  $ kustody audit verify\n  $ kustody audit verify --known 1:${'0'.repeat(64)}`)
    .action(verifyLog);
  filtered(
    audit
      .command('export')
      .description(
        "Write events as JSON lines in Azure's schemas: AuditEvent of Key Vault, Administrative of the activity log.",
      ),
  )
    .option('--out <FILE>', 'a new file, for its owner alone; default: standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody audit export --out events.jsonl\n  $ kustody audit export --operation KeyUnwrap | jq -r .identity.claim.appid',
    )
    .action(exportEvents);
  audit
    .command('connect')
    .description(
      'Copy events into the tables AZKVAuditLogs and AzureActivity of a database, which is made when it is not there, and go on with what comes, until interrupted. Each event comes once, however often this is started. The rights are those of the application of the data directory.',
    )
    .addOption(dataOption())
    .option('--cluster <URI>', 'name or address; default: $KUSTODY_CLUSTER_URI, else the only cluster')
    .requiredOption('--database <NAME>', 'where the tables are')
    .option('--source <ID>', 'a vault, cluster, group or subscription: its events alone; default: all of this instance')
    .option('--once', 'end when all events until now are there', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody audit connect --database audit --once\n  $ kustody audit connect --database audit --source /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v',
    )
    .action(connectAudit);
  return audit;
}

const filtered = (command: Command): Command =>
  command
    .addOption(dataOption())
    .option('--vault <NAME>', 'what this vault was asked, and what the resource manager did with it')
    .option('--operation <NAME>', 'such as KeyUnwrap, or Microsoft.KeyVault/vaults/write')
    .option('--from <TIME>', 'from this time on (ISO 8601)', parseTime)
    .option('--to <TIME>', 'before this time (ISO 8601)', parseTime);

function parseTime(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new InvalidArgumentError('Write a time such as 2026-01-31T08:00:00Z.');
  return new Date(time).toISOString();
}

function parseLast(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 1_000) throw new InvalidArgumentError('Give a number from 1 to 1000.');
  return count;
}
