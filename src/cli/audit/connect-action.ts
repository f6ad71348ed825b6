import { setTimeout as pause } from 'node:timers/promises';
import type { EventTable } from '../../audit/event-tables.ts';
import { createTable, csvLine, eventTables, isOf } from '../../audit/event-tables.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import type { ShownEvent } from '../../server/audit-routes.ts';
import { callLocal, localToken, succeeded } from '../../server/local-client.ts';
import { listClusters } from '../clusters.ts';
import type { ControlClient } from '../control-client.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf } from '../options.ts';
import { clusterHost } from '../query.ts';
import { tablesOf } from '../result-tables.ts';
import { UserError } from '../user-error.ts';
import { startWaiting } from '../waiting.ts';
import { askEvents } from './event-query.ts';

interface ConnectOptions {
  readonly data?: string;
  readonly cluster?: string;
  readonly database: string;
  readonly source?: string;
  readonly once: boolean;
}

interface Target {
  readonly client: ControlClient;
  readonly environment: InstanceEnvironment;
  readonly host: string;
  readonly database: string;
  readonly source: string;
}

const everything = 'everything';
const askAgainMs = 2_000;
/** Some 200 KB of text. */
const rowsPerCommand = 200;
const armVersion = '2023-08-15';

/** Copies events into tables of a database, in the order of the log and each once: a table knows which one was its last. What does it is the
 * instance's own application, with its rights. */
export async function connectAudit(options: ConnectOptions): Promise<void> {
  if (options.source !== undefined && !/^\/subscriptions\/\S+$/i.test(options.source))
    throw new UserError(
      `'${options.source}' is no resource id.`,
      'Write /subscriptions/…, as the resource manager does.',
    );
  const client = await requireInstance(dataDirectoryOf(options));
  const environment = await client.environment();
  const host = clusterHost(environment, options.cluster ?? process.env['KUSTODY_CLUSTER_URI']);
  const source = options.source?.toLowerCase() ?? everything;
  const target: Target = { client, environment, host, database: options.database, source };
  const waiting = startWaiting();
  try {
    waiting.begin(`preparing the database ${options.database}`);
    await prepare(target);
    const counts = new Map<string, number>();
    for (;;) {
      waiting.begin('copying events');
      for (const table of eventTables)
        counts.set(
          table.name,
          (counts.get(table.name) ?? 0) + (await copyInto(target, table, (what) => waiting.begin(what))),
        );
      if (options.once) break;
      waiting.end();
      await pause(askAgainMs);
    }
    waiting.end();
    const told = [...counts].map(([name, count]) => `${count} events into ${name}`).join(', ');
    process.stdout.write(`Copied ${told} of ${options.database}.\n`);
  } finally {
    waiting.end();
  }
}

async function prepare(target: Target): Promise<void> {
  const rows = await command(target, '.show databases | project DatabaseName', '');
  const isThere = rows.some(([name]) => String(name).toLowerCase() === target.database.toLowerCase());
  if (!isThere) await createDatabase(target);
  for (const table of eventTables) await command(target, createTable(table));
}

/** @throws UserError when the resource manager refuses */
async function createDatabase({ client, environment, host, database }: Target): Promise<void> {
  const cluster = (await listClusters(client, false)).find(({ name }) => host.startsWith(`${name.toLowerCase()}.`));
  if (cluster === undefined) throw new UserError(`There is no cluster at ${host}.`);
  const token = await localToken(environment, 'https://management.azure.com');
  const call = async (method: string, path: string, body?: { readonly location: string; readonly kind: string }) => {
    const request = { host: 'management.azure.com', method, path: `${path}?api-version=${armVersion}`, token };
    try {
      return succeeded(await callLocal(environment, { ...request, ...(body === undefined ? {} : { body }) }));
    } catch (error) {
      throw new UserError(error instanceof Error ? error.message : String(error));
    }
  };
  const location = textMember(await call('GET', cluster.resourceId), 'location');
  const path = `${cluster.resourceId}/databases/${encodeURIComponent(database)}`;
  await call('PUT', path, { location, kind: 'ReadWrite' });
  for (;;) {
    const { properties } = await call('GET', path);
    const state = isJsonObject(properties) ? textMember(properties, 'provisioningState') : '';
    if (state === 'Succeeded') return;
    if (state === 'Failed') throw new UserError(`The database '${database}' could not be made.`);
    await pause(200);
  }
}

/** @returns how many events */
async function copyInto(target: Target, table: EventTable, begin: (what: string) => void): Promise<number> {
  const { client, source } = target;
  const [[last] = []] = await command(
    target,
    `${table.name} | where _Source == ${JSON.stringify(source)} | summarize max(_Sequence)`,
  );
  const filter = source === everything ? {} : { resource: source };
  let count = 0;
  for (let after: number | undefined = Number(last ?? 0); after !== undefined;) {
    const page = await askEvents(client, filter, { after: String(after) });
    const events = page.events.filter((event) => isOf(table, event));
    for (let at = 0; at < events.length; at += rowsPerCommand) {
      await ingest(target, table, events.slice(at, at + rowsPerCommand));
      count += Math.min(rowsPerCommand, events.length - at);
      begin(`copying events into ${table.name}: ${count}`);
    }
    after = page.next;
  }
  return count;
}

async function ingest(target: Target, table: EventTable, events: readonly ShownEvent[]): Promise<void> {
  const lines = events.map((event) => csvLine(table, event, target.source));
  await command(target, `.ingest inline into table ${table.name} with (format='csv') <|\n${lines.join('\n')}`);
}

/** Rows of the first result. @throws UserError with what the cluster says */
async function command(
  { environment, host, database }: Target,
  csl: string,
  db = database,
): Promise<readonly (readonly unknown[])[]> {
  const answer = await callLocal(environment, {
    ...{ host, method: 'POST', path: csl.startsWith('.') ? '/v1/rest/mgmt' : '/v1/rest/query' },
    token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    body: { db, csl },
  });
  return tablesOf(answer)[0]?.table.rows ?? [];
}
