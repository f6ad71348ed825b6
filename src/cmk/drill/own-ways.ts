import { isNotFound } from '../azure-error.ts';
import type { CmkClients } from '../clients.ts';
import { az, command } from '../commands.ts';
import { parseResourceId, sameText } from '../resource-id.ts';
import type { OwnCluster } from './own-cluster.ts';
import { enabledVersions } from './own-cluster.ts';

/** One change of a drill, and how it is undone. All three can be repeated; to undo what was never done changes nothing. */
export interface OwnChange {
  /** What is sent, in words. */
  readonly title: string;
  /** What is sent just before it that changes nothing and yet is no read, in words. */
  readonly asksFirst?: string;
  /** A command that undoes it by hand. */
  readonly byHand: string;
  readonly take: (clients: CmkClients) => Promise<void>;
  readonly undo: (clients: CmkClients) => Promise<void>;
  /** Read back: all is as it was. */
  readonly isUndone: (clients: CmkClients) => Promise<boolean>;
}

/** A way to lose the key of a cluster of one's own: one that the same right undoes, to the state of before. */
export interface OwnWay {
  readonly name: string;
  readonly title: string;
  /** In the order of being made; they are undone in the opposite one. A text: why it cannot be done to this cluster. */
  readonly changes: (own: OwnCluster) => readonly OwnChange[] | string;
}

const pollMs = 2_000;

/** One row a way, the gentlest first. */
export const ownWays: readonly OwnWay[] = [
  {
    ...{ name: 'versionDisabled', title: 'key version disabled' },
    changes: (own) =>
      own.key.keyVersion === undefined && own.enabledVersions?.length !== 1
        ? 'the cluster follows the newest version and does not say which one it uses'
        : [disabled(own, own.version)],
  },
  {
    ...{ name: 'keyDisabled', title: 'all versions disabled' },
    changes: (own) =>
      own.enabledVersions === undefined
        ? 'the versions of the key may not be listed'
        : own.enabledVersions.map((version) => disabled(own, version)),
  },
  {
    ...{ name: 'policyRemoved', title: 'access policy removed' },
    changes: (own) => {
      if (own.vault.model === 'roles') return 'the vault goes by roles, and an assignment made anew is another one';
      return own.keyPermissions.length === 0
        ? 'no access policy of the vault names the identity itself'
        : [policyRemoved(own)];
    },
  },
  {
    ...{ name: 'keyDeleted', title: 'key deleted' },
    changes: (own) => (own.vault.softDelete ? [deleted(own)] : 'the vault has no soft delete: nobody could undo it'),
  },
];

/** Ways of the drill on a private instance that nobody can surely undo on a cluster of one's own, and why. */
export const privateWays: Readonly<Record<string, string>> = {
  vaultDeleted: 'a vault that is recovered may lack what others had set beside it',
  identityRemoved: 'an identity that is made anew is another principal',
  throttled: 'nobody can have a vault refuse',
  down: 'nobody can have a vault be down',
  expired: 'a version without an expiry does not lose one again, and time would have to pass',
};

function disabled({ vault, key, enabledVersions: before }: OwnCluster, version: string): OwnChange {
  const ref = { vault: vault.name, key: key.keyName };
  const set = async (clients: CmkClients, enabled: boolean): Promise<void> => {
    await clients.keys(vault.uri).updateKeyProperties(key.keyName, version, { enabled });
  };
  return {
    title: `disable version ${version} of key '${key.keyName}' in vault ${vault.name}`,
    byHand: az.setAttributes(ref, version, '--enabled', 'true'),
    take: (clients) => set(clients, false),
    undo: (clients) => set(clients, true),
    isUndone: async (clients) => {
      if (before === undefined)
        return (await clients.keys(vault.uri).getKey(key.keyName, { version })).properties.enabled !== false;
      return (await enabledVersions(clients, vault.uri, key.keyName))?.includes(version) === true;
    },
  };
}

function policyRemoved({ vault, principalId, keyPermissions }: OwnCluster): OwnChange {
  const id = parseResourceId(vault.id, 'Microsoft.KeyVault/vaults');
  if (id === undefined) throw new Error(`'${vault.id}' is no resource id of a vault.`);
  const update = async (clients: CmkClients, operation: 'add' | 'remove'): Promise<void> => {
    await clients.vaults(id.subscriptionId).vaults.updateAccessPolicy(id.resourceGroup, id.name, operation, {
      properties: {
        accessPolicies: [
          { tenantId: vault.tenantId, objectId: principalId, permissions: { keys: [...keyPermissions] } },
        ],
      },
    });
  };
  const permissions = keyPermissions.join(', ');
  return {
    title: `take ${permissions} on keys of vault ${vault.name} away from principal ${principalId}`,
    byHand: command(
      ...['az', 'keyvault', 'set-policy', '--name', vault.name, '--object-id', principalId, '--key-permissions'],
      ...keyPermissions,
    ),
    take: (clients) => update(clients, 'remove'),
    undo: (clients) => update(clients, 'add'),
    isUndone: async (clients) => {
      const { properties } = await clients.vaults(id.subscriptionId).vaults.get(id.resourceGroup, id.name);
      const has = (properties.accessPolicies ?? [])
        .filter(({ objectId, applicationId }) => sameText(objectId, principalId) && applicationId === undefined)
        .flatMap((policy) => policy.permissions.keys ?? []);
      return keyPermissions.every((one) => has.some((other) => sameText(one, other)));
    },
  };
}

/** To delete and to recover are two rights: who has the second is asked before the first is used. */
function deleted({ vault, key, version }: OwnCluster): OwnChange {
  const keys = (clients: CmkClients) => clients.keys(vault.uri);
  const exists = async (clients: CmkClients): Promise<boolean> => {
    try {
      await keys(clients).getKey(key.keyName, { version });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  const options = { intervalInMs: pollMs };
  return {
    title: `delete key '${key.keyName}' of vault ${vault.name}, and recover it`,
    asksFirst: `ask vault ${vault.name} to recover key '${nobodysKey}', which it has not, to see that keys may be recovered`,
    byHand: az.recoverKey({ vault: vault.name, key: key.keyName }),
    take: async (clients) => {
      await requireRecovery(clients, vault.uri);
      await (await keys(clients).beginDeleteKey(key.keyName, options)).pollUntilDone();
    },
    undo: async (clients) => {
      if (await exists(clients)) return;
      await (await keys(clients).beginRecoverDeletedKey(key.keyName, options)).pollUntilDone();
    },
    isUndone: exists,
  };
}

/** A key that nobody has: recovering it is refused for want of the key, or for want of the right. */
const nobodysKey = 'no-such-key-of-a-drill';

async function requireRecovery(clients: CmkClients, vaultUri: string): Promise<void> {
  try {
    await clients.keys(vaultUri).beginRecoverDeletedKey(nobodysKey);
  } catch (error) {
    if (isNotFound(error)) return;
    throw error;
  }
}
