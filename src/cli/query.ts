import { Command, Option } from 'commander';
import { callLocal, localToken } from '../server/local-client.ts';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { requireInstance } from './control-client.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import type { ResultTable, ToJson } from './result-tables.ts';
import { cell, tablesOf, tableText } from './result-tables.ts';
import { UserError } from './user-error.ts';

interface QueryOptions {
  readonly data?: string;
  readonly cluster?: string;
  readonly database?: string;
  readonly format: keyof typeof printers;
}

export function queryCommand(): Command {
  return new Command('query')
    .description('Run a KQL query or a management command on a cluster of a running instance and print the result.')
    .argument('<text>', 'KQL, or a command that starts with a dot; - reads it from standard input')
    .addOption(dataOption())
    .option('--cluster <URI>', 'name or address; default: $KUSTODY_CLUSTER_URI, else the only cluster')
    .option('--database <NAME>', 'default: $KUSTODY_DATABASE, else db')
    .addOption(new Option('--format <FORMAT>', 'form of the output').choices(['table', 'csv', 'json']).default('table'))
    .addHelpText(
      'after',
      "\nExample:\n  $ kustody query 'print answer = 6 * 7'\n  $ kustody query '.show tables' --format csv",
    )
    .action(query);
}

async function query(text: string, options: QueryOptions): Promise<void> {
  const environment = await (await requireInstance(dataDirectoryOf(options))).environment();
  const csl = text === '-' ? await readStandardInput() : text;
  const isCommand = csl.trimStart().startsWith('.');
  const answer = await callLocal(environment, {
    host: clusterHost(environment, options.cluster ?? process.env['KUSTODY_CLUSTER_URI']),
    method: 'POST',
    path: isCommand ? '/v1/rest/mgmt' : '/v1/rest/query',
    token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    body: { db: options.database ?? process.env['KUSTODY_DATABASE'] ?? 'db', csl },
    answerBytesMax: 256 * 1024 * 1024,
  });
  const tables = tablesOf(answer);
  for (const { table, toJson } of tables) process.stdout.write(printers[options.format](table, toJson));
}

/** @param uri name or address; without it, the only one. @throws UserError */
export function clusterHost(environment: InstanceEnvironment, uri: string | undefined): string {
  if (uri !== undefined) {
    const host = URL.canParse(uri) ? new URL(uri).hostname : uri;
    if (host.includes('.')) return host;
    const named = environment.clusters.find(({ name }) => name === host.toLowerCase());
    if (named !== undefined) return hostOf(named);
    if (host !== '') throw noCluster(host, environment);
  }
  const [only, ...others] = environment.clusters.map(hostOf);
  if (only === undefined)
    throw new UserError('There is no cluster.', "Make one, for example with 'kustody run --seed'.");
  if (others.length === 0) return only;
  throw new UserError('There are several clusters.', `Name one with --cluster: ${[only, ...others].join(', ')}`);
}

const hostOf = ({ name, region }: InstanceEnvironment['clusters'][number]): string =>
  `${name}.${region}.kusto.windows.net`;

const noCluster = (name: string, { clusters }: InstanceEnvironment): UserError =>
  new UserError(
    `There is no cluster '${name}'.`,
    clusters.length === 0 ? 'There are none.' : `There are: ${clusters.map((cluster) => cluster.name).join(', ')}`,
  );

const printers = {
  table: tableText,
  /** RFC 4180. */
  csv: ({ columns, rows }: ResultTable, toJson: ToJson): string =>
    [columns, ...rows].map((row) => `${row.map((value) => quoteCsv(cell(value, toJson))).join(',')}\r\n`).join(''),
  json: ({ columns, rows }: ResultTable, toJson: ToJson): string =>
    `${toJson(
      rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index] ?? null]))),
      2,
    )}\n`,
};

const quoteCsv = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

async function readStandardInput(): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
