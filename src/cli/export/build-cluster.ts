import type { JsonObject } from '../../base/json.ts';
import { textMember } from '../../base/json.ts';
import { parseGuid } from '../../base/guid.ts';
import { compare } from './arm-reader.ts';
import type { Building } from './building.ts';
import { lastName, memberOf, symbolFor, tagsOf } from './building.ts';
import type { Found } from './gather.ts';
import type { ExportedResource } from './model.ts';
import { asValue, writtenProperties, writtenRows } from './resource-rows.ts';
import type { Value, ValueObject } from './value.ts';
import { Expression, idOf, parameter, tenantId } from './value.ts';

const clusterType = 'Microsoft.Kusto/clusters';
const databaseType = 'Microsoft.Kusto/clusters/databases';

/** A cluster with its databases, and the principals of both. */
export function buildCluster(building: Building, { resource, children, assignments }: Found): void {
  const symbol = symbolFor(building, resource);
  const name = building.nameOf(symbol, 'cluster: unique in its region', resource);
  const properties = memberOf(resource, 'properties');
  const key = keyOf(building, symbol, memberOf(properties, 'keyVaultProperties'));
  const written = writtenProperties(clusterType, withoutCalloutIds(properties));
  const { zones, sku } = resource;
  const head = {
    location: building.location(resource),
    ...tagsOf(resource),
    sku: asValue(sku),
    ...(zones === undefined || zones === null ? {} : { zones: asValue(zones) }),
    ...identityOf(building, memberOf(resource, 'identity')),
  };
  const withKey = key === undefined ? written : { ...written, keyVaultProperties: key.properties };
  const cluster = { type: clusterType, apiVersion: writtenRows[clusterType].apiVersion, symbol, names: [name] };
  const own = key?.isByOwnIdentity === true ? key : undefined;
  const at = building.resources.length;
  const after = own === undefined ? (key?.after ?? []) : [];
  building.resources.push({ ...cluster, after, body: { ...head, properties: own === undefined ? withKey : written } });
  buildAssignments(building, { symbol, names: [name] }, assignments);
  for (const child of children) buildDatabase(building, { symbol, name }, child);
  const [first, ...below] = building.resources.slice(at);
  if (own === undefined || first === undefined) return;
  // A cluster that is changed refuses changes of its children, so that these are there before.
  const again = {
    symbol: building.symbols.symbolOf(symbol, 'key'),
    body: { ...head, properties: withKey },
    after: [...own.after, ...below.map((child) => child.symbol)],
  };
  building.resources[at] = { ...first, again };
}

interface OwnKey {
  readonly properties: ValueObject;
  readonly isByOwnIdentity: boolean;
  /** The key, and whatever lets an identity use it. */
  readonly after: readonly string[];
}

/** The key of a cluster or database.
 * @param symbol whose key it is */
function keyOf(building: Building, symbol: string, held: JsonObject): OwnKey | undefined {
  const keyName = textMember(held, 'keyName');
  if (keyName === '') return undefined;
  const vaultUri = textMember(held, 'keyVaultUri');
  const host = URL.canParse(vaultUri) ? new URL(vaultUri).hostname : '';
  const vault = vaultOfHost(building, host);
  const userIdentity = textMember(held, 'userIdentity');
  const grants = vault === undefined ? [] : grantsOn(building, vault);
  return {
    properties: {
      keyName,
      keyVaultUri: vault === undefined ? vaultUri : new Expression({ kind: 'property', of: vault, name: 'vaultUri' }),
      keyVersion: versionOf(building, symbol, textMember(held, 'keyVersion')),
      ...(userIdentity === '' ? {} : { userIdentity: idValue(building, userIdentity) }),
    },
    isByOwnIdentity: userIdentity === '',
    after: grants,
  };
}

/** A version is another one in another vault, so that it is a parameter. */
function versionOf({ parameters }: Building, owner: string, version: string): Value {
  if (version === '') return '';
  const name = `${owner}_keyVersion`;
  const description = 'Version of the key to stay with; empty: the latest one is followed';
  parameters.push({ name, description, otherwise: '' });
  return parameter(name);
}

const vaultOfHost = ({ symbolOfId }: Building, host: string): string | undefined =>
  [...symbolOfId].find(([id]) =>
    id.endsWith(`/providers/microsoft.keyvault/vaults/${host.split('.', 1)[0] ?? ''}`),
  )?.[1];

/** Keys of a vault, and what gives somebody rights on it. */
const grantsOn = ({ resources }: Building, vault: string): readonly string[] =>
  resources
    .filter(({ type, parent, scope }) => {
      if (parent === vault) return true;
      const isGrant = type === 'Microsoft.Authorization/roleAssignments';
      const key = resources.find((one) => one.symbol === scope);
      return isGrant && (scope === undefined || scope === vault || key?.parent === vault);
    })
    .map(({ symbol }) => symbol);

