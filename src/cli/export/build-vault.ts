import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { Building } from './building.ts';
import { lastName, memberOf, symbolFor, tagsOf } from './building.ts';
import type { Found } from './gather.ts';
import { asValue, writtenProperties, writtenRows } from './resource-rows.ts';
import type { Value, ValueObject } from './value.ts';
import { tenantId } from './value.ts';

const vaultType = 'Microsoft.KeyVault/vaults';
const policiesType = 'Microsoft.KeyVault/vaults/accessPolicies';
const keyType = 'Microsoft.KeyVault/vaults/keys';

/** A vault, its keys without what they are made of, and access policies of clusters apart, since these come later. */
export function buildVault(building: Building, { resource, children }: Found): void {
  const symbol = symbolFor(building, resource);
  const name = building.nameOf(symbol, 'vault: unique in the world', resource);
  const properties = memberOf(resource, 'properties');
  const { early, late } = policiesOf(building, properties['accessPolicies']);
  building.resources.push({
    ...{ symbol, type: vaultType, apiVersion: writtenRows[vaultType].apiVersion, names: [name], after: [] },
    body: {
      location: building.location(resource),
      ...tagsOf(resource),
      properties: { tenantId, ...writtenProperties(vaultType, properties), accessPolicies: early },
    },
  });
  for (const child of children) buildKey(building, symbol, name, child.resource);
  if (late.length === 0) return;
  building.resources.push({
    symbol: building.symbols.symbolOf(symbol, 'clusterPolicies'),
    ...{ type: policiesType, apiVersion: writtenRows[policiesType].apiVersion, names: [name, 'add'] },
    ...{ parent: symbol, after: [], body: { properties: { accessPolicies: late } } },
  });
}

function buildKey(building: Building, vault: string, vaultName: Value, resource: JsonObject): void {
  const properties = memberOf(resource, 'properties');
  building.resources.push({
    ...{ symbol: symbolFor(building, resource), type: keyType, apiVersion: writtenRows[keyType].apiVersion },
    ...{ names: [vaultName, lastName(resource)], parent: vault, after: [] },
    body: {
      ...tagsOf(resource),
      properties: {
        ...writtenProperties(keyType, properties),
        ...writtenAttributes(memberOf(properties, 'attributes')),
      },
    },
  });
}

/** What a key is from the beginning, is left out. */
function writtenAttributes({ enabled, nbf, exp, exportable }: JsonObject): ValueObject {
  const written = {
    ...(enabled === false ? { enabled } : {}),
    ...(typeof nbf === 'number' ? { nbf } : {}),
    ...(typeof exp === 'number' ? { exp } : {}),
    ...(exportable === true ? { exportable } : {}),
  };
  return Object.keys(written).length === 0 ? {} : { attributes: written };
}

function policiesOf(
  building: Building,
  policies: Json | undefined,
): { readonly early: readonly Value[]; readonly late: readonly Value[] } {
  const early: Value[] = [];
  const late: Value[] = [];
  for (const policy of Array.isArray(policies) ? (policies as readonly Json[]) : []) {
    if (!isJsonObject(policy)) continue;
    const principal = building.principals.find(textMember(policy, 'objectId'));
    const applicationId = textMember(policy, 'applicationId');
    const tenant = textMember(policy, 'tenantId');
    (principal.ofCluster === undefined ? early : late).push({
      tenantId: tenant === building.tenantId ? tenantId : tenant,
      objectId: principal.value,
      ...(applicationId === '' ? {} : { applicationId }),
      permissions: asValue(policy['permissions']),
    });
  }
  return { early, late };
}
