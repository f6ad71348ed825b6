import { oneLine } from '../../cmk/azure-error.ts';
import type { Fleet, FleetCluster, FleetKey, Reading } from '../../cmk/fleet/fleet-facts.ts';
import type { FleetFinding } from '../../cmk/fleet/fleet-findings.ts';
import { severities } from '../../cmk/fleet/fleet-findings.ts';
import { day } from '../../cmk/plan-key.ts';
import { lackingPermissions } from '../../cmk/plan-permissions.ts';
import { textTable } from '../text-table.ts';

const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  textTable(
    head,
    rows.map((row) => row.map(oneLine)),
  );

/** For people: what each cluster is under, then what is wrong, and what mends it. */
export function fleetText({ subscriptions, clusters }: Fleet, findings: readonly FleetFinding[]): string {
  const places = `${subscriptions.length} subscription${subscriptions.length === 1 ? '' : 's'}`;
  if (clusters.length === 0) return `No cluster in ${places}.`;
  const rows = clusters.flatMap((one) =>
    one.keys.length === 0
      ? [[one.cluster.name, '', 'Microsoft-managed key', '', '', '', '']]
      : one.keys.map((key) => [one.cluster.name, key.database ?? '', ...keyCells(key)]),
  );
  const remedies = [...new Set(findings.flatMap(({ remedy }) => remedy ?? []))];
  return [
    tableOf(['Cluster', 'Database', 'Key', 'Version', 'Expires', 'Rotation', 'Rights'], rows),
    ...(findings.length === 0
      ? []
      : [
          tableOf(
            ['', 'Cluster', 'Database', 'Rule', 'Finding'],
            findings.map(({ severity, cluster, database, rule, message }) => [
              severity === 'high' ? 'HIGH' : severity,
              cluster.split('/').at(-1) ?? '',
              database ?? '',
              rule,
              message,
            ]),
          ),
        ]),
    ...remedies.map((remedy) => `  $ ${oneLine(remedy)}`),
    `${clusters.length} cluster${clusters.length === 1 ? '' : 's'} in ${places}: ${countsText(findings)}.`,
  ].join('\n');
}

function keyCells({ key, view }: FleetKey): readonly string[] {
  const found = view?.facts.key.outcome === 'found' ? view.facts.key.key : undefined;
  const rotation = view?.rotation.outcome === 'read' ? view.rotation.value : undefined;
  const lacking = view === undefined ? undefined : lackingPermissions(view.target, view.facts);
  return [
    `${key.keyVaultUri.replace(/\/+$/, '')}/keys/${key.keyName}`,
    key.keyVersion ?? (found === undefined ? 'newest' : `newest, ${found.version}`),
    found === undefined ? '' : found.expiresOn === undefined ? 'never' : day(found.expiresOn),
    rotation === undefined ? '' : rotation.rotates ? `after ${rotation.after ?? rotation.beforeExpiry ?? ''}` : 'none',
    lacking === undefined ? 'not known' : lacking.length === 0 ? 'all' : `lacks ${lacking.join(', ')}`,
  ];
}

const countsText = (findings: readonly FleetFinding[]): string =>
  findings.length === 0
    ? 'nothing is found'
    : severities
        .map((severity) => [findings.filter((one) => one.severity === severity).length, severity] as const)
        .filter(([count]) => count > 0)
        .map(([count, severity]) => `${count} ${severity}`)
        .join(', ');

const orNull = <T>(reading: Reading<T>): T | null => (reading.outcome === 'read' ? reading.value : null);

/** One cluster for machines. What could not be read is null. */
export const clusterJson = (one: FleetCluster): Record<string, unknown> => ({
  id: one.cluster.id,
  location: one.cluster.location,
  state: one.cluster.state,
  provisioningState: one.cluster.provisioningState,
  diskEncryption: one.diskEncryption,
  doubleEncryption: one.doubleEncryption,
  keys: one.keys.map(keyJson),
  databases: orNull(one.databases)?.map(({ name }) => name) ?? null,
  followers: orNull(one.followers),
  diagnosticSettings: orNull(one.diagnosticSettings),
});

function keyJson({ database, key, view, problem }: FleetKey): Record<string, unknown> {
  const vault = view?.facts.vault;
  const found = view?.facts.key.outcome === 'found' ? view.facts.key.key : undefined;
  return {
    database: database ?? null,
    keyName: key.keyName,
    keyVaultUri: key.keyVaultUri,
    follows: key.keyVersion === undefined ? 'newest' : 'version',
    version: key.keyVersion ?? found?.version ?? null,
    newestVersion: view?.newest.outcome === 'found' ? view.newest.key.version : null,
    identity: key.userIdentity ?? 'system',
    lackingPermissions: view === undefined ? null : (lackingPermissions(view.target, view.facts) ?? null),
    keyType: found?.keyType ?? null,
    sizeBits: found?.sizeBits ?? null,
    enabled: found?.enabled ?? null,
    expiresOn: found?.expiresOn?.toISOString() ?? null,
    rotation: view === undefined ? null : orNull(view.rotation),
    vault:
      vault === undefined
        ? null
        : {
            id: vault.id,
            softDelete: vault.softDelete,
            purgeProtection: vault.purgeProtection,
            retentionDays: vault.retentionDays ?? null,
            publicAccess: vault.publicAccess,
            firewallDenies: vault.firewallDenies,
            trustedServices: vault.trustedServices,
            diagnosticSettings: view === undefined ? null : orNull(view.vaultDiagnosticSettings),
          },
    problem: problem ?? null,
  };
}
