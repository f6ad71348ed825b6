import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AuditLog } from '../src/audit/audit-log.ts';
import type { AuditEvent } from '../src/audit/audit-event.ts';
import { azureEvent } from '../src/audit/azure-event.ts';
import { csvLine, eventTables } from '../src/audit/event-tables.ts';
import type { Guid } from '../src/base/guid.ts';
import { newGuid } from '../src/base/new-guid.ts';
import { isJsonObject } from '../src/base/json.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import { instant, toIso } from '../src/clock/clock.ts';
import { builtScripts } from '../src/cli/built-scripts.ts';
import type { Send } from '../src/cli/drill/drill-instance.ts';
import { senderOf } from '../src/cli/drill/drill-instance.ts';
import { rootKeyFileName } from '../src/server/data-directory-names.ts';
import { defaultSeed, seed } from '../src/server/seed.ts';
import { anyLoopbackPort, defaultKeySettings } from '../src/server/settings.ts';
import { startServer } from '../src/server/start-server.ts';
import type { RunningServer } from '../src/server/start-server.ts';
import { stateTables } from '../src/server/state-tables.ts';
import { openRootKeyFile } from '../src/state/root-key.ts';
import { SealedState } from '../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../src/state/sqlite/sqlite-state-store.ts';
import type { BenchRow } from './row.ts';
import { sideBySide } from './row.ts';
import { drainPlain, openPlainDatabase, sampleRows } from './sample-rows.ts';

/** The log keeps no more. */
const events = Math.min(sampleRows, 1_000_000);
const eventsPerCommit = 500;

/** Who used which key, how often, and when for the last time. */
const kql =
  "AZKVAuditLogs | where OperationName == 'KeyUnwrap' | summarize Times = count(), Last = max(TimeGenerated) by Who = tostring(Identity.claim.appid), Id";
const sql = (file: string): string =>
  `SELECT json_extract_string(Identity, '$.claim.appid') AS Who, Id, count(*), max(TimeGenerated) FROM '${file}' WHERE OperationName = 'KeyUnwrap' GROUP BY ALL`;

const start = (dataDirectory: string): Promise<RunningServer> =>
  startServer({
    ...{ dataDirectory, listen: anyLoopbackPort, proxy: anyLoopbackPort, kusto: anyLoopbackPort },
    ...{ allowRemote: false, allowedHosts: [], virtualTime: false, keys: defaultKeySettings },
    log: { level: 'silent', destination: process.stderr },
    scripts: builtScripts(import.meta.dirname, process.env),
  });

/** A cluster, and a setting that copies what its vault is asked into its database. @returns ids, and the address of the cluster */
async function prepare(server: RunningServer) {
  const environment = await server.environment();
  const { clusterUri } = await seed(environment, defaultSeed);
  const send = senderOf(environment);
  const arm = async (method: 'GET' | 'PUT', path: string, query: string, body?: object) => {
    const request = { host: 'management.azure.com', method, path: `${path}?${query}` };
    const answer = await send({ ...request, ...(body === undefined ? {} : { body: body as never }) });
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.value));
    return answer.value;
  };
  const idOf = async (type: string): Promise<string> => {
    const listed = await arm(
      'GET',
      `/subscriptions/${environment.subscriptionId}/resources`,
      `api-version=2021-04-01&$filter=${encodeURIComponent(`resourceType eq '${type}'`)}`,
    );
    const [first] = (listed as { readonly value: readonly { readonly id: string }[] }).value;
    return first?.id ?? '';
  };
  const [vaultId, clusterId] = [await idOf('Microsoft.KeyVault/vaults'), await idOf('Microsoft.Kusto/clusters')];
  const setting = `${vaultId}/providers/Microsoft.Insights/diagnosticSettings/copy`;
  await arm('PUT', setting, 'api-version=2021-05-01-preview', {
    properties: {
      workspaceId: `${clusterId}/databases/${defaultSeed.database}`,
      logs: [{ category: 'AuditEvent', enabled: true }],
    },
  });
  return { vaultId, clusterHost: new URL(clusterUri).hostname };
}

/** Of the last event. */
const lastKey = 'last';
const operations = ['KeyUnwrap', 'KeyWrap', 'KeyGet', 'SecretGet'] as const;

function syntheticEvent(vaultId: string, at: number, people: readonly Guid[]): AuditEvent {
  const who = people[(at * 7) % people.length] ?? newGuid(systemRandomBytes);
  const requestId = newGuid(systemRandomBytes);
  const vaultName = vaultId.slice(vaultId.lastIndexOf('/') + 1);
  const key = at === events - 1 ? lastKey : `k${(at * 13) % 50}`;
  const id = `https://${vaultName}.vault.azure.net/keys/${key}`;
  return {
    ...{ time: toIso(instant(Date.now())), requestId, correlationId: requestId, durationMs: at % 20 },
    facts: {
      ...{ kind: 'vault', vaultId: who, vaultName, resourceId: vaultId, apiVersion: '7.4', id, status: 200 },
      operation: operations[at % operations.length] ?? 'KeyGet',
      caller: { objectId: who, appId: who, tenantId: who, displayName: `application ${at % 40}` },
      ...{ clientAddress: '127.0.0.1', requestUri: id, clientInfo: 'azsdk-js-keyvault-keys/4.10', access: 'role' },
    },
  };
}

