import { randomBytes } from 'node:crypto';
import { endWhenNobodyReads } from '../broken-pipe.ts';
import { performArticle } from './article.ts';
import { createStep, StepFailed } from './article-steps.ts';
import type { ErrorRecord, StepRecord } from './article-steps.ts';
import { connectToAzure } from './azure.ts';
import type { AzureEnvironment } from './azure.ts';
import { articleData } from './data.ts';
import { keptText } from './kept-text.ts';
import { namesFor } from './names.ts';
import { reportJson, reportTable, silentPresenter, terminalPresenter } from './present.ts';
import { createWaiting } from './waiting.ts';

/** The program that `kustody article` runs as a child of an instance, in the environment of `kustody run`. Exit code 0 only when every step and
 * every documented error came out as the article says. */
async function main(): Promise<number> {
  endWhenNobodyReads();
  const asJson = process.argv.includes('--json');
  const keep = process.argv.includes('--keep');
  const isTerminal = process.stdout.isTTY;
  const environment = readEnvironment();
  if (typeof environment === 'string') {
    process.stderr.write(
      `${environment}\nRun it as 'kustody article', or 'kustody run -- COMMAND' for a command of yours.\n`,
    );
    return 2;
  }
  const steps: StepRecord[] = [];
  const start = performance.now();
  const step = createStep(asJson ? silentPresenter : terminalPresenter(isTerminal), () => performance.now(), steps);
  const { KUSTODY_CONTROL: url, KUSTODY_CONTROL_TOKEN: token } = process.env;
  const waiting = createWaiting(url === undefined || token === undefined ? undefined : { url, token });
  let errors: readonly ErrorRecord[] = [];
  let ok = true;
  let goOn = '';
  try {
    const azure = connectToAzure(environment);
    const names = namesFor(randomBytes(4).toString('hex'));
    const data = articleData(azure, environment, names, randomBytes(8).toString('hex'));
    const dataDirectory = process.env['KUSTODY_DATA_DIR'];
    errors = await performArticle(azure, names, step, waiting, data, { dataDirectory, keep });
    if (keep) goOn = keptText(names, dataDirectory ?? '', data.canaries[0] ?? '');
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    ok = false;
  }
  const report = { ok, milliseconds: performance.now() - start, steps, errors };
  process.stdout.write(`${asJson ? reportJson(report) : reportTable(report)}\n`);
  (asJson ? process.stderr : process.stdout).write(goOn);
  return ok ? 0 : 1;
}

/** @returns a sentence that says what is missing */
function readEnvironment(): AzureEnvironment | string {
  const read = (name: string): string => process.env[name] ?? '';
  const names = ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_SUBSCRIPTION_ID'];
  const missing = names.filter((name) => read(name) === '');
  if (missing.length > 0) return `Not set: ${missing.join(', ')}.`;
  return {
    tenantId: read('AZURE_TENANT_ID'),
    clientId: read('AZURE_CLIENT_ID'),
    clientSecret: read('AZURE_CLIENT_SECRET'),
    subscriptionId: read('AZURE_SUBSCRIPTION_ID'),
  };
}

process.exitCode = await main();
