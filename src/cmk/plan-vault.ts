import { az } from './commands.ts';
import type { Facts, VaultFacts } from './facts.ts';
import type { PlanInput, PlanStep } from './plan-step.ts';
import { done, inTheWay, toDo, unknown } from './plan-step.ts';
import { sameRegion, sameText } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

export function vaultStep({ target, facts }: PlanInput): PlanStep {
  const { vault, cluster } = facts;
  if (vault === undefined) return missingVault(target, facts);
  const found = `${vault.uri}, ${vault.location}, ${vault.model === 'roles' ? 'Azure roles' : 'access policies'}`;
  const tenantId = tenantOf(facts);
  if (tenantId !== undefined && !sameText(tenantId, vault.tenantId)) {
    return inTheWay('vault', `tenant ${vault.tenantId}`, {
      note: `The identity of the cluster is of tenant ${tenantId}: managed identities do not reach vaults of another tenant.`,
      remedy: createVault(target, facts),
    });
  }
  if (cluster !== undefined && !sameRegion(vault.location, cluster.location)) {
    return inTheWay('vault', `region ${vault.location}`, {
      note: `The cluster is in ${cluster.location}: cluster and vault must be in one region.`,
      remedy: createVault(target, facts),
    });
  }
  return done('vault', found, networkWarnings(vault));
}

function missingVault(target: CmkTarget, facts: Facts): PlanStep {
  const { name } = target.vault;
  if (facts.vaultIsDeleted) {
    return inTheWay('vault', 'soft-deleted', {
      note: `Vault '${name}' was deleted and can be recovered.`,
      remedy: az.recoverVault(name),
    });
  }
  const subscriptionId = target.vault.by === 'id' ? target.vault.id.subscriptionId : target.cluster.subscriptionId;
  return inTheWay('vault', 'no such vault', {
    note: `We see no vault '${name}' in subscription ${subscriptionId}. One of another subscription is named by its resource id.`,
    remedy: createVault(target, facts),
  });
}

const createVault = (target: CmkTarget, { cluster }: Facts): string =>
  az.createVault(
    target.cluster.resourceGroup,
    target.vault.name,
    cluster?.location.replaceAll(' ', '').toLowerCase() ?? 'REGION',
  );

const tenantOf = ({ cluster, userIdentity, subscriptionTenantId }: Facts): string | undefined =>
  userIdentity?.tenantId ?? cluster?.systemIdentity?.tenantId ?? subscriptionTenantId;

function networkWarnings(vault: VaultFacts): readonly string[] {
  const rules = `See ${az.networkRules(vault.name)}.`;
  const trusted = vault.trustedServices
    ? 'Trusted services are let through, but Data Explorer is not documented as one.'
    : 'Trusted services are not let through either.';
  if (!vault.publicAccess) return [`The vault takes no public traffic. ${trusted} ${rules}`];
  return vault.firewallDenies ? [`The firewall of the vault denies by default. ${trusted} ${rules}`] : [];
}

export function softDeleteStep({ facts, options }: PlanInput): PlanStep {
  const { vault } = facts;
  if (vault === undefined) return unknown('softDelete', 'There is no vault.');
  if (vault.softDelete) {
    const days = vault.retentionDays === undefined ? '' : `, ${vault.retentionDays} days`;
    return done('softDelete', `on${days}`);
  }
  if (options.enablePurgeProtection) return protect('softDelete', vault, 'Soft delete cannot be turned off again.');
  return inTheWay('softDelete', 'off', {
    note: 'Soft delete is turned on only with --enable-purge-protection: it cannot be turned off again.',
    remedy: az.softDelete(vault.id),
  });
}

export function purgeProtectionStep({ facts, options }: PlanInput): PlanStep {
  const { vault } = facts;
  if (vault === undefined) return unknown('purgeProtection', 'There is no vault.');
  if (vault.purgeProtection) return done('purgeProtection', 'on');
  if (options.enablePurgeProtection)
    return protect('purgeProtection', vault, 'Purge protection cannot be turned off again.');
  return inTheWay('purgeProtection', 'off', {
    note: 'Purge protection is turned on only with --enable-purge-protection: it cannot be turned off again.',
    remedy: az.purgeProtection(vault.name),
  });
}

/** Azure turns on both in one request. */
function protect(id: 'softDelete' | 'purgeProtection', vault: VaultFacts, warning: string): PlanStep {
  const sentence = `${warning} It holds for all keys, secrets and certificates of vault '${vault.name}'.`;
  return toDo(id, 'off', {
    note: 'Turn it on.',
    irreversible: sentence,
    change: { kind: 'protectVault', vaultId: vault.id },
  });
}
