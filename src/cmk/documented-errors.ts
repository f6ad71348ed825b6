import { az } from './commands.ts';
import type { Facts } from './facts.ts';
import type { PlanStep, StepId } from './plan-step.ts';
import { principalOf } from './plan-permissions.ts';
import type { ResourceId } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

/** Names for the commands: the caller's where they are known. */
export interface Named {
  readonly clusterId: string;
  readonly clusterGroup: string;
  readonly clusterName: string;
  readonly vault: string;
  readonly vaultUri: string;
  readonly vaultId: string;
  readonly key: string;
  readonly principalId: string;
  /** The kinds of identity that the cluster should have, with those it has. */
  readonly identityType: string;
  readonly userIdentities: readonly string[];
}

/** Whether a cause is there now. */
export type Holds = { readonly now: 'yes' | 'no' | 'unknown'; readonly why: string };

export interface LiveView {
  readonly cluster: ResourceId;
  /** Absent while nobody has named a vault and a key. */
  readonly target?: CmkTarget;
  readonly facts: Facts;
  readonly steps: readonly PlanStep[];
}

export interface DocumentedError {
  readonly cause: string;
  readonly check: readonly string[];
  readonly run: (named: Named) => readonly string[];
  readonly holds: (live: LiveView) => Holds;
}

const yes = (why: string): Holds => ({ now: 'yes', why });
const no = (why: string): Holds => ({ now: 'no', why });
const unknown = (why: string): Holds => ({ now: 'unknown', why });

const stepOf = ({ steps }: LiveView, id: StepId): PlanStep | undefined => steps.find((step) => step.id === id);
const notNamed = 'Name a vault (--vault) and a key (--key) to have it looked at.';

/** A step that is not done means that the cause is there. */
function byStep(live: LiveView, id: StepId): Holds {
  const step = stepOf(live, id);
  const why = [step?.found, step?.state === 'done' ? undefined : step?.note].filter(Boolean).join(': ');
  if (step?.state === 'done') return no(why);
  return step === undefined || step.state === 'unknown' ? unknown(step?.note ?? notNamed) : yes(why);
}

function wrongKey(live: LiveView): Holds {
  const { key } = live.facts;
  if (key.outcome !== 'found') return unknown(live.target === undefined ? notNamed : 'The key cannot be looked at.');
  const isRsa = /^RSA(-HSM)?$/.test(key.key.keyType) && [2048, 3072, 4096].includes(key.key.sizeBits ?? 0);
  if (!isRsa) return yes(`The key is of type ${key.key.keyType} ${key.key.sizeBits ?? ''}`.trim());
  return unknown('Key and vault are well-formed as named here; what the refused request said is not known.');
}

function noAccess(live: LiveView): Holds {
  if (stepOf(live, 'identity')?.state !== 'done') return unknown('The cluster does not have the identity.');
  const permissions = byStep(live, 'permissions');
  if (permissions.now === 'yes') return permissions;
  const key = stepOf(live, 'key');
  const isUnusable = live.facts.key.outcome === 'found' && wrongKey(live).now !== 'yes';
  if (isUnusable && key?.state === 'inTheWay') return yes(`${key.found}: ${key.note ?? ''}`);
  const [network] = stepOf(live, 'vault')?.warnings ?? [];
  return network !== undefined && permissions.now === 'no' ? unknown(network) : permissions;
}

