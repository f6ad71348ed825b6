import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { requirePreconditions } from '../../arm/etag.ts';
import { isSameLocation } from '../../arm/locations.ts';
import { Value } from '@sinclair/typebox/value';
import { toIso } from '../../clock/clock.ts';
import { writeRecord } from '../../state/state.ts';
import type { Versioned } from '../../state/state.ts';
import { followIdentities } from './database-key.ts';
import { planIdentity } from './cluster-identity.ts';
import type { IdentityPlan } from './cluster-identity.ts';
import { requireCluster } from './cluster-lookup.ts';
import { carryOutIdentity } from './cluster-principals.ts';
import { clusterResources } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import { readSettings } from './cluster-settings.ts';
import { addressOf, bodyObject, bodyProperties, requireNoOperation, tagsAfter, zonesAfter } from './cluster-store.ts';
import { isInChain } from './following.ts';
import { kustoError } from './kusto-errors.ts';
import { clusterStatus } from './cluster-status.ts';
import { clusterEtag, showCluster, showSentCluster } from './cluster-view.ts';
import { checkRequestedKey, planKeyStep } from './key-plan.ts';
import type { IdentitiesAfter, KeyStep } from './key-plan.ts';
import { prepareKeyStep } from './key-step.ts';
import { readRequestedKey } from './key-vault-properties.ts';
import { asyncAndLocationHeaders, asyncHeaders } from './operation-results.ts';
import { beginOperation } from './operation-record.ts';
import type { StartedOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';
import { leastCapacity, parseSku } from './skus.ts';

/** PATCH, and PUT of a cluster that exists. Nothing new: 200 at once, etag as before. Else the order is: checks without a vault; a principal
 * if one is wanted; the vault's checks and the prepared key; removed principals; one commit (resource, key record, records of the keys
 * of databases whose identity is another one now, operation).
 * A principal made for a change that is not committed is removed again. When the commit fails after a principal was removed, the cluster can do
 * less than before, never more.
 * @throws StateConflictError when the cluster changed meanwhile */
export async function updateCluster(
  ports: KustoPorts,
  request: ArmRequest,
  mode: 'merge' | 'replace',
): Promise<ArmReply> {
  const found = await requireCluster(ports, addressOf(request));
  const held = found.value;
  requirePreconditions(request.headers, clusterEtag(held));
  requireNoOperation(ports, held);
  const body = bodyObject(request);
  const changed = readChange(held, request, mode);
  const plan = planIdentity(body['identity'], held.identity, mode);
  const wanted = checkRequestedKey(readRequestedKey(bodyProperties(body)), false, identitiesAfter(held, plan));
  if (wanted.kind === 'customer' && held.properties.key === undefined && (await isInChain(ports, held)))
    throw kustoError('InvalidValue', 'keyVaultProperties', 'nothing while it or its followers follow another cluster');

  const carriedOut = await carryOutIdentity(ports, plan, body['identity'], held, request.caller.tenantId);
  let committed = false;
  try {
    const step = planKeyStep(keyOf(held), wanted, carriedOut.identity);
    const next = withChange(changed, carriedOut.identity, step);
    if (step.kind === 'none' && Value.Equal(next, held)) return await answer(ports, request, held);
    if (
      step.kind === 'none' &&
      mode === 'merge' &&
      Value.Equal({ ...next, tags: held.tags }, { ...held, tags: held.tags })
    )
      return await tag(ports, request, found, next);
    const about = { kind: 'ServiceConfigurationAlter', ...operationOf(held, request) } as const;
    const operation = beginOperation(ports, about, await ports.faults(about.kind, held.id));
    if (operation.kept.failure !== undefined) return await failInOperation(ports, request, found, operation, mode);
    const key = await prepareKeyStep(ports, held.properties, step);
    const result = stamped(ports, next, operation);
    const ofDatabases = await followIdentities(ports, held, carriedOut.identity);
    try {
      if (carriedOut.toRemove !== undefined) await ports.identities.delete(carriedOut.toRemove);
      await ports.state.commit({
        write: [
          writeRecord(clusterResources, found.id, found.version, result),
          operation.write,
          ...key.write,
          ...ofDatabases,
        ],
      });
      committed = true;
    } finally {
      await (committed ? key.committed() : key.abandoned());
    }
    if (plan !== undefined && step.kind === 'none' && held.properties.key !== undefined)
      await ports.keys.recheck(held.properties.clusterId);
    if (plan !== undefined) await ports.keys.databases.checkAll(held.properties.clusterId);
    return await underWay(ports, request, { held, cluster: result }, operation, mode);
  } finally {
    if (!committed && carriedOut.created !== undefined) await ports.identities.delete(carriedOut.created);
  }
}

const keyOf = (held: ClusterResource): Parameters<typeof planKeyStep>[0] => ({
  ...(held.properties.key === undefined ? {} : { key: held.properties.key }),
  ...(held.identity === undefined ? {} : { identity: held.identity }),
});

const operationOf = (
  cluster: ClusterResource,
  request: ArmRequest,
): { subscriptionId: string; location: string; resourceId: string } => ({
  subscriptionId: request.params['subscriptionId'] ?? '',
  location: cluster.location,
  resourceId: cluster.id,
});

/** Location, size, tags, zones and settings as the request wants them; identity and key are planned apart. */
function readChange(held: ClusterResource, request: ArmRequest, mode: 'merge' | 'replace'): ClusterResource {
  const body = bodyObject(request);
  const { location } = body;
  if (typeof location === 'string' && location !== '' && !isSameLocation(location, held.location)) {
    const group = held.id.split('/')[4] ?? '';
    throw armErrors.InvalidResourceLocation(held.name, held.location, group, location.slice(0, 100));
  }
  if (mode === 'replace' && (typeof location !== 'string' || location === '')) throw armErrors.LocationRequired();
  const keepsSku = mode === 'merge' && (body['sku'] === undefined || body['sku'] === null);
  const sku = keepsSku ? held.sku : parseSku(body['sku'], request.apiVersion, held.sku.capacity);
  const { tags: heldTags, properties, ...rest } = held;
  const { zones: heldZones, ...kept } = properties;
  const tags = tagsAfter(body, heldTags);
  const zones = zonesAfter(body, heldZones);
  return {
    ...rest,
    sku,
    ...(tags === undefined ? {} : { tags }),
    properties: {
      ...kept,
      ...(zones === undefined ? {} : { zones }),
      settings: readSettings(bodyProperties(body), properties.settings, mode, leastCapacity(sku)),
    },
  };
}

function identitiesAfter(held: ClusterResource, plan: IdentityPlan | undefined): IdentitiesAfter {
  if (plan !== undefined)
    return { hasSystem: plan.system === 'keep' || plan.system === 'create', userAssigned: plan.userAssigned };
  return {
    hasSystem: held.identity?.principalId !== undefined,
    userAssigned: Object.keys(held.identity?.userAssignedIdentities ?? {}),
  };
}

function withChange(changed: ClusterResource, identity: ClusterResource['identity'], step: KeyStep): ClusterResource {
  const { identity: before, properties, ...rest } = changed;
  const { key: heldKey, ...others } = properties;
  const key = step.kind === 'revert' ? undefined : step.kind === 'none' ? heldKey : step.key;
  // `None` and no identity at all are the same.
  const shownIdentity = identity?.type === 'None' && before === undefined ? undefined : identity;
  return {
    ...rest,
    ...(shownIdentity === undefined ? {} : { identity: shownIdentity }),
    properties: { ...others, ...(key === undefined ? {} : { key }) },
  };
}

const stamped = (ports: KustoPorts, cluster: ClusterResource, operation: StartedOperation): ClusterResource => ({
  ...cluster,
  changedAt: toIso(ports.clock.now()),
  properties: { ...cluster.properties, revision: cluster.properties.revision + 1, operation: operation.kept },
});

/** Tags are the resource manager's own: to change them alone is no operation of the cluster. */
async function tag(
  ports: KustoPorts,
  request: ArmRequest,
  found: Versioned<ClusterResource>,
  tagged: ClusterResource,
): Promise<ArmReply> {
  const { revision } = found.value.properties;
  const next = {
    ...tagged,
    changedAt: toIso(ports.clock.now()),
    properties: { ...tagged.properties, revision: revision + 1 },
  };
  await ports.state.commit({ write: [writeRecord(clusterResources, found.id, found.version, next)] });
  return answer(ports, request, next);
}

async function answer(ports: KustoPorts, request: ArmRequest, cluster: ClusterResource): Promise<ArmReply> {
  const status = await clusterStatus(ports, cluster);
  return {
    status: 200,
    headers: { etag: clusterEtag(cluster) },
    body: showCluster(cluster, status, { now: ports.clock.now(), apiVersion: request.apiVersion }),
  };
}

/** A PATCH that changes something is accepted with 202; a PUT of what exists with 200, since clients take no 202 there. */
async function underWay(
  ports: KustoPorts,
  request: ArmRequest,
  { held, cluster }: { readonly held: ClusterResource; readonly cluster: ClusterResource },
  operation: StartedOperation,
  mode: 'merge' | 'replace',
): Promise<ArmReply> {
  if (mode === 'replace') {
    const first = { provisioning: 'Accepted', etag: clusterEtag(held) } as const;
    const body = showSentCluster(cluster, bodyObject(request), first);
    return { status: 200, headers: { etag: first.etag, ...asyncHeaders(request, operation.record) }, body };
  }
  const first = { provisioning: 'Accepted', etag: '""' } as const;
  const status = await clusterStatus(ports, cluster);
  const view = { now: ports.clock.now(), apiVersion: request.apiVersion };
  return {
    status: 202,
    headers: { etag: first.etag, ...asyncAndLocationHeaders(request, operation.record) },
    body: showCluster(cluster, status, view, first),
  };
}

/** The switchable trouble: accepted, and the operation ends with nothing changed and nothing said. */
async function failInOperation(
  ports: KustoPorts,
  request: ArmRequest,
  found: Versioned<ClusterResource>,
  operation: StartedOperation,
  mode: 'merge' | 'replace',
): Promise<ArmReply> {
  const result = { ...found.value, properties: { ...found.value.properties, operation: operation.kept } };
  await ports.state.commit({
    write: [writeRecord(clusterResources, found.id, found.version, result), operation.write],
  });
  return underWay(ports, request, { held: found.value, cluster: result }, operation, mode);
}
