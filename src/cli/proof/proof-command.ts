import { Command } from 'commander';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rootKeyFileName } from '../../server/data-directory-names.ts';
import { version } from '../../server/version.ts';
import type { ScanResult } from '../../server/canary-scan.ts';
import { canaryBytesMin, scanForCanaries } from '../../server/canary-scan.ts';
import { listClusters } from '../clusters.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf, dataOption, jsonOption } from '../options.ts';
import { copiesBeside } from '../custody/copies.ts';
import { keysUnderData } from '../custody/cluster-kids.ts';
import { UserError } from '../user-error.ts';
import { writeFor } from '../write-for.ts';
import { readKeyHistory } from '../custody/key-history.ts';
import { custodyOf, keysEverUsed } from './custody.ts';
import { keyUses } from './key-uses.ts';
import { proofPage } from './page.ts';
import { controlCanaries } from './positive-control.ts';
import { makeReport } from './report.ts';
import { signReport } from './signature.ts';
import { signWithOption } from './sign-with-option.ts';
import { proofText } from './text.ts';
import { vaultSigning } from './vault-signature.ts';
import { showProofKey, verifyProof } from './verify-action.ts';

interface ProofOptions {
  readonly data?: string;
  readonly canary: readonly string[];
  readonly json: boolean;
  readonly html?: string;
  readonly signWith?: string;
}

export function proofCommand(): Command {
  const proof = new Command('proof')
    .description(
      'Show which key opens which extent of a running instance and who has used it, and look through every file of its data directory for texts of yours; signed by the instance. Exit code 1 when one is found, when no row holds it, or when a file could not be read.',
    )
    .addOption(dataOption())
    .option('--canary <TEXT>', 'a text that is in the data and must not be on the disk (repeatable)', collectCanary, [])
    .option('--html <FILE>', 'write a page that stands by itself, to keep or to print')
    .addOption(signWithOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      "\nExamples:\n  $ kustody proof --canary 'Jane Doe' --canary secret-4711\n  $ kustody proof --canary secret-4711 --html proof.html\n  $ kustody proof --json > proof.json && kustody proof verify proof.json\n  $ kustody proof --sign-with https://kustody-keys.vault.azure.net/keys/signing --json > proof.json",
    )
    .action(prove);
  proof
    .command('verify')
    .description('Say whether a proof is as the instance has signed it. Asks nobody. Exit code 1 when it is not.')
    .argument('<FILE>', "what 'kustody proof --json' wrote")
    .option('--fingerprint <HEX>', "of the instance whose it must be, as 'kustody proof key' prints it there")
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody proof verify proof.json')
    .action(verifyProof);
  proof
    .command('key')
    .description('Print the public key that the proofs of a running instance are signed with.')
    .addOption(dataOption())
    .addOption(signWithOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  $ kustody proof key')
    .action(showProofKey);
  return proof;
}

async function prove(options: ProofOptions): Promise<void> {
  const client = await requireInstance(dataDirectoryOf(options));
  const { dataDirectory } = client;
  const clusters = await listClusters(client);
  const environment = await client.environment();
  const sign = await vaultSigning(environment, options.signWith, keysUnderData(clusters));
  const history = await readKeyHistory(client);
  const keys = keysEverUsed(clusters, history);
  const made = makeReport({
    kustody: version,
    madeOn: new Date().toISOString(),
    dataDirectory,
    rootKey: existsSync(join(dataDirectory, rootKeyFileName)) ? 'besideTheData' : 'elsewhere',
    clusters,
    custody: custodyOf(keys, history),
    keyUses: await keyUses(client, keys),
    copies: copiesBeside(history, [...keys], clusters),
    canaries: options.canary,
    controls: await controlCanaries(environment, clusters, options.canary),
    // In this process: closing a file that the server has open, too, would drop the server's lock on it.
    scan: withAbsoluteNames(dataDirectory, await scanForCanaries(dataDirectory, options.canary)),
  });
  const report = await signReport(client, made, sign);
  if (options.html !== undefined) writeFor('--html', options.html, proofPage(report));
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : proofText(report));
  if (!report.ok) process.exitCode = 1;
}

/** A proof is read elsewhere than it was made. */
const withAbsoluteNames = (directory: string, scan: ScanResult): ScanResult => ({
  ...scan,
  matches: scan.matches.map((match) => ({ ...match, file: join(directory, match.file) })),
  unreadable: scan.unreadable.map((file) => join(directory, file)),
});

function collectCanary(text: string, before: readonly string[]): readonly string[] {
  if (Buffer.byteLength(text) < canaryBytesMin) {
    throw new UserError(
      `A canary has at least ${canaryBytesMin} bytes.`,
      'Shorter texts occur by chance. Take one that is in the data and nowhere else.',
    );
  }
  return [...before, text];
}
