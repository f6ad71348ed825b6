import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';

/** What of a resource is the caller's to set. A PUT that leaves a member out sets it back to its default: what-if says so, and an export
 * leaves it out. */
interface ResourceShape {
  /** Beside `properties`, with their defaults: undefined where there is none. */
  readonly members: Readonly<Record<string, Json | undefined>>;
  readonly properties: Readonly<Record<string, Json | undefined>>;
  /** Members of `properties` that stay when they are left out. */
  readonly kept?: readonly string[];
  /** Members of `properties` that are sent and never shown. */
  readonly sentOnly?: readonly string[];
  /** Members of `properties` that mean nothing beside the others. */
  readonly meaningless?: (properties: JsonObject) => readonly string[];
  /** Places that the service fills in itself when nothing is sent. */
  readonly filledIn?: readonly string[];
}

/** Whoever leaves these out leaves them as they are, whatever the type. */
const keptMembers: ReadonlySet<string> = new Set(['identity', 'location']);

const common = { tags: {}, location: undefined } as const;

const keyAttributes = ['created', 'updated', 'enabled', 'recoveryLevel', 'exportable'].map(
  (name) => `properties.attributes.${name}`,
);

/** By type in lower case. Of a type that is not here only what a template names is compared. */
const shapes: Readonly<Record<string, ResourceShape>> = {
  'microsoft.kusto/clusters': {
    members: { ...common, sku: undefined, zones: undefined, identity: undefined },
    properties: {
      ...{ keyVaultProperties: null, enableDiskEncryption: false, enableStreamingIngest: false, enablePurge: false },
      ...{ enableDoubleEncryption: false, enableAutoStop: true, publicNetworkAccess: 'Enabled', publicIPType: 'IPv4' },
      ...{ restrictOutboundNetworkAccess: 'Disabled', engineType: 'V3', trustedExternalTenants: undefined },
      ...{
        optimizedAutoscale: null,
        allowedIpRangeList: undefined,
        allowedFqdnList: undefined,
        acceptedAudiences: undefined,
      },
      ...{ languageExtensions: undefined, virtualNetworkConfiguration: null, virtualClusterGraduationProperties: null },
      calloutPolicies: null,
    },
    kept: [
      'trustedExternalTenants',
      'allowedIpRangeList',
      'allowedFqdnList',
      'acceptedAudiences',
      'languageExtensions',
    ],
    filledIn: ['sku.capacity', 'sku.tier'],
  },
  'microsoft.kusto/clusters/databases': {
    members: { location: undefined, kind: undefined },
    properties: { softDeletePeriod: undefined, hotCachePeriod: undefined, keyVaultProperties: null },
    // Of the first previews; templates still send them.
    sentOnly: ['softDeletePeriodInDays', 'hotCachePeriodInDays'],
  },
  'microsoft.kusto/clusters/databases/scripts': {
    members: {},
    properties: {},
    sentOnly: ['scriptContent', 'scriptUrlSasToken'],
  },
  'microsoft.kusto/clusters/principalassignments': {
    members: {},
    properties: { principalId: undefined, principalType: undefined, role: undefined, tenantId: undefined },
  },
  'microsoft.kusto/clusters/databases/principalassignments': {
    members: {},
    properties: { principalId: undefined, principalType: undefined, role: undefined, tenantId: undefined },
  },
  'microsoft.keyvault/vaults': {
    members: common,
    properties: {
      ...{ sku: undefined, tenantId: undefined, accessPolicies: [], networkAcls: undefined },
      ...{ enabledForDeployment: false, enabledForDiskEncryption: false, enabledForTemplateDeployment: false },
      ...{ enableSoftDelete: true, softDeleteRetentionInDays: 90, enableRbacAuthorization: false },
      ...{ enablePurgeProtection: undefined, publicNetworkAccess: 'Enabled' },
    },
    kept: ['enablePurgeProtection', 'softDeleteRetentionInDays', 'enableSoftDelete'],
    sentOnly: ['createMode'],
  },
  'microsoft.keyvault/vaults/keys': {
    members: { tags: {} },
    properties: { kty: undefined, keyOps: undefined, keySize: undefined, curveName: undefined },
    kept: ['kty', 'keyOps', 'keySize', 'curveName'],
    sentOnly: ['release_policy'],
    meaningless: ({ kty, keyOps }) => [
      typeof kty === 'string' && /^EC/i.test(kty) ? 'keySize' : 'curveName',
      ...(Array.isArray(keyOps) && keyOps.length === 0 ? ['keyOps'] : []),
    ],
    filledIn: [
      ...keyAttributes,
      'properties.rotationPolicy.attributes.created',
      'properties.rotationPolicy.attributes.updated',
    ],
  },
  'microsoft.keyvault/vaults/secrets': {
    members: { tags: {} },
    properties: { contentType: undefined },
    sentOnly: ['value'],
    filledIn: keyAttributes,
  },
  'microsoft.managedidentity/userassignedidentities': { members: common, properties: {} },
  'microsoft.resources/resourcegroups': { members: { ...common, managedBy: undefined }, properties: {} },
  'microsoft.authorization/roleassignments': {
    members: {},
    properties: {
      roleDefinitionId: undefined,
      principalId: undefined,
      principalType: undefined,
      description: undefined,
      condition: undefined,
    },
  },
};

