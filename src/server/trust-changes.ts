import { armResources } from '../arm/resource.ts';
import { customRoles } from '../authz/custom-roles.ts';
import { roleAssignments } from '../authz/role-assignments.ts';
import type { KeyConcern } from '../cluster/supervisor/key-concerns.ts';
import { principalTable } from '../identity/principals/principal.ts';
import { vaultNames, vaultType } from '../providers/keyvault/vault-record.ts';
import type { StateWrite } from '../state/state.ts';
import { vaultKeyVersions } from '../vault/keys/key-records.ts';

/** What a write of one table may do to keys that clusters use. A table without a row cannot take a key away or give it back. */
interface TrustRow {
  readonly table: string;
  readonly concern: (write: StateWrite) => KeyConcern | undefined;
}

const vaultId = new RegExp(`/providers/${vaultType.toLowerCase().replace('.', '\\.')}/([^/]+)$`);
const vaultHost = (name: string): KeyConcern => ({ kind: 'vault', host: `${name}.vault.azure.net` });

const rows: readonly TrustRow[] = [
  // Access policies, network rules, the switch to roles; deletion.
  {
    table: armResources.name,
    concern: ({ id }) => {
      const name = vaultId.exec(id)?.[1];
      return name === undefined ? undefined : vaultHost(name);
    },
  },
  // Deletion, recovery and purge of vaults.
  { table: vaultNames.name, concern: ({ id }) => vaultHost(id) },
  // Attributes, deletion, recovery and purge of keys all write versions that are there. A new version takes nothing from anybody.
  {
    table: vaultKeyVersions.name,
    concern: ({ id, expect }) => {
      const name = id.split('/')[1];
      return expect === null || name === undefined ? undefined : { kind: 'key', name };
    },
  },
  // Whatever the scope: what counts is whose it is.
  { table: roleAssignments.name, concern: ({ id }) => ({ kind: 'principal', objectId: id.split('/')[0] ?? '' }) },
  // Nobody has one that is new.
  { table: customRoles.name, concern: ({ expect }) => (expect === null ? undefined : { kind: 'role' }) },
  // Disabled or deleted. Nobody uses one that is new.
  {
    table: principalTable.name,
    concern: ({ id, expect }) => (expect === null ? undefined : { kind: 'principal', objectId: id }),
  },
];

const rowOf = new Map(rows.map((row) => [row.table, row]));

/** @returns what a commit may do to keys that clusters use; empty: nothing */
export const trustChanges = (write: readonly StateWrite[]): readonly KeyConcern[] =>
  write.flatMap((one) => rowOf.get(one.table.name)?.concern(one) ?? []);