/** Records events in a log that no server has open, and writes the same rows as CSV. */
async function record(directory: string, vaultId: string, csvFile: string): Promise<void> {
  const rootKey = openRootKeyFile(join(directory, rootKeyFileName), systemRandomBytes);
  const store = SqliteStateStore.open(directory);
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  const log = new AuditLog(state, { now: () => instant(Date.now()) });
  const people = Array.from({ length: 40 }, () => newGuid(systemRandomBytes));
  const out = createWriteStream(csvFile);
  const [table] = eventTables;
  if (table === undefined) throw new Error('There is a table for it.');
  for (let at = 0; at < events; at += eventsPerCommit) {
    const count = Math.min(eventsPerCommit, events - at);
    const some = Array.from({ length: count }, (_value, index) => syntheticEvent(vaultId, at + index, people));
    await log.commit({ events: some });
    const lines = some.map((event, index) => csvLine(table, { sequence: at + index, event: azureEvent(event) }, ''));
    if (!out.write(`${lines.join('\n')}\n`)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  await state.close();
}

async function toParquet(csvFile: string, parquetFile: string): Promise<void> {
  const plain = await openPlainDatabase();
  const names = (eventTables[0]?.columns ?? []).map(({ name, type }) => {
    const sqlType = type === 'datetime' ? 'TIMESTAMP' : type === 'int' ? 'INTEGER' : 'VARCHAR';
    return `'${name}': '${sqlType}'`;
  });
  const columns = `{${[...names, "'_Source': 'VARCHAR'", "'_Sequence': 'BIGINT'"].join(', ')}}`;
  const rows = `read_csv('${csvFile}', header = false, columns = ${columns})`;
  await plain.connection.run(`COPY (SELECT * FROM ${rows}) TO '${parquetFile}' (FORMAT parquet, COMPRESSION zstd)`);
  plain.close();
}

const queryOver = async (send: Send, host: string, csl: string): Promise<readonly (readonly unknown[])[]> => {
  const body = { db: defaultSeed.database, csl };
  const { status, value } = await send({ host, method: 'POST', path: '/v1/rest/query', body });
  if (status !== 200 || !isJsonObject(value)) throw new Error(JSON.stringify(value));
  return (value as { readonly Tables: readonly { readonly Rows: readonly unknown[][] }[] }).Tables[0]?.Rows ?? [];
};

export const auditRows: readonly BenchRow[] = [
  {
    id: 'audit-kql',
    ratio: `who used which key when, of ${events / 1e6} M events that a diagnostic setting copied: KQL over the wire over DuckDB on plain Parquet`,
    rule: 'atMost',
    floor: 3,
    aim: 1.5,
    run: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
      let server: RunningServer | undefined;
      try {
        const [csvFile, parquetFile] = [join(directory, 'events.csv'), join(directory, 'events.parquet')];
        const data = join(directory, 'data');
        mkdirSync(data, { mode: 0o700 });
        server = await start(data);
        const { vaultId, clusterHost } = await prepare(server);
        await server.close();
        server = undefined;
        await record(data, vaultId, csvFile);
        await toParquet(csvFile, parquetFile);
        const begun = performance.now();
        server = await start(data);
        const send = senderOf(await server.environment());
        const copied = `AZKVAuditLogs | where ClientInfo startswith 'azsdk-js' | summarize count(), countif(Id endswith '/${lastKey}')`;
        let counts: readonly unknown[] = [];
        while (Number(counts[1] ?? 0) === 0) {
          await pause(500);
          [counts = []] = await queryOver(send, clusterHost, copied).catch(() => [[]]);
        }
        // The log has thrown its oldest away.
        if (Number(counts[0]) < events * 0.99) throw new Error(`Of ${events} events ${String(counts[0])} are there.`);
        const seconds = (performance.now() - begun) / 1000;
        const plain = await openPlainDatabase();
        const expected = await drainPlain(plain.connection, sql(parquetFile));
        const found = (await queryOver(send, clusterHost, kql)).length;
        if (found < expected) throw new Error(`${found} rows instead of ${expected}.`);
        const { ours, reference } = await sideBySide(
          async () => {
            await queryOver(send, clusterHost, kql);
          },
          async () => {
            await drainPlain(plain.connection, sql(parquetFile));
          },
        );
        plain.close();
        return {
          ratio: ours / reference,
          detail: `${Math.round(ours)} ms, plain ${Math.round(reference)} ms, ${expected} rows; copied ${Math.round(events / seconds)} events a second`,
        };
      } finally {
        await server?.close();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  },
];
