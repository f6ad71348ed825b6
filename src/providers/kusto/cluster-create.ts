import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { requirePreconditions } from '../../arm/etag.ts';
import { findLocation, knownRegion, locationDisplayNames } from '../../arm/locations.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { Region } from '../../base/names.ts';
import { parseClusterName } from '../../base/names.ts';
import { toIso } from '../../clock/clock.ts';
import type { Custody } from '../../encryption/cluster-keys.ts';
import { writeRecord } from '../../state/state.ts';
import { planIdentity } from './cluster-identity.ts';
import { findClusterName } from './cluster-names.ts';
import { carryOutIdentity } from './cluster-principals.ts';
import { clusterNames, clusterRecordId, clusterResourceId, clusterResources, clusterType } from './cluster-record.ts';
import type { ClusterAddress, ClusterResource } from './cluster-record.ts';
import { readSettings, settingOf } from './cluster-settings.ts';
import { addressOf, bodyObject, bodyProperties, expectResourceGroup, tagsAfter, zonesAfter } from './cluster-store.ts';
import { showSentCluster } from './cluster-view.ts';
import { checkRequestedKey, customerKey } from './key-plan.ts';
import type { WantedKey } from './key-plan.ts';
import { prepareFirstKey } from './key-step.ts';
import { readRequestedKey } from './key-vault-properties.ts';
import { kustoError } from './kusto-errors.ts';
import { asyncHeaders } from './operation-results.ts';
import { beginOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';
import { leastCapacity, parseSku } from './skus.ts';

/** PUT of a cluster that does not exist. Order: checks without a vault; its principal; the vault's checks and the first key; one commit
 * (resource, name, key record, operation). A principal whose cluster was not committed is removed again.
 * @throws StateConflictError when the name or the group changed meanwhile */
export async function createCluster(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const at = addressOf(request);
  requirePreconditions(request.headers, undefined);
  const body = bodyObject(request);
  const draft = draftCluster(ports, at, body, request.apiVersion);
  const group = await expectResourceGroup(ports.state, at);
  const name = await findClusterName(ports, draft.name);
  if (name.taken) throw kustoError('NameTaken', draft.name);
  const plan = planIdentity(body['identity'], undefined, 'replace');
  const userAssigned = plan?.userAssigned ?? [];
  const wanted = checkRequestedKey(readRequestedKey(bodyProperties(body)), true, {
    hasSystem: plan?.system === 'create',
    userAssigned,
  });
  const about = {
    kind: 'ClusterCreateExternal',
    subscriptionId: at.subscriptionId,
    location: draft.location,
    resourceId: draft.id,
  } as const;
  const operation = beginOperation(ports, about, await ports.faults(about.kind, draft.id));
  const { identity, created } = await carryOutIdentity(ports, plan, body['identity'], draft, request.caller.tenantId);
  const cluster = withIdentityAndKey(draft, identity, wanted, operation.kept);
  let committed = false;
  try {
    const key = await prepareFirstKey(ports, cluster.properties, custodyOf(wanted, identity), {
      doubleEncryption: settingOf(cluster.properties.settings, 'enableDoubleEncryption') === true,
    });
    try {
      const ofCluster = [
        writeRecord(clusterResources, clusterRecordId(at), null, cluster),
        writeRecord(clusterNames, cluster.name.toLowerCase(), name.version, {
          resourceId: cluster.id,
          region: cluster.properties.region,
        }),
        ...key.write,
      ];
      // An operation that is made to fail leaves nothing but its result.
      const fails = operation.kept.failure !== undefined;
      await ports.state.commit({ expect: [group], write: [operation.write, ...(fails ? [] : ofCluster)] });
      committed = !fails;
    } finally {
      await (committed ? key.committed() : key.abandoned());
    }
  } finally {
    if (!committed && created !== undefined) await ports.identities.delete(created);
  }
  const first = { state: 'Creating', provisioning: 'Creating', etag: '""' } as const;
  return {
    status: 201,
    headers: { etag: first.etag, ...asyncHeaders(request, operation.record) },
    // Later answers show the region by its display name.
    body: showSentCluster({ ...cluster, location: sentLocation(body) }, body, first),
  };
}

const sentLocation = (body: JsonObject): string => (typeof body['location'] === 'string' ? body['location'] : '');

/** Everything of the new cluster that needs nobody else. */
function draftCluster(ports: KustoPorts, at: ClusterAddress, body: JsonObject, apiVersion: string): ClusterResource {
  const sku = parseSku(body['sku'], apiVersion);

  const name = at.clusterName;
  if (parseClusterName(name) === undefined) throw kustoError('InvalidClusterName', name);
  const { display, region } = readLocation(body['location']);
  const now = toIso(ports.clock.now());
  const tags = tagsAfter(body, undefined);
  const zones = zonesAfter(body, undefined);
  return {
    id: clusterResourceId(at),
    name,
    type: clusterType,
    location: display,
    sku,
    ...(tags === undefined ? {} : { tags }),
    properties: {
      format: 1,
      clusterId: newGuid(ports.randomBytes),
      region,
      running: true,
      settings: readSettings(bodyProperties(body), undefined, 'replace', leastCapacity(sku)),
      ...(zones === undefined ? {} : { zones }),
      revision: 1,
    },
    createdAt: now,
    changedAt: now,
  };
}

/** @throws ArmError `LocationRequired`, `LocationNotAvailableForResourceType` */
function readLocation(sent: Json | undefined): { readonly display: string; readonly region: Region } {
  if (typeof sent !== 'string' || sent === '') throw armErrors.LocationRequired();
  const location = findLocation(sent);
  const region = knownRegion(sent);
  if (location === undefined || region === undefined) {
    throw armErrors.LocationNotAvailableForResourceType(sent.slice(0, 100), clusterType, locationDisplayNames);
  }
  return { display: location.displayName, region };
}

function withIdentityAndKey(
  draft: ClusterResource,
  identity: ClusterResource['identity'],
  wanted: WantedKey,
  operation: NonNullable<ClusterResource['properties']['operation']>,
): ClusterResource {
  const key = wanted.kind === 'customer' ? { key: wanted.sent } : {};
  return {
    ...draft,
    ...(identity === undefined ? {} : { identity }),
    properties: { ...draft.properties, ...key, operation },
  };
}

const custodyOf = (wanted: WantedKey, identity: ClusterResource['identity']): Custody =>
  wanted.kind === 'customer'
    ? { kind: 'customer', key: customerKey(wanted.sent, wanted.named, identity) }
    : { kind: 'microsoftManaged' };
