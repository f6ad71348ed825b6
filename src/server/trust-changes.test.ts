import { expect, it } from 'vitest';
import { armResources } from '../arm/resource.ts';
import { customRoles } from '../authz/custom-roles.ts';
import { roleAssignments } from '../authz/role-assignments.ts';
import { auditChain } from '../audit/audit-chain.ts';
import { principalTable } from '../identity/principals/principal.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import type { StateWrite, Table } from '../state/state.ts';
import { vaultKeys, vaultKeyVersions } from '../vault/keys/key-records.ts';
import { trustChanges } from './trust-changes.ts';

const principal = '11111111-1111-4111-8111-111111111111';
const group = '/subscriptions/s/resourcegroups/g/providers';
const write = (table: { readonly name: string }, id: string, expected: number | null, put: unknown): StateWrite => ({
  ...{ table: table as unknown as Table<never>, id, expect: expected, put },
});

it.each([
  [
    'a vault changed',
    write(armResources, `${group}/microsoft.keyvault/vaults/v1`, 3, {}),
    { kind: 'vault', host: 'v1.vault.azure.net' },
  ],
  [
    'a vault deleted',
    write(armResources, `${group}/microsoft.keyvault/vaults/v1`, 3, null),
    { kind: 'vault', host: 'v1.vault.azure.net' },
  ],
  ['a vault recovered or purged', write(vaultNames, 'v1', 3, {}), { kind: 'vault', host: 'v1.vault.azure.net' }],
  ['a key version changed', write(vaultKeyVersions, 'x/K1/abc', 3, {}), { kind: 'key', name: 'K1' }],
  ['a key version purged', write(vaultKeyVersions, 'x/K1/abc', 3, null), { kind: 'key', name: 'K1' }],
  ['a role given', write(roleAssignments, `${principal}/a`, null, {}), { kind: 'principal', objectId: principal }],
  ['a role taken', write(roleAssignments, `${principal}/a`, 1, null), { kind: 'principal', objectId: principal }],
  ['a custom role changed', write(customRoles, `${principal}/r`, 1, {}), { kind: 'role' }],
  ['a principal disabled', write(principalTable, principal, 1, {}), { kind: 'principal', objectId: principal }],
  ['a principal deleted', write(principalTable, principal, 1, null), { kind: 'principal', objectId: principal }],
])('%s concerns keys', (_name, one, concern) => {
  expect(trustChanges([one])).toEqual([concern]);
});

it.each([
  ['a new principal', write(principalTable, principal, null, {})],
  ['a new custom role', write(customRoles, `${principal}/r`, null, {})],
  ['a new version of a key', write(vaultKeyVersions, 'x/K1/abc', null, {})],
  ['which version is the latest', write(vaultKeys, 'x/K1', 3, {})],
  ['what a vault was asked', write(auditChain, 'x', null, {})],
  ['another resource', write(armResources, `${group}/microsoft.kusto/clusters/v1`, 3, {})],
  ['what is below a vault', write(armResources, `${group}/microsoft.keyvault/vaults/v1/other/x`, 3, {})],
])('%s takes no key from anybody', (_name, one) => {
  expect(trustChanges([one])).toEqual([]);
});
