import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { InstanceEnvironment } from './instance-environment.ts';
import type { LocalResult } from './local-client.ts';
import { callLocal, localToken, succeeded } from './local-client.ts';
import { parseJsonBody, sendLocal } from './local-request.ts';
import { NoSeedDirectoryError, SeedFilesError } from './seed-error.ts';

/** One step, in the order of the files' names. */
export type SeedStep =
  | { readonly kind: 'statements'; readonly file: string; readonly statements: readonly string[] }
  | {
      readonly kind: 'rows';
      readonly file: string;
      readonly table: string;
      readonly format: DataFormat;
      readonly body: Buffer;
      /** JSON text of an ingestion mapping. */
      readonly mapping?: string;
    };

const formats = { '.csv': 'csv', '.json': 'json', '.parquet': 'parquet' } as const;
type DataFormat = (typeof formats)[keyof typeof formats];

/** As much as one streaming ingestion carries, and one text of commands. */
const bytesMax = 4 * 1024 * 1024;
const mappingSuffix = '.mapping.json';

/** Reads `*.kql` and `*.csv`, `*.json`, `*.parquet` of a directory. A data file is named after its table, with digits and a hyphen before it
 * for the order if need be: `02-Log.csv`. Beside it may lie its ingestion mapping: `02-Log.csv.mapping.json`.
 * @param besides names of what is read by others
 * @throws SeedFilesError for a directory that is none, a file of another kind, and one that is too large */
export function readSeedFiles(directory: string, besides: readonly string[] = []): readonly SeedStep[] {
  const names = namesIn(directory).filter((name) => !besides.includes(name));
  const steps = names.filter((name) => !name.endsWith(mappingSuffix)).map((file) => stepOf(directory, file, names));
  const lonely = names.find(
    (name) => name.endsWith(mappingSuffix) && !names.includes(name.slice(0, -mappingSuffix.length)),
  );
  if (lonely !== undefined) throw new SeedFilesError(`${lonely}: there is no data file beside this mapping.`);
  return steps;
}

export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .toSorted();
  } catch {
    throw new NoSeedDirectoryError(`There is no directory '${directory}' to seed from.`);
  }
}

function stepOf(directory: string, file: string, names: readonly string[]): SeedStep {
  const path = join(directory, file);
  const extension = extname(file).toLowerCase();
  const isData = Object.hasOwn(formats, extension);
  if (!isData && extension !== '.kql')
    throw new SeedFilesError(
      `${file}: a seed has files .kql, .csv, .json and .parquet, mappings beside them, and kustody.yaml.`,
    );
  const { size } = statSync(path);
  if (size > bytesMax) throw new SeedFilesError(`${file}: has more than ${bytesMax} bytes, which one request carries.`);
  const body = readFileSync(path);
  if (!isData) return { kind: 'statements', file, statements: statementsOf(body.toString('utf8')) };
  const mapping = `${file}${mappingSuffix}`;
  return {
    kind: 'rows',
    ...{ file, body, format: formats[extension as keyof typeof formats] },
    table: file.slice(0, -extension.length).replace(/^\d+-/, ''),
    ...(names.includes(mapping) ? { mapping: readFileSync(join(directory, mapping), 'utf8') } : {}),
  };
}

/** Statements are parted by empty lines, as in the web client of Data Explorer. What is only comments is none. */
export function statementsOf(text: string): readonly string[] {
  return text
    .split(/\r?\n(?:[ \t]*\r?\n)+/)
    .map((part) => part.trim())
    .filter((part) => part.split(/\r?\n/).some((line) => !/^\s*(\/\/.*)?$/.test(line)));
}

/** What came of one statement or file. */
export interface SeedOutcome {
  readonly file: string;
  /** Of a file of rows `rows`. */
  readonly statement: string;
  readonly answer: LocalResult;
}

/** Does one step after the other. @param tell hears what came of each, before the next begins
 * @throws SeedFilesError with the service's own words, at the first that is refused */
export async function runSeedSteps(
  environment: InstanceEnvironment,
  at: { readonly clusterUri: string; readonly database: string },
  steps: readonly SeedStep[],
  tell: (outcome: SeedOutcome) => void,
): Promise<void> {
  const host = new URL(at.clusterUri).hostname;
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const run = async (file: string, csl: string): Promise<LocalResult> => {
    const path = /^(?:\s|\/\/[^\n]*\n)*\./.test(csl) ? '/v1/rest/mgmt' : '/v1/rest/query';
    const body = { db: at.database, csl };
    return accepted(file, await callLocal(environment, { host, method: 'POST', path, token, body, answerBytesMax }));
  };
  for (const step of steps) {
    const { file } = step;
    if (step.kind === 'statements') {
      for (const statement of step.statements) tell({ file, statement, answer: await run(file, statement) });
      continue;
    }
    const mapped = step.mapping === undefined ? '' : `&mappingName=${mappingName}`;
    if (step.mapping !== undefined) await run(file, mappingCommand(step.table, step.format, step.mapping));
    const sent = await sendLocal(
      { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
      {
        ...{ host, method: 'POST', timeoutMs: 600_000, answerBytesMax, body: step.body },
        path: `/v1/rest/ingest/${encodeURIComponent(at.database)}/${encodeURIComponent(step.table)}?streamFormat=${step.format}${mapped}`,
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      },
    );
    const answer = { status: sent.status, text: sent.body.toString('utf8'), value: parseJsonBody(sent.body) };
    tell({ file, statement: 'rows', answer: accepted(file, answer) });
  }
}

const answerBytesMax = 64 * 1024 * 1024;
const mappingName = 'seed';

const mappingCommand = (table: string, format: DataFormat, mapping: string): string =>
  `.create-or-alter table [${JSON.stringify(table)}] ingestion ${format} mapping '${mappingName}' ${JSON.stringify(mapping)}`;

function accepted(file: string, answer: LocalResult): LocalResult {
  try {
    succeeded(answer);
    return answer;
  } catch (error) {
    throw new SeedFilesError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
