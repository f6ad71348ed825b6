import { Command, Option } from 'commander';
import { isJsonObject, textMember } from '../base/json.ts';
import type { LocalResult } from '../server/local-client.ts';
import { callLocal, localToken, succeeded } from '../server/local-client.ts';
import type { InstanceEnvironment } from '../server/control-plane.ts';
import { requireInstance } from './control-client.ts';
import type { ExactJson } from './exact-json.ts';
import { parseExactJson } from './exact-json.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import { textTable } from './text-table.ts';
import { UserError } from './user-error.ts';

interface QueryOptions {
  readonly data?: string;
  readonly cluster?: string;
  readonly database?: string;
  readonly format: keyof typeof printers;
}

interface ResultTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

type ToJson = ExactJson['stringify'];

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

function clusterHost(environment: InstanceEnvironment, uri: string | undefined): string {
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

/** Results only: a query of version 1 ends with its properties, status and table of contents. */
function tablesOf({
  status,
  text,
  value,
}: LocalResult): readonly { readonly table: ResultTable; readonly toJson: ToJson }[] {
  try {
    succeeded({ status, text, value });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error));
  }
  const answer = parseExactJson(text);
  const tables = isJsonObject(answer.value) ? answer.value['Tables'] : undefined;
  const all = Array.isArray(tables) ? tables.map(tableOf) : [];
  const results = all.length <= 3 ? all.slice(0, 1) : all.slice(0, -3);
  return results.map((table) => ({ table, toJson: answer.stringify }));
}

function tableOf(table: unknown): ResultTable {
  const columns: readonly unknown[] = isJsonObject(table) && Array.isArray(table['Columns']) ? table['Columns'] : [];
  const rows: readonly unknown[] = isJsonObject(table) && Array.isArray(table['Rows']) ? table['Rows'] : [];
  const failure = rows.find((row) => !Array.isArray(row));
  if (failure !== undefined) throw new UserError(failureText(failure));
  return {
    columns: columns.map((column) => (isJsonObject(column) ? textMember(column, 'ColumnName') : '')),
    rows: rows.filter((row): row is unknown[] => Array.isArray(row)),
  };
}

/** A query that fails when rows are on their way ends with `{"Exceptions":["…"]}` among them. */
function failureText(row: unknown): string {
  const exceptions = isJsonObject(row) && Array.isArray(row['Exceptions']) ? row['Exceptions'] : [row];
  return exceptions.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n');
}

function cell(value: unknown, toJson: ToJson): string {
  if (value === null || value === undefined) return '';
  const json = toJson(value);
  // A number of many digits is no text, although it is kept as one.
  return typeof value === 'string' && json.startsWith('"') ? value : json;
}

/** Rows are anybody's text: what would steer the terminal is shown as an escape. */
function shown(text: string): string {
  // eslint-disable-next-line no-control-regex -- it is about them
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (control) => {
    const code = control.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

const printers = {
  table: ({ columns, rows }: ResultTable, toJson: ToJson): string => {
    const cells = rows.map((row) => row.map((value) => shown(cell(value, toJson))));
    return `${textTable(columns.map(shown), cells)}\n${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`;
  },
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