/** The errors of the article "Configure customer-managed keys" (December 2019), the only public list, in its order. */
export const documentedErrors = {
  InvalidKeyVaultProperties: {
    cause:
      'keyVaultProperties are incomplete or not well-formed, or the key is of a type or size that a cluster cannot use.',
    check: [
      'keyName and keyVaultUri are both there; keyVersion is a version of that key or empty.',
      'keyVaultUri is the address of a vault, with no path to a key in it.',
      'The key is RSA of 2048, 3072 or 4096 bits.',
      'userIdentity is the resource id of an identity that the cluster has, or empty.',
    ],
    run: (named) => [az.showKey(named), az.setKey({ id: named.clusterId }, named.key, named.vaultUri)],
    holds: wrongKey,
  },
  CannotProvideKeyVaultPropertiesDuringCreation: {
    cause:
      'The request created a cluster and named a key: a system-assigned identity exists only afterwards, so no vault knows it yet.',
    check: ['Create the cluster without keyVaultProperties, then set the key by an update (this is what apply does).'],
    run: (named) => [
      az.createCluster(named.clusterGroup, named.clusterName),
      az.setKey({ id: named.clusterId }, named.key, named.vaultUri),
    ],
    holds: ({ facts }) =>
      facts.cluster === undefined
        ? yes('The cluster does not exist yet.')
        : no('The cluster exists: set the key by an update.'),
  },
  KeyVaultPropertiesOnlyForSystemAssignedResources: {
    cause: 'The cluster has no identity to go to the vault with.',
    check: ['The cluster has a system-assigned identity, or the user-assigned one that userIdentity names.'],
    run: (named) => [az.assignIdentity({ id: named.clusterId }, named.identityType, named.userIdentities)],
    holds: (live) => byStep(live, 'identity'),
  },
  KeyVaultNotFound: {
    cause:
      'There is no vault under this address: it is misspelt, was deleted, or is in another region than the cluster.',
    check: ['The vault exists and keyVaultUri is its address.', 'The vault is in the region of the cluster.'],
    run: (named) => [az.showVault(named.vault), az.recoverVault(named.vault)],
    holds: (live) => byStep(live, 'vault'),
  },
  KeyNotFound: {
    cause: 'The vault has no key of this name, or not this version of it.',
    check: ['The key exists and is not deleted.', 'The version is one of this key.'],
    run: (named) => [az.showKey(named), az.listVersions(named), az.recoverKey(named), az.createKey(named, 3072)],
    holds: (live) => {
      const { key } = live.facts;
      if (key.outcome === 'missing') return yes(stepOf(live, 'key')?.note ?? 'The vault has no such key.');
      return key.outcome === 'found'
        ? no(`version ${key.key.version} is there`)
        : unknown(live.target === undefined ? notNamed : 'The key cannot be looked at.');
    },
  },
  IdentityDoesNotHaveAccessToKeyVault: {
    cause:
      'The vault refused the identity of the cluster: a permission is missing, the key is disabled, expired or not yet valid, or a firewall is in between.',
    check: [
      'The identity has get, wrapKey and unwrapKey by an access policy, or a role with those data actions, whichever the vault goes by.',
      'The key version is enabled and within its dates.',
      'The firewall of the vault lets the cluster through.',
      'A permission given a moment ago may take some minutes.',
    ],
    run: (named) => [
      az.grantPolicy(named.vault, named.principalId),
      az.grantRole(named.principalId, named.vaultId),
      az.showKey(named),
      az.networkRules(named.vault),
    ],
    holds: noAccess,
  },
  KeyVaultNotPurgeProtected: {
    cause: 'Purge protection of the vault is off: a deleted key could be lost for ever, and the data with it.',
    check: ['Purge protection is on. It cannot be turned off again.'],
    run: (named) => [az.purgeProtection(named.vault)],
    holds: (live) => byStep(live, 'purgeProtection'),
  },
  KeyVaultNotSoftDeleteEnabled: {
    cause: 'Soft delete of the vault is off: deleted keys are gone at once.',
    check: ['Soft delete is on. It cannot be turned off again.'],
    run: (named) => [az.softDelete(named.vaultId)],
    holds: (live) => byStep(live, 'softDelete'),
  },
} as const satisfies Record<string, DocumentedError>;

export type DocumentedCode = keyof typeof documentedErrors;
export const documentedCodes: readonly DocumentedCode[] = Object.keys(documentedErrors).filter(
  (code): code is DocumentedCode => code in documentedErrors,
);

/** Names that an error text or the caller gave. */
export type Hints = Partial<Pick<Named, 'vault' | 'vaultUri' | 'key'>>;

/** What is not known stands as a word in capitals. */
export function namedBy(live: LiveView | undefined, hints: Hints): Named {
  const cluster = live?.cluster;
  const target = live?.target;
  const vault = live?.facts.vault;
  const change = live && stepOf(live, 'identity')?.change;
  const principalId = live && target && principalOf(target, live.facts);
  return {
    clusterId: cluster?.id ?? 'CLUSTER_ID',
    clusterGroup: cluster?.resourceGroup ?? 'GROUP',
    clusterName: cluster?.name ?? 'CLUSTER',
    vault: vault?.name ?? target?.vault.name ?? hints.vault ?? 'VAULT',
    vaultUri: vault?.uri ?? hints.vaultUri ?? 'VAULT_URI',
    vaultId: vault?.id ?? 'VAULT_ID',
    key: target?.keyName ?? hints.key ?? 'KEY',
    principalId: principalId ?? 'PRINCIPAL_ID',
    identityType: change?.kind === 'assignIdentity' ? change.type : 'SystemAssigned',
    userIdentities: change?.kind === 'assignIdentity' ? change.userIdentities : [],
  };
}
