import type { ArmRequest } from '../../arm/arm-operation.ts';
import type { LinkedProperty } from '../../arm/arm-operation.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { CustomerKey } from '../../encryption/cluster-keys.ts';
import { databaseKeysMax } from '../../encryption/database-keys.ts';
import { keyFailureError, lostKeyError } from './cmk-errors.ts';
import type { ClusterResource } from './cluster-record.ts';
import { isKnownIn } from './cluster-settings.ts';
import { checkRequestedKey, customerKey, namedBefore, principalOrNobody } from './key-plan.ts';
import type { PreparedKeyStep } from './key-step.ts';
import { noStep, requireUsable, seenKey } from './key-step.ts';
import { isSameIdentityId, isSameNamedKey, readRequestedKey } from './key-vault-properties.ts';
import type { SentKey } from './key-vault-properties.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

/** The first api-version in which a database may have a key of its own. */
export const databaseKeysSince = '2023-05-02';

const assignIdentity = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
export const databaseLinks: readonly LinkedProperty[] = [
  { property: 'properties.keyVaultProperties.userIdentity', action: assignIdentity },
];

/** What a request wants of the key of a database. */
export type DatabaseKeyPlan =
  | { readonly kind: 'none'; readonly key: SentKey | undefined }
  | { readonly kind: 'create' | 'rotate'; readonly key: SentKey; readonly to: CustomerKey };

/** The checks that need no vault: those of the key of a cluster. A database gets a key when it is made, or never: data that lies under the
 * cluster's key alone is not sealed anew.
 * @param held of a database that is there
 * @throws ArmError as `checkRequestedKey`; 501 for another key, a key for a database without one, and none for one that has one */
export function planDatabaseKey(
  { apiVersion }: Pick<ArmRequest, 'apiVersion'>,
  cluster: ClusterResource,
  properties: JsonObject,
  held: { readonly key?: SentKey } | undefined,
): DatabaseKeyPlan {
  const requested = readRequestedKey(properties);
  const isSet = requested.kind !== 'absent' && requested.kind !== 'microsoftManaged';
  if (isSet && !isKnownIn(apiVersion, databaseKeysSince))
    throw kustoError('NotBuilt', `keys of single databases before api-version ${databaseKeysSince}`);
  const { identity } = cluster;
  const wanted = checkRequestedKey(requested, false, {
    hasSystem: identity?.principalId !== undefined,
    userAssigned: Object.keys(identity?.userAssignedIdentities ?? {}),
  });
  if (wanted.kind === 'unchanged') return { kind: 'none', key: held?.key };
  if (wanted.kind === 'microsoftManaged') {
    if (held?.key !== undefined) throw kustoError('NotBuilt', 'taking the key of a database away from it');
    return { kind: 'none', key: undefined };
  }
  const { sent: key, named } = wanted;
  const to = customerKey(key, named, identity);
  if (held === undefined) return { kind: 'create', key, to };
  if (held.key === undefined) throw kustoError('NotBuilt', 'a key for a database that is there already');
  const before = namedBefore(held.key);
  if (isSameNamedKey(before, named) && isSameIdentityId(held.key.userIdentity, key.userIdentity))
    return { kind: 'none', key: held.key };
  if (before.vaultHost !== named.vaultHost || before.keyName.toLowerCase() !== named.keyName.toLowerCase())
    throw kustoError('NotBuilt', 'another key for a database than the one it was made with');
  return { kind: 'rotate', key, to };
}

/** Asks the vault and prepares the key; nothing is written yet.
 * @throws ArmError with one of the documented codes, or 503 when the vault cannot be asked */
export async function prepareDatabaseKey(
  ports: KustoPorts,
  cluster: ClusterResource,
  databaseId: Guid,
  plan: DatabaseKeyPlan,
): Promise<PreparedKeyStep> {
  if (plan.kind === 'none') return noStep;
  const { clusterId, region } = cluster.properties;
  const { databases } = ports.keys;
  if (plan.kind === 'create' && (await databases.count(clusterId)) >= databaseKeysMax)
    throw kustoError('NotBuilt', `more than ${databaseKeysMax} databases with keys of their own in one cluster`);
  await requireUsable(ports, plan.to, region);
  const prepared = await databases[plan.kind](clusterId, databaseId, plan.to);
  if (!('outcome' in prepared)) return prepared;
  throw prepared.outcome === 'currentKeyLost'
    ? lostKeyError(prepared)
    : keyFailureError(await seenKey(ports, { kind: 'customer', key: plan.to }), prepared.failure);
}

/** After a change of the identities of a cluster: its databases go to their vaults as who these are now. */
export const followIdentities = (ports: KustoPorts, cluster: ClusterResource, identity: ClusterResource['identity']) =>
  ports.keys.databases.useIdentities(cluster.properties.clusterId, (userIdentity) =>
    principalOrNobody(identity, userIdentity),
  );

export function showDatabaseKey(apiVersion: string, key: SentKey | undefined): JsonObject {
  if (key === undefined || !isKnownIn(apiVersion, databaseKeysSince)) return {};
  const { userIdentity = null, ...common } = key;
  return { keyVaultProperties: { keyVersion: null, ...common, userIdentity } };
}
