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
  | { readonly kind: 'create' | 'add' | 'change'; readonly key: SentKey; readonly to: CustomerKey }
  | { readonly kind: 'remove'; readonly key: undefined };

/** The checks that need no vault: those of the key of a cluster.
 * @param held of a database that is there
 * @throws ArmError as `checkRequestedKey`; 501 for an api-version that knows no such keys */
export function planDatabaseKey(
  { apiVersion }: Pick<ArmRequest, 'apiVersion'>,
  cluster: ClusterResource,
  properties: JsonObject,
  held: { readonly key?: SentKey } | undefined,
): DatabaseKeyPlan {
  const requested = readRequestedKey(properties);
  const changes = requested.kind === 'microsoftManaged' ? held?.key !== undefined : requested.kind !== 'absent';
  if (changes && !isKnownIn(apiVersion, databaseKeysSince))
    throw kustoError('NotBuilt', `keys of single databases before api-version ${databaseKeysSince}`);
  const { identity } = cluster;
  const wanted = checkRequestedKey(requested, false, {
    hasSystem: identity?.principalId !== undefined,
    userAssigned: Object.keys(identity?.userAssignedIdentities ?? {}),
  });
  if (wanted.kind === 'unchanged') return { kind: 'none', key: held?.key };
  if (wanted.kind === 'microsoftManaged') return { kind: held?.key === undefined ? 'none' : 'remove', key: undefined };
  const { sent: key, named } = wanted;
  const to = customerKey(key, named, identity);
  if (held?.key === undefined) return { kind: held === undefined ? 'create' : 'add', key, to };
  const isSame =
    isSameNamedKey(namedBefore(held.key), named) && isSameIdentityId(held.key.userIdentity, key.userIdentity);
  return isSame ? { kind: 'none', key: held.key } : { kind: 'change', key, to };
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
  const isOneMore = plan.kind === 'create' || plan.kind === 'add';
  if (isOneMore && (await databases.count(clusterId)) >= databaseKeysMax)
    throw kustoError('NotBuilt', `more than ${databaseKeysMax} databases with keys of their own in one cluster`);
  const to = plan.kind === 'remove' ? undefined : plan.to;
  if (to !== undefined) await requireUsable(ports, to, region);
  const prepared =
    plan.kind === 'create'
      ? await databases.create(clusterId, databaseId, plan.to)
      : await databases.change(clusterId, databaseId, to);
  if (!('outcome' in prepared)) return prepared;
  if (prepared.outcome === 'currentKeyLost') throw lostKeyError(prepared);
  const seen = to === undefined ? undefined : await seenKey(ports, { kind: 'customer', key: to });
  throw keyFailureError(seen, prepared.failure);
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
