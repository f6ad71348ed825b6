import { Readable } from 'node:stream';
import { Client as KustoClient, KustoConnectionStringBuilder } from 'azure-kusto-data';
import { StreamingIngestClient } from 'azure-kusto-ingest';
import { DataFormat, IngestionProperties } from 'azure-kusto-ingest';
import type { Azure, AzureEnvironment } from './azure.ts';
import type { Step } from './article-steps.ts';
import type { Names } from './names.ts';

export const database = 'Telemetry';
export const table = 'Readings';

/** A database of the cluster, through the official clients for data. */
export interface ArticleData {
  /** Makes database and table and puts rows in. */
  fill(): Promise<void>;
  /** The same question each time. @throws the client's error when the cluster refuses */
  ask(): Promise<string>;
  /** What the rows say, word for word: nothing of it may lie on a disk in the clear. */
  readonly canaries: readonly string[];
}

/** @param word nobody else writes it */
export function articleData(azure: Azure, environment: AzureEnvironment, names: Names, word: string): ArticleData {
  let clients: { readonly query: KustoClient; readonly ingest: StreamingIngestClient } | undefined;
  const connect = async () => {
    if (clients !== undefined) return clients;
    const { uri } = await azure.kusto.clusters.get(names.group, names.cluster);
    if (uri === undefined) throw new Error('The cluster has no address.');
    const connection = () =>
      KustoConnectionStringBuilder.withAadApplicationKeyAuthentication(
        uri,
        environment.clientId,
        environment.clientSecret,
        environment.tenantId,
      );
    clients = { query: new KustoClient(connection()), ingest: new StreamingIngestClient(connection()) };
    return clients;
  };
  const rows = [`pump-1,21.5,secret-${word}-one`, `pump-2,22.5,secret-${word}-two`, `pump-1,23.5,secret-${word}-three`];
  return {
    canaries: [`secret-${word}`],
    async fill() {
      await azure.kusto.databases.beginCreateOrUpdateAndWait(names.group, names.cluster, database, {
        kind: 'ReadWrite',
        location: 'westus',
      });
      const { query, ingest } = await connect();
      await query.executeMgmt(database, `.create table ${table} (Device: string, Celsius: real, Note: string)`);
      await query.executeMgmt(database, `.alter table ${table} policy streamingingestion enable`);
      const properties = new IngestionProperties({ database, table, format: DataFormat.CSV });
      await ingest.ingestFromStream(Readable.from([Buffer.from(rows.join('\n'))]), properties);
    },
    async ask() {
      const { query } = await connect();
      const answer = await query.execute(
        database,
        `${table} | summarize Rows = count(), Celsius = avg(Celsius) by Device | order by Device asc`,
      );
      const [result] = answer.primaryResults;
      const found = result === undefined ? [] : [...result.rows()].map((row) => row.toJSON<Record<string, unknown>>());
      return found
        .map((row) => `${String(row['Device'])}: ${String(row['Rows'])} × ${String(row['Celsius'])}°`)
        .join(', ');
    },
  };
}

const expected = 'pump-1: 2 × 22.5°, pump-2: 1 × 22.5°';

export async function fillDatabase(data: ArticleData, step: Step): Promise<void> {
  await step(
    'Create a database and stream rows into it',
    'From the first byte on, everything of it at rest is sealed under the key.',
    async () => {
      await data.fill();
      return { value: undefined, result: `${database}.${table} holds 3 rows` };
    },
  );
}

export async function queryDatabase(data: ArticleData, step: Step, when: string): Promise<void> {
  await step(`Query the data ${when}`, 'The answer must be the same each time.', async () => {
    const answer = await data.ask();
    if (answer !== expected) throw new Error(`Expected ${expected}, found ${answer}.`);
    return { value: undefined, result: answer };
  });
}

export async function watchRefusal(data: ArticleData, step: Step): Promise<void> {
  await step('Query the data without the key', 'There is no way to the rows any more, for anybody.', async () => {
    const refusal = await data.ask().then(
      (answer) => `answered: ${answer}`,
      (error: unknown) => refusalOf(error),
    );
    if (!refusal.startsWith('503 ')) throw new Error(`Expected a refusal with status 503, found ${refusal}.`);
    return { value: undefined, result: refusal };
  });
}

/** The client for data throws what its HTTP library throws: status and body of the answer are in it. */
function refusalOf(error: unknown): string {
  const response = error instanceof Error && 'response' in error ? error.response : undefined;
  if (typeof response !== 'object' || response === null || !('status' in response)) return String(error);
  const body = 'data' in response ? response.data : undefined;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const message = /"@message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text;
  return `${String(response.status)} ${message}`;
}