const idValue = ({ symbolOfId }: Building, id: string): Value => {
  const symbol = symbolOfId.get(id.toLowerCase());
  return symbol === undefined ? id : idOf(symbol);
};

function identityOf(building: Building, identity: JsonObject): ValueObject {
  const type = textMember(identity, 'type');
  if (type === '' || type === 'None') return {};
  const ids = Object.keys(memberOf(identity, 'userAssignedIdentities'))
    .toSorted((left, right) => compare(left.toLowerCase(), right.toLowerCase()))
    .map((id) => idValue(building, id));
  const assigned = ids.length === 0 ? {} : { userAssignedIdentities: new Expression({ kind: 'identities', ids }) };
  return { identity: { type, ...assigned } };
}

/** The service numbers callout policies itself. */
function withoutCalloutIds(properties: JsonObject): JsonObject {
  const { calloutPolicies } = properties;
  if (!Array.isArray(calloutPolicies)) return properties;
  const policies = (calloutPolicies as readonly JsonObject[]).map((policy) =>
    Object.fromEntries(Object.entries(policy).filter(([name]) => name !== 'calloutId')),
  );
  return { ...properties, calloutPolicies: policies };
}

function buildDatabase(
  building: Building,
  cluster: { readonly symbol: string; readonly name: Value },
  { resource, assignments }: Found,
): void {
  const name = lastName(resource);
  const kind = textMember(resource, 'kind');
  if (kind !== 'ReadWrite') {
    building.notes.push(`database '${name}' of kind ${kind}: it belongs to another cluster`);
    return;
  }
  const symbol = symbolFor(building, resource);
  const properties = memberOf(resource, 'properties');
  const key = keyOf(building, symbol, memberOf(properties, 'keyVaultProperties'));
  const written = writtenProperties(databaseType, properties);
  building.resources.push({
    ...{ symbol, type: databaseType, apiVersion: writtenRows[databaseType].apiVersion },
    // The identities are the cluster's, which is there before; a database gets its key when it is made, or never.
    ...{ names: [cluster.name, name], parent: cluster.symbol, after: key?.after ?? [] },
    body: {
      ...{ location: building.location(resource), kind },
      properties: key === undefined ? written : { ...written, keyVaultProperties: key.properties },
    },
  });
  buildAssignments(building, { symbol, names: [cluster.name, name] }, assignments);
}

/** Principals of a cluster or database. Whoever makes a database is its Admin anyway. */
function buildAssignments(
  building: Building,
  parent: Pick<ExportedResource, 'symbol' | 'names'>,
  assignments: readonly JsonObject[],
): void {
  const ofDatabase = parent.names.length > 1;
  const type = ofDatabase
    ? 'Microsoft.Kusto/clusters/databases/principalAssignments'
    : 'Microsoft.Kusto/clusters/principalAssignments';
  for (const one of assignments.toSorted(byRoleAndName)) {
    const properties = memberOf(one, 'properties');
    const name = lastName(one);
    const isDrawn = parseGuid(name) !== undefined;
    const principal = building.principals.find(
      textMember(properties, 'aadObjectId') || textMember(properties, 'principalId'),
    );
    const role = textMember(properties, 'role');
    if (ofDatabase && isDrawn && principal.isDeployer === true && role === 'Admin') continue;
    const written = writtenProperties(type, properties);
    const drawn = new Expression({ kind: 'guid', of: [idOf(parent.symbol), principal.seed, role] });
    building.resources.push({
      symbol: building.symbols.symbolOf(...parent.symbol.split('_'), role, ...(isDrawn ? [] : [name])),
      ...{ type, apiVersion: writtenRows[type].apiVersion, parent: parent.symbol, after: [] },
      names: [...parent.names, isDrawn ? drawn : name],
      body: { properties: { ...written, principalId: principal.value, tenantId: tenantOf(building, properties) } },
    });
  }
}

const tenantOf = (building: Building, properties: JsonObject): Value => {
  const tenant = textMember(properties, 'tenantId');
  return tenant === building.tenantId || tenant === '' ? tenantId : tenant;
};

/** Drawn names say nothing of an order. */
function byRoleAndName(left: JsonObject, right: JsonObject): number {
  const sortKey = (one: JsonObject): string => {
    const properties = memberOf(one, 'properties');
    const name = parseGuid(lastName(one)) === undefined ? lastName(one) : '';
    return [textMember(properties, 'role'), textMember(properties, 'principalType'), name].join('|');
  };
  return compare(sortKey(left), sortKey(right));
}
