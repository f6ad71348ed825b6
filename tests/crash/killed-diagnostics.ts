import {
  cursorId,
  deliveryCursors,
  diagnosticSettingId,
  diagnosticSettings,
} from '../../src/arm/diagnostic-settings.ts';
import type { DiagnosticSetting } from '../../src/arm/diagnostic-settings.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { columnsOf } from '../../src/audit/event-tables.ts';
import { eventPages } from '../../src/audit/read-events.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant, toIso } from '../../src/clock/clock.ts';
import { addRows } from '../../src/cluster/process/add-rows.ts';
import { createDeliveries } from '../../src/providers/insights/deliveries.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { KilledCluster } from './killed-cluster.ts';
import { clusterId, databaseId } from './killed-cluster.ts';
import { operationFacts } from './operation-facts.ts';

/** Where a vault's events go. */
export const eventTable = 'AZKVAuditLogs';
const at = instant(Date.UTC(2026, 0, 1));

const vault = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v';
const by = { createdBy: '', createdByType: 'User', createdAt: '' } as const;

/** A setting that copies what the vault is asked into the cluster's own database. */
export async function makeSetting({ state }: KilledCluster): Promise<void> {
  const setting: DiagnosticSetting = {
    ...{ settingId: newGuid(systemRandomBytes), name: 'copy', scope: vault },
    target: { resourceId: '/target', clusterId, databaseId },
    logs: [{ categoryGroup: 'allLogs', enabled: true }],
    metrics: [],
    systemData: { ...by, lastModifiedBy: '', lastModifiedByType: 'User', lastModifiedAt: '' },
  };
  const { settingId } = setting;
  await state.commit({
    write: [
      writeRecord(diagnosticSettings, diagnosticSettingId(setting).toLowerCase(), null, setting),
      writeRecord(deliveryCursors, cursorId(setting, eventTable), null, { settingId, after: 0 }),
    ],
  });
}

/** @returns what records one event that has a name; it is acknowledged when that is durable */
export function eventRecorder({ state }: KilledCluster): (name: string) => Promise<void> {
  const log = new AuditLog(state, { now: () => at });
  return async (name) => {
    const requestId = newGuid(systemRandomBytes);
    const facts = { ...operationFacts(` ${name}`), resourceId: vault };
    await log.commit({
      events: [{ time: toIso(at), requestId, correlationId: requestId, durationMs: 0, facts }],
    });
  };
}

/** @returns what sends all that is recorded and not sent, as the server does, the rows going to the data of the cluster */
export function eventSender(cluster: KilledCluster): () => Promise<void> {
  const fail = (error: unknown): never => {
    throw error;
  };
  const deliveries = createDeliveries({
    state: cluster.state,
    addRows: async (_target, { table, lines, requestId }) => {
      const call = { databases: [], now: at, database: 'db', columns: columnsOf(table), requestId };
      const reply = await addRows(() => cluster.data(), { ...call, table: table.name, csv: lines.join('\n') });
      return reply.outcome;
    },
    failed: (_name, error) => fail(error),
    refused: () => fail(new Error('the table takes what it is sent')),
  });
  return () => deliveries.deliver();
}

/** Every recorded event is in the table once, and nothing else. @param done names of events that were acknowledged */
export async function checkEvents(cluster: KilledCluster, done: readonly string[]): Promise<string[]> {
  const recorded: string[] = [];
  for await (const page of eventPages(cluster.state))
    for (const { sequence, event } of page)
      if (event.facts.kind === 'vault') recorded.push(`${sequence} ${event.facts.id}`);
  const rows = await cluster.eventRows(eventTable);
  const lost = done.filter((name) => !recorded.some((one) => one.endsWith(` ${name}`)));
  return [
    ...lost.map((name) => `the event ${name} is lost`),
    ...(rows.join('\n') === recorded.join('\n')
      ? []
      : [`of ${recorded.length} events there are ${rows.length} rows, ${new Set(rows).size} of them different`]),
  ];
}
