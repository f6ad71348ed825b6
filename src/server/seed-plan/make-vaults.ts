import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { assignRole } from './make-roles.ts';
import type { KeyEntry, PlanPath, VaultEntry } from './schema.ts';
import { presets } from './schema.ts';
import type { Seeding } from './seeding.ts';
import { locationOf, propertiesOf, step, tellKept, vaultId, versions } from './seeding.ts';
import { vaultOwnerPermissions } from '../vault-owner.ts';

/** Whoever seeds makes keys, and the programs that come use them: both are the data directory's own application. */
const ownRole = 'Key Vault Administrator';

/** Vaults first, then their keys. What is there already stays as it is; a deleted key is not made again. */
export async function makeVaults(seeding: Seeding): Promise<void> {
  const { vaults = [] } = seeding.plan.document;
  for (const [index, vault] of vaults.entries())
    await step(seeding, ['vaults', index], () => makeVault(seeding, vault, ['vaults', index]));
  for (const [index, vault] of vaults.entries())
    for (const [at, key] of (vault.keys ?? []).entries()) {
      const path: PlanPath = ['vaults', index, 'keys', at];
      await step(seeding, path, () => makeKey(seeding, vault, key, path));
    }
}

async function makeVault(seeding: Seeding, vault: VaultEntry, path: PlanPath): Promise<void> {
  const { calls, environment, begin } = seeding;
  const { tenantId, objectId } = environment;
  const id = vaultId(seeding, vault.name);
  const byRoles = vault.enableRbacAuthorization ?? true;
  const found = await calls.arm('GET', id, versions.vaults, undefined, [404]);
  if (found !== undefined) tellKept(seeding, path, vault, heldBy(propertiesOf(found)));
  else {
    begin(`making vault ${vault.name}`);
    await calls.arm('PUT', id, versions.vaults, {
      location: locationOf(seeding, vault),
      properties: {
        tenantId,
        sku: { family: 'A', name: vault.sku ?? 'standard' },
        softDeleteRetentionInDays: vault.softDeleteRetentionInDays ?? 90,
        // `false` is refused even where it changes nothing.
        ...(vault.enablePurgeProtection === true ? { enablePurgeProtection: true } : {}),
        enableRbacAuthorization: byRoles,
        accessPolicies: byRoles ? [] : [{ tenantId, objectId, permissions: vaultOwnerPermissions }],
      },
    });
  }
  if (byRoles) await assignRole(seeding, id, ownRole, { objectId, type: 'ServicePrincipal' });
}

const heldBy = (properties: JsonObject): Readonly<Record<string, Json | undefined>> => ({
  sku: isJsonObject(properties['sku']) ? properties['sku']['name'] : undefined,
  softDeleteRetentionInDays: properties['softDeleteRetentionInDays'],
  enablePurgeProtection: properties['enablePurgeProtection'] ?? false,
  enableRbacAuthorization: properties['enableRbacAuthorization'],
});

async function makeKey(seeding: Seeding, vault: VaultEntry, key: KeyEntry, path: PlanPath): Promise<void> {
  const call = seeding.calls.vault(vault.name);
  const version = `api-version=${versions.keys}`;
  const name = encodeURIComponent(key.name);
  if ((await call('GET', `/keys/${name}?${version}`, undefined, [404])) !== undefined) return;
  if ((await call('GET', `/deletedkeys/${name}?${version}`, undefined, [404])) !== undefined) {
    seeding.say(`${seeding.plan.place(path)}: key ${key.name} is deleted and can be recovered: left as it is.\n`);
    return;
  }
  const kty = key.kty ?? 'RSA';
  seeding.begin(`making key ${key.name}`);
  await call('POST', `/keys/${name}/create?${version}`, {
    kty,
    key_size: key.keySize ?? (kty.startsWith('RSA') ? presets.keySize : null), // of other keys their curve says it
    attributes: {
      enabled: key.enabled ?? true,
      ...(key.expires === undefined ? {} : { exp: Math.floor(Date.parse(key.expires) / 1000) }),
    },
  });
}
