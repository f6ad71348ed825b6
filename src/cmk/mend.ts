import type { DocumentedCode, LiveView } from './documented-errors.ts';
import type { Facts, VaultFacts } from './facts.ts';
import { keyScope, principalOf } from './plan-permissions.ts';
import type { ResourceId } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

/** A vault as clients name it. */
interface VaultPlace {
  readonly subscriptionId: string;
  readonly group: string;
  readonly name: string;
}

interface KeyPlace {
  readonly vault: string;
  readonly vaultUri: string;
  readonly key: string;
}

/** One change that takes a documented error away, complete with the names that it needs. */
export type Mend =
  | { readonly kind: 'createCluster'; readonly cluster: ResourceId; readonly location: string }
  | {
      readonly kind: 'assignIdentity';
      readonly cluster: ResourceId;
      readonly type: string;
      readonly userIdentities: readonly string[];
    }
  | { readonly kind: 'createIdentity'; readonly identity: ResourceId; readonly location: string }
  | {
      readonly kind: 'createVault';
      readonly vault: VaultPlace;
      readonly location: string;
      readonly tenantId: string;
    }
  | {
      readonly kind: 'recoverVault';
      readonly vault: Omit<VaultPlace, 'group'>;
      readonly location: string;
      readonly tenantId: string;
    }
  | { readonly kind: 'protectVault'; readonly vault: VaultPlace; readonly what: 'softDelete' | 'purgeProtection' }
  | ({ readonly kind: 'createKey'; readonly sizeBits: number } & KeyPlace)
  | ({ readonly kind: 'recoverKey' } & KeyPlace)
  | ({ readonly kind: 'changeKey'; readonly version: string; readonly change: KeyChange } & KeyPlace)
  | {
      readonly kind: 'grantPolicy';
      readonly vault: VaultPlace;
      readonly tenantId: string;
      readonly principalId: string;
    }
  | { readonly kind: 'grantRole'; readonly scope: string; readonly principalId: string }
  | {
      readonly kind: 'setKey';
      readonly cluster: ResourceId;
      readonly key: string;
      readonly vaultUri: string;
      /** Absent: the system-assigned one. */
      readonly userIdentity?: string;
    };

export type MendOf<K extends Mend['kind']> = Extract<Mend, { readonly kind: K }>;

export type KeyChange =
  { readonly enabled: true } | { readonly notBefore: Date } | { readonly operations: readonly string[] };

/** What a mend needs to know beside the facts. */
export interface MendInput {
  readonly live: LiveView;
  readonly target: CmkTarget;
  readonly now: Date;
}

const keySizeBits = 3072;

/** In the order in which they are done. Empty: nothing that a command could do. */
export const mendsFor: Readonly<Record<DocumentedCode, (input: MendInput) => readonly Mend[]>> = {
  CannotProvideKeyVaultPropertiesDuringCreation: ({ live, target }) => [
    { kind: 'createCluster', cluster: target.cluster, location: plainRegion(live.facts.vault?.location) },
  ],
  KeyVaultPropertiesOnlyForSystemAssignedResources: mendIdentity,
  InvalidKeyVaultProperties: ({ live, target }) => {
    const key = keyPlace(live.facts, target);
    const made: Mend = { kind: 'createKey', ...key, sizeBits: keySizeBits };
    return target.keyVersion === undefined ? [made] : [made, followNewest(target, key)];
  },
  KeyVaultNotFound: mendVault,
  IdentityDoesNotHaveAccessToKeyVault: mendAccess,
  KeyNotFound: ({ live, target }) => {
    const key = keyPlace(live.facts, target);
    if (live.facts.key.outcome === 'missing' && live.facts.key.deleted) return [{ kind: 'recoverKey', ...key }];
    return target.keyVersion === undefined
      ? [{ kind: 'createKey', ...key, sizeBits: keySizeBits }]
      : [followNewest(target, key)];
  },
  KeyVaultNotSoftDeleteEnabled: (input) => protect(input, 'softDelete'),
  KeyVaultNotPurgeProtected: (input) => protect(input, 'purgeProtection'),
};

function mendIdentity({ live, target }: MendInput): readonly Mend[] {
  const { cluster } = live.facts;
  if (cluster === undefined) return [];
  const held = cluster.userIdentities.map(({ id }) => id);
  const hasSystem = cluster.systemIdentity !== undefined;
  const { identity } = target;
  if (identity.kind === 'system') {
    const type = held.length > 0 ? 'SystemAssigned, UserAssigned' : 'SystemAssigned';
    return [{ kind: 'assignIdentity', cluster: target.cluster, type, userIdentities: held }];
  }
  const assign: Mend = {
    kind: 'assignIdentity',
    cluster: target.cluster,
    type: hasSystem ? 'SystemAssigned, UserAssigned' : 'UserAssigned',
    userIdentities: [...held, identity.id.id],
  };
  if (live.facts.userIdentity !== undefined) return [assign];
  return [{ kind: 'createIdentity', identity: identity.id, location: plainRegion(cluster.location) }, assign];
}