const shapeOf = (type: string): ResourceShape | undefined => {
  const key = type.toLowerCase();
  return Object.hasOwn(shapes, key) ? shapes[key] : undefined;
};

/** Of a resource as it is, what a template could have set: its own members, defaults left out.
 * @param wanted the body of the template; what it names is taken along, too */
export function settableOf(type: string, shown: JsonObject, wanted: JsonObject | undefined): JsonObject {
  const shape = shapeOf(type);
  const wantedProperties = isJsonObject(wanted?.['properties']) ? wanted['properties'] : {};
  const properties = isJsonObject(shown['properties']) ? shown['properties'] : {};
  const kept = new Set(shape?.kept ?? []);
  const own = pick(properties, shape?.properties ?? {}, wantedProperties, wanted === undefined ? new Set() : kept);
  const members = pick(
    shown,
    shape?.members ?? {},
    { ...wanted, properties: undefined },
    wanted === undefined ? new Set() : keptMembers,
  );
  return {
    ...members,
    ...(Object.keys(own).length === 0 && wanted?.['properties'] === undefined ? {} : { properties: own }),
  };
}

/** What a template says, without what can be neither compared nor seen. */
export function comparableOf(type: string, body: JsonObject): JsonObject {
  const shape = shapeOf(type);
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  const hidden = new Set([...(shape?.sentOnly ?? []), ...(shape?.meaningless?.(properties) ?? [])]);
  const set = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(
    set.map(([name, value]) => {
      if (name !== 'properties' || !isJsonObject(value)) return [name, value];
      return [name, Object.fromEntries(Object.entries(value).filter(([member]) => !hidden.has(member)))];
    }),
  );
}

/** Whether the service itself puts a value there when none is sent. */
export const isFilledIn = (type: string, path: string): boolean => shapeOf(type)?.filledIn?.includes(path) === true;

function pick(
  shown: JsonObject,
  defaults: Readonly<Record<string, Json | undefined>>,
  wanted: JsonObject,
  kept: ReadonlySet<string>,
): JsonObject {
  const picked: Record<string, Json> = {};
  for (const [name, value = null] of Object.entries(shown)) {
    const key = name.toLowerCase();
    if (value === null) continue;
    // Null is sent for what is not set.
    const named = Object.keys(wanted).find((each) => each.toLowerCase() === key && !isNull(wanted[each]));
    if (named !== undefined) {
      picked[named] = settable(named, value);
      continue;
    }
    if (!Object.hasOwn(defaults, name) || kept.has(name)) continue;
    if (JSON.stringify(defaults[name]) !== JSON.stringify(value) && !isEmpty(value))
      picked[name] = settable(name, value);
  }
  // What the service does not show is as it is by default.
  for (const [name, value] of Object.entries(wanted)) {
    const byDefault = Object.hasOwn(defaults, name) ? defaults[name] : undefined;
    if (!isNull(value) && byDefault !== undefined && !Object.hasOwn(picked, name)) picked[name] = byDefault;
  }
  return picked;
}

const isNull = (value: Json | undefined): boolean => value === null || value === undefined;

const isEmpty = (value: Json): boolean =>
  (Array.isArray(value) && value.length === 0) || (isJsonObject(value) && Object.keys(value).length === 0);

/** An identity without what the service has made up. */
function settable(name: string, value: Json): Json {
  if (name.toLowerCase() !== 'identity' || !isJsonObject(value)) return value;
  const users = value['userAssignedIdentities'];
  return {
    type: value['type'] ?? 'None',
    ...(isJsonObject(users)
      ? { userAssignedIdentities: Object.fromEntries(Object.keys(users).map((id) => [id, {}])) }
      : {}),
  };
}
