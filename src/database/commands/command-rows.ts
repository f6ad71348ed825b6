import { invariant } from '../../base/invariant.ts';
import { appendCommands } from './append-commands.ts';
import { blockedPrincipalCommands } from './blocked-principal-commands.ts';
import { calloutCommands } from './callout-commands.ts';
import { cancelCommands } from './cancel-commands.ts';
import { classificationCommands } from './classification-commands.ts';
import { clusterCommands } from './cluster-commands.ts';
import { clusterPolicyCommands } from './cluster-policy-commands.ts';
import { entityCommands } from './entity-commands.ts';
import { entityGroupCommands } from './entity-group-commands.ts';
import { diagnosticsCommands } from './diagnostics-commands.ts';
import type { CommandRow } from './command.ts';
import { continuousExportCommands } from './continuous-export-commands.ts';
import { databaseCommands } from './database-commands.ts';
import { droppedTableCommands } from './dropped-table-commands.ts';
import { exportCommands } from './export-commands.ts';
import { extentCommands } from './extent-commands.ts';
import { externalTableCommands } from './external-table-commands.ts';
import { externalTablePartCommands } from './external-table-part-commands.ts';
import { followerCommands } from './follower-commands.ts';
import { functionCommands } from './function-commands.ts';
import { graphCommands } from './graph-commands.ts';
import { graphStatisticsCommands } from './graph-statistics-commands.ts';
import { ingestCommands } from './ingest-commands.ts';
import { managedIdentityCommands } from './managed-identity-commands.ts';
import { journalCommands } from './journal-commands.ts';
import { queuedIngestionCommands } from './queued-ingestion-commands.ts';
import { mappingCommands } from './mapping-commands.ts';
import { moveExtentCommands } from './move-extent-commands.ts';
import { operationCommands } from './operation-commands.ts';
import { ingestionTimeCommands } from './ingestion-time-commands.ts';
import { policyCommands } from './policy-commands.ts';
import { principalCommands } from './principal-commands.ts';
import { purgeCommands } from './purge-commands.ts';
import { rowChangeCommands } from './row-change-commands.ts';
import { resultsCacheCommands } from './results-cache-commands.ts';
import { streamingCommands } from './streaming-commands.ts';
import { roleCommands } from './role-commands.ts';
import { schemaCommands } from './schema-commands.ts';
import { schemaViolationCommands } from './schema-violation-commands.ts';
import { scriptCommands } from './script-commands.ts';
import { showTableCommands } from './show-table-commands.ts';
import { columnStatisticsCommands } from './column-statistics-commands.ts';
import { storedResultCommands } from './stored-result-commands.ts';
import { tableCommands } from './table-commands.ts';
import { updatePolicyCommands } from './update-policy-commands.ts';
import { showViewCommands } from './show-view-commands.ts';
import { viewCommands } from './view-commands.ts';
import { viewPolicyCommands } from './view-policies.ts';
import { workloadGroupCommands } from './workload-group-commands.ts';

/** Every command that is built, by what it is about. */
export const commandFamilies: Readonly<Record<string, readonly CommandRow[]>> = {
  'Tables and columns': [...tableCommands, ...droppedTableCommands, ...showTableCommands, ...columnStatisticsCommands],
  'Databases and schemas': [
    ...databaseCommands,
    ...schemaCommands,
    ...entityCommands,
    ...schemaViolationCommands,
    ...journalCommands,
    ...entityGroupCommands,
  ],
  Functions: functionCommands,
  Ingestion: [...ingestCommands, ...queuedIngestionCommands, ...appendCommands, ...mappingCommands],
  'Export and external tables': [
    ...exportCommands,
    ...externalTableCommands,
    ...externalTablePartCommands,
    ...continuousExportCommands,
  ],
  Policies: [
    ...policyCommands,
    ...ingestionTimeCommands,
    ...updatePolicyCommands,
    ...clusterPolicyCommands,
    ...managedIdentityCommands,
    ...classificationCommands,
    ...calloutCommands,
  ],
  'Materialized views': [...viewCommands, ...showViewCommands, ...viewPolicyCommands],
  'Databases that follow another cluster': followerCommands,
  'Extents, deletion and purge': [...extentCommands, ...moveExtentCommands, ...rowChangeCommands, ...purgeCommands],
  'Stored results and graphs': [...storedResultCommands, ...graphCommands, ...graphStatisticsCommands],
  'Operations and queries': [
    ...operationCommands,
    ...cancelCommands,
    ...scriptCommands,
    ...diagnosticsCommands,
    ...resultsCacheCommands,
    ...streamingCommands,
  ],
  'Principals and the cluster': [
    ...principalCommands,
    ...roleCommands,
    ...blockedPrincipalCommands,
    ...clusterCommands,
    ...workloadGroupCommands,
  ],
};

export const commandRows: readonly CommandRow[] = Object.values(commandFamilies).flat();

const byKind = new Map<string, CommandRow>();
for (const row of commandRows) {
  for (const kind of Object.keys(row.kinds)) {
    invariant(!byKind.has(kind), 'a command has one row');
    byKind.set(kind, row);
  }
}

export const commandRow = (kind: string): CommandRow | undefined => byKind.get(kind);
