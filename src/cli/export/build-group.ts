import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { buildCluster } from './build-cluster.ts';
import { buildRoleAssignments } from './build-roles.ts';
import { buildVault } from './build-vault.ts';
import type { Building } from './building.ts';
import { lastName, memberOf, symbolFor, tagsOf } from './building.ts';
import type { Found, Gathered } from './gather.ts';
import type { ExportedGroup, ExportedParameter } from './model.ts';
import { createPrincipals } from './principals.ts';
import { writtenRows } from './resource-rows.ts';
import { createSymbols } from './symbols.ts';
import { parameter } from './value.ts';

export interface Exporter {
  readonly tenantId: string;
  readonly objectId: string;
  /** Names of the directory's principals by object id in lower case. */
  readonly names: ReadonlyMap<string, string>;
}

/** The model that every language is written from. The same group gives the same model, whatever the ids in it are. */
export function buildGroup(gathered: Gathered, { tenantId, objectId, names }: Exporter): ExportedGroup {
  const symbols = createSymbols();
  const principals = createPrincipals(objectId, names, symbols);
  const parameters: ExportedParameter[] = [];
  const place = commonLocation(gathered);
  const building: Building = {
    ...{ tenantId, groupId: gathered.id.toLowerCase(), symbols, principals, parameters },
    ...{ symbolOfId: new Map(), resources: [], notes: [] },
    location: (resource) => {
      const own = shortLocation(textMember(resource, 'location'));
      return own === place ? parameter('location') : own;
    },
    nameOf: (symbol, kind, resource) => {
      const name = textMember(resource, 'name');
      parameters.push({ name: `${symbol}_name`, description: `Name of the ${kind}`, otherwise: name });
      return parameter(`${symbol}_name`);
    },
  };
  if (place !== '') parameters.push({ name: 'location', description: 'Region of all resources', otherwise: place });
  announce(building, gathered);
  for (const identity of gathered.identities) buildIdentity(building, identity);
  for (const vault of gathered.vaults) buildVault(building, vault);
  const ofVaults = gathered.roleAssignments.filter((one) => !isOnCluster(one));
  const ofClusters = gathered.roleAssignments.filter(isOnCluster);
  buildRoleAssignments(building, ofVaults);
  for (const cluster of gathered.clusters) buildCluster(building, cluster);
  buildRoleAssignments(building, ofClusters);
  for (const one of gathered.others)
    building.notes.push(`${textMember(one, 'type')} '${lastName(one)}': resources of this type are not exported`);
  return {
    name: gathered.id.split('/').at(-1) ?? '',
    parameters: [...parameters, ...principals.parameters()],
    resources: building.resources,
    notes: building.notes,
  };
}

/** Everybody speaks of everybody else, so all have their symbols before anything is built. */
function announce({ symbols, symbolOfId, principals }: Building, gathered: Gathered): void {
  const add = (resource: JsonObject, ...parts: readonly string[]): string => {
    const symbol = symbols.symbolOf(...parts);
    symbolOfId.set(textMember(resource, 'id').toLowerCase(), symbol);
    return symbol;
  };
  for (const identity of gathered.identities) {
    const symbol = add(identity, 'identity', textMember(identity, 'name'));
    principals.addIdentity(textMember(memberOf(identity, 'properties'), 'principalId'), symbol);
  }
  const addAll = (kind: string, { resource, children }: Found): string => {
    const name = textMember(resource, 'name');
    const symbol = add(resource, kind, name);
    for (const child of children) add(child.resource, kind, name, lastName(child.resource));
    return symbol;
  };
  for (const vault of gathered.vaults) addAll('vault', vault);
  for (const cluster of gathered.clusters) {
    const symbol = addAll('cluster', cluster);
    const own = textMember(memberOf(cluster.resource, 'identity'), 'principalId');
    if (own !== '') principals.addCluster(own, symbol);
  }
}

function buildIdentity(building: Building, resource: JsonObject): void {
  const symbol = symbolFor(building, resource);
  const type = 'Microsoft.ManagedIdentity/userAssignedIdentities';
  building.resources.push({
    ...{ symbol, type, apiVersion: writtenRows[type].apiVersion, after: [] },
    names: [building.nameOf(symbol, 'managed identity', resource)],
    body: { location: building.location(resource), ...tagsOf(resource) },
  });
}

const isOnCluster = ({ properties }: JsonObject): boolean =>
  isJsonObject(properties) && /\/providers\/microsoft\.kusto\//i.test(textMember(properties, 'scope'));

/** `East US` and `eastus` are one. */
const shortLocation = (text: string): string => text.replaceAll(' ', '').toLowerCase();

/** Where most resources are; of several such places the first by name. */
function commonLocation({ identities, vaults, clusters }: Gathered): string {
  const counts = new Map<string, number>();
  for (const resource of [...identities, ...[...vaults, ...clusters].map((found) => found.resource)]) {
    const place = shortLocation(textMember(resource, 'location'));
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  return (
    [...counts]
      .filter(([, count]) => count === most)
      .map(([place]) => place)
      .toSorted()[0] ?? ''
  );
}
