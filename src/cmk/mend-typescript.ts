import { encryptionRole } from './commands.ts';
import type { KeyChange, Mend, MendOf } from './mend.ts';
import { keyPermissions } from './plan-permissions.ts';
import type { Script } from './typescript-text.ts';
import { call, literal, managing, moduleText, opening, text } from './typescript-text.ts';

/** A module of TypeScript or JavaScript that does it, through the official clients. */
export const mendByTypeScript = (mend: Mend): string => moduleText(scriptOf(mend));

function scriptOf(mend: Mend): Script {
  switch (mend.kind) {
    case 'createCluster':
    case 'assignIdentity':
    case 'setKey':
      return { client: 'kusto', lines: [managing('kusto', mend.cluster.subscriptionId), ...clusterCall(mend)] };
    case 'createIdentity': {
      const { id, subscriptionId } = mend.identity;
      const call = `await client.resources.beginCreateOrUpdateByIdAndWait(${text(id)}, '2023-01-31', { location: ${text(mend.location)} });`;
      return { client: 'resources', lines: [managing('resources', subscriptionId), call] };
    }
    case 'createVault':
    case 'recoverVault':
    case 'protectVault':
    case 'grantPolicy':
      return { client: 'vaults', lines: [managing('vaults', mend.vault.subscriptionId), ...vaultCall(mend)] };
    case 'createKey':
    case 'recoverKey':
    case 'changeKey':
      return {
        client: 'keys',
        lines: [opening(mend.vaultUri), ...keyCall(mend)],
      };
    case 'grantRole':
      return {
        client: 'resources',
        imports: ["import { randomUUID } from 'node:crypto';"],
        lines: roleCall(mend),
      };
  }
}

function clusterCall(mend: MendOf<'createCluster' | 'assignIdentity' | 'setKey'>): readonly string[] {
  const { resourceGroup, name } = mend.cluster;
  const named = `${text(resourceGroup)}, ${text(name)}`;
  switch (mend.kind) {
    case 'createCluster':
      return call(`clusters.beginCreateOrUpdateAndWait(${named}`, {
        location: mend.location,
        sku: { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 },
        identity: { type: 'SystemAssigned' },
      });
    case 'assignIdentity': {
      const userAssignedIdentities = Object.fromEntries(mend.userIdentities.map((id) => [id, {}]));
      const user = mend.userIdentities.length === 0 ? {} : { userAssignedIdentities };
      return call(`clusters.beginUpdateAndWait(${named}`, { identity: { type: mend.type, ...user } });
    }
    case 'setKey':
      return call(`clusters.beginUpdateAndWait(${named}`, {
        keyVaultProperties: {
          keyName: mend.key,
          keyVaultUri: mend.vaultUri,
          keyVersion: '',
          userIdentity: mend.userIdentity ?? '',
        },
      });
  }
}

function vaultCall(mend: MendOf<'createVault' | 'recoverVault' | 'protectVault' | 'grantPolicy'>): readonly string[] {
  const { name } = mend.vault;
  switch (mend.kind) {
    case 'createVault':
      return call(`vaults.createOrUpdate(${text(mend.vault.group)}, ${text(name)}`, {
        location: mend.location,
        properties: {
          tenantId: mend.tenantId,
          sku: { family: 'A', name: 'standard' },
          enableRbacAuthorization: true,
          enablePurgeProtection: true,
        },
      });
    case 'recoverVault':
      return [
        `const deleted = await client.vaults.getDeleted(${text(name)}, ${text(mend.location)});`,
        "const [, , , , group] = deleted.properties.vaultId.split('/');",
        `await client.vaults.createOrUpdate(group, ${text(name)}, {`,
        `  location: ${text(mend.location)},`,
        `  properties: { tenantId: ${text(mend.tenantId)}, sku: { family: 'A', name: 'standard' }, createMode: 'recover' },`,
        '});',
      ];
    case 'protectVault': {
      const properties = mend.what === 'softDelete' ? { enableSoftDelete: true } : { enablePurgeProtection: true };
      return call(`vaults.update(${text(mend.vault.group)}, ${text(name)}`, { properties });
    }
    case 'grantPolicy': {
      const permissions = { keys: [...keyPermissions] };
      return call(`vaults.updateAccessPolicy(${text(mend.vault.group)}, ${text(name)}, 'add'`, {
        properties: { accessPolicies: [{ tenantId: mend.tenantId, objectId: mend.principalId, permissions }] },
      });
    }
  }
}

function keyCall(mend: MendOf<'createKey' | 'recoverKey' | 'changeKey'>): readonly string[] {
  const key = text(mend.key);
  switch (mend.kind) {
    case 'createKey':
      return [`await client.createRsaKey(${key}, { keySize: ${mend.sizeBits} });`];
    case 'recoverKey':
      return [`await (await client.beginRecoverDeletedKey(${key})).pollUntilDone();`];
    case 'changeKey':
      return [`await client.updateKeyProperties(${key}, ${text(mend.version)}, ${changeText(mend.change)});`];
  }
}

function roleCall({ scope, principalId }: MendOf<'grantRole'>): readonly string[] {
  const [, , subscriptionId = ''] = scope.split('/');
  const roleDefinitionId = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${encryptionRole.id}`;
  return [
    managing('resources', subscriptionId),
    `const scope = ${text(scope)};`,
    'await client.resources.beginCreateOrUpdateByIdAndWait(',
    '  `${scope}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`,',
    "  '2022-04-01',",
    `  ${literal({ properties: { roleDefinitionId, principalId, principalType: 'ServicePrincipal' } }, '  ')},`,
    ');',
  ];
}

function changeText(change: KeyChange): string {
  if ('enabled' in change) return '{ enabled: true }';
  if ('notBefore' in change) return `{ notBefore: new Date(${text(change.notBefore.toISOString())}) }`;
  return `{ keyOps: ${literal(change.operations, '')} }`;
}
