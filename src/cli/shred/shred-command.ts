import { Command } from 'commander';
import { resolve } from 'node:path';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.ts';
import { signWithOption } from '../proof/sign-with-option.ts';
import { ask } from '../question.ts';
import { startWaiting } from '../waiting.ts';
import { writeFor } from '../write-for.ts';
import type { ShredStatus } from './certificate.ts';
import { readCertificate, writeCertificate } from './certificate-file.ts';
import { shredPage } from './page.ts';
import { shred } from './shred.ts';
import { planText, shredText } from './text.ts';

interface ShredOptions {
  readonly data?: string;
  readonly out: string;
  readonly html?: string;
  readonly advanceClock: boolean;
  readonly signWith?: string;
  readonly yes: boolean;
  readonly json: boolean;
}

const exitCodes: { readonly [Status in ShredStatus]: number } = { destroyed: 0, notDestroyed: 1, pending: 3 };

export function shredCommand(): Command {
  return new Command('shred')
    .description(
      'Delete every key that clusters, their databases and their followers are or ever were under, and certify what became of the data: destroyed, pending until the day when the keys are purged, or not destroyed, with what could still open it. Retention and purge protection stay what they are. Exit code 0 destroyed, 3 pending, 1 not.',
    )
    .argument('<clusters...>', 'names or resource ids; all that would lose its data has to be named')
    .requiredOption('--out <FILE>', 'the certificate; one that is there is gone on with')
    .option('--html <FILE>', 'write it as a page that stands by itself, too')
    .option('--advance-clock', 'let virtual time go on until the last key is purged', false)
    .addOption(signWithOption())
    .option('--yes', 'do not ask', false)
    .addOption(dataOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody shred kustody --out shred.json\n  $ kustody shred kustody --out shred.json --html shred.html --advance-clock --yes\n  $ kustody shred kustody --out shred.json --sign-with https://signing.vault.azure.net/keys/evidence\n  $ kustody proof verify shred.json',
    )
    .action(run);
}

async function run(clusters: readonly string[], options: ShredOptions): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const out = resolve(options.out);
  const { signWith } = options;
  const waiting = startWaiting();
  waiting.begin('reading the audit, and a value of each extent');
  try {
    const certificate = await shred(
      client,
      {
        ...{ clusters, advanceClock: options.advanceClock },
        ...(signWith === undefined ? {} : { signWith }),
        before: await readCertificate(client, out, signWith),
      },
      {
        confirm: async (plan) => {
          waiting.end();
          if (options.yes) return true;
          process.stderr.write(`${planText(plan)}\n`);
          return ask('Delete these keys? Once they are purged nobody opens the data again.');
        },
        write: (signed) => writeCertificate(out, `${JSON.stringify(signed, undefined, 2)}\n`),
      },
    );
    waiting.end();
    if (options.html !== undefined) writeFor('--html', options.html, shredPage(certificate));
    process.stdout.write(options.json ? `${JSON.stringify(certificate, undefined, 2)}\n` : shredText(certificate, out));
    process.exitCode = exitCodes[certificate.status];
  } finally {
    waiting.end();
  }
}