function mendVault({ live, target }: MendInput): readonly Mend[] {
  const { cluster, vault, vaultIsDeleted } = live.facts;
  const location = plainRegion(cluster?.location);
  const subscriptionId = target.vault.by === 'id' ? target.vault.id.subscriptionId : target.cluster.subscriptionId;
  const tenantId = cluster?.systemIdentity?.tenantId ?? live.facts.subscriptionTenantId ?? 'TENANT_ID';
  if (vaultIsDeleted)
    return [{ kind: 'recoverVault', vault: { subscriptionId, name: target.vault.name }, location, tenantId }];
  // A vault that is there and does not do keeps its name.
  const name = vault === undefined ? target.vault.name : otherName(target.vault.name, location);
  const group = target.vault.by === 'id' ? target.vault.id.resourceGroup : target.cluster.resourceGroup;
  return [{ kind: 'createVault', vault: { subscriptionId, group, name }, location, tenantId }];
}

const vaultNameCharactersMax = 24;

function otherName(name: string, location: string): string {
  const end = `-${location}`.slice(0, vaultNameCharactersMax / 2);
  return `${name.slice(0, vaultNameCharactersMax - end.length).replace(/-$/, '')}${end}`;
}

function mendAccess({ live, target, now }: MendInput): readonly Mend[] {
  const { facts } = live;
  const { vault } = facts;
  const principalId = principalOf(target, facts);
  const permissions = live.steps.find(({ id }) => id === 'permissions');
  const granted: readonly Mend[] =
    vault === undefined || principalId === undefined || permissions?.state === 'done'
      ? []
      : [
          vault.model === 'roles'
            ? { kind: 'grantRole', scope: keyScope(vault.id, target.keyName), principalId }
            : { kind: 'grantPolicy', vault: placeOf(vault), tenantId: vault.tenantId, principalId },
        ];
  return [...granted, ...mendUse(facts, target, now)];
}

/** The vault refuses the use of a key that is disabled, outside of its dates, or not made for it. */
function mendUse(facts: Facts, target: CmkTarget, now: Date): readonly Mend[] {
  if (facts.key.outcome !== 'found') return [];
  const { enabled, notBefore, expiresOn, operations, version, sizeBits = keySizeBits } = facts.key.key;
  const key = keyPlace(facts, target);
  const change = (one: KeyChange): Mend => ({ kind: 'changeKey', ...key, version, change: one });
  if (expiresOn !== undefined && expiresOn <= now) {
    const made: Mend = { kind: 'createKey', ...key, sizeBits };
    return target.keyVersion === undefined ? [made] : [made, followNewest(target, key)];
  }
  const needed = ['wrapKey', 'unwrapKey'].filter((operation) => !operations.includes(operation));
  return [
    ...(enabled ? [] : [change({ enabled: true })]),
    ...(notBefore !== undefined && notBefore > now ? [change({ notBefore: now })] : []),
    ...(needed.length === 0 ? [] : [change({ operations: [...operations, ...needed] })]),
  ];
}

function protect({ live }: MendInput, what: 'softDelete' | 'purgeProtection'): readonly Mend[] {
  const { vault } = live.facts;
  return vault === undefined ? [] : [{ kind: 'protectVault', vault: placeOf(vault), what }];
}

/** Sets the key that the target names, without a version. */
export const followNewest = (target: CmkTarget, { key, vaultUri }: Pick<KeyPlace, 'key' | 'vaultUri'>): Mend => ({
  kind: 'setKey',
  cluster: target.cluster,
  key,
  vaultUri,
  ...(target.identity.kind === 'system' ? {} : { userIdentity: target.identity.id.id }),
});

export function keyPlace({ vault }: Facts, target: CmkTarget): KeyPlace {
  const name = vault?.name ?? target.vault.name;
  const uri = vault?.uri ?? (target.vault.by === 'uri' ? target.vault.uri : 'VAULT_URI');
  return { vault: name, vaultUri: uri, key: target.keyName };
}

function placeOf({ id, name }: VaultFacts): VaultPlace {
  const [, , subscriptionId = '', , group = ''] = id.split('/');
  return { subscriptionId, group, name };
}

const plainRegion = (location: string | undefined): string =>
  location === undefined ? 'REGION' : location.replaceAll(' ', '').toLowerCase();
