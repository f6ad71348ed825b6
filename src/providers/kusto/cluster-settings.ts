import { Type } from '@sinclair/typebox';
import type { TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { isApiVersionBefore } from '../../arm/api-version.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { calloutPolicy, languageExtension } from './cluster-setting-shapes.ts';
import { kustoError } from './kusto-errors.ts';

/** What a cluster can be set to, apart from its key, identity and size. Every property of the API is a row: how it looks when
 * nobody has set it (as recorded), what shape it may have, and which values Kustody does not stand for. */
interface SettingRow {
  readonly unset: Json;
  /** What these api-versions are recorded to show instead. */
  readonly unsetIn?: { readonly apiVersions: readonly string[]; readonly unset: Json };
  readonly shape: TSchema;
  readonly expected: string;
  /** The api-version in which it came; absent: the first. */
  readonly since?: string;
  /** Can be set at creation only. */
  readonly createOnly?: true;
  /** Values that would promise what Kustody does not do: refused by name. Compared with the unset value first. */
  readonly notBuilt?: (value: Json) => string | undefined;
}

const text = Type.String({ maxLength: 2048 });
const flag = { shape: Type.Boolean(), expected: 'true or false' };
const oneOf = (...values: readonly string[]): Pick<SettingRow, 'shape' | 'expected'> => ({
  shape: Type.Union(values.map((value) => Type.Literal(value))),
  expected: values.map((value) => `'${value}'`).join(' or '),
});
const listOf = (item: TSchema, expected: string): Pick<SettingRow, 'shape' | 'expected'> => ({
  shape: Type.Array(item, { maxItems: 1000 }),
  expected,
});
const always = (what: string) => (): string => what;

/** Order as in recorded answers. */
const settings = {
  trustedExternalTenants: {
    unset: [{ value: '*' }],
    unsetIn: { apiVersions: ['2023-08-15'], unset: [] },
    ...listOf(Type.Object({ value: text }), 'a list of objects with a value'),
  },
  virtualNetworkConfiguration: {
    since: '2019-05-15',
    unset: null,
    shape: Type.Object({ subnetId: text, enginePublicIpId: text, dataManagementPublicIpId: text }),
    expected: 'an object with subnetId, enginePublicIpId and dataManagementPublicIpId',
    createOnly: true,
    notBuilt: always('clusters inside a virtual network (virtualNetworkConfiguration)'),
  },
  optimizedAutoscale: {
    since: '2019-05-15',
    unset: null,
    shape: Type.Object({
      version: Type.Integer(),
      isEnabled: Type.Boolean(),
      minimum: Type.Integer(),
      maximum: Type.Integer(),
    }),
    expected: 'an object with version, isEnabled, minimum and maximum',
  },
  enableDiskEncryption: { since: '2019-05-15', unset: false, ...flag },
  enableStreamingIngest: { since: '2019-05-15', unset: false, ...flag },
  languageExtensions: {
    since: '2020-02-15',
    unset: { value: [] },
    shape: Type.Object({ value: Type.Array(languageExtension, { maxItems: 100 }) }),
    expected: 'an object with a list of language extensions as its value',
  },
  enablePurge: { since: '2020-02-15', unset: null, ...flag },
  enableDoubleEncryption: {
    since: '2020-06-14',
    unset: false,
    ...flag,
    createOnly: true,
  },
  engineType: {
    since: '2020-09-18',
    unset: 'V3',
    ...oneOf('V2', 'V3'),
    createOnly: true,
    notBuilt: always('clusters of engine type V2'),
  },
  acceptedAudiences: {
    since: '2021-08-27',
    unset: [],
    ...listOf(Type.Object({ value: text }), 'a list of objects with a value'),
  },
  restrictOutboundNetworkAccess: { since: '2021-08-27', unset: 'Disabled', ...oneOf('Enabled', 'Disabled') },
  allowedFqdnList: { since: '2021-08-27', unset: [], ...listOf(text, 'a list of host names') },
  calloutPolicies: {
    since: '2024-04-13',
    unset: null,
    ...listOf(calloutPolicy, 'a list of callout policies'),
  },
  publicNetworkAccess: {
    since: '2021-08-27',
    unset: 'Enabled',
    ...oneOf('Enabled', 'Disabled', 'SecuredByPerimeter'),
    notBuilt: (value) =>
      value === 'SecuredByPerimeter' ? 'network security perimeters (SecuredByPerimeter)' : undefined,
  },
  allowedIpRangeList: { since: '2021-08-27', unset: [], ...listOf(text, 'a list of address ranges') },
  enableAutoStop: { since: '2021-08-27', unset: true, ...flag },
  publicIPType: { since: '2022-02-01', unset: 'IPv4', ...oneOf('IPv4', 'DualStack') },
  virtualClusterGraduationProperties: {
    since: '2022-02-01',
    unset: null,
    shape: text,
    expected: 'a text',
    notBuilt: always('graduation of virtual clusters'),
  },
} as const satisfies Record<string, SettingRow>;

export type SettingName = keyof typeof settings;
/** Only what differs from the unset value is kept, so that `null`, absent and the default are the same thing. */
export type ClusterSettings = { readonly [Name in SettingName]?: Json };

const settingNames = Object.keys(settings).filter((name): name is SettingName => name in settings);

export const settingOf = (held: ClusterSettings, name: SettingName): Json => held[name] ?? settings[name].unset;

/** Settings as answers show them, in the order of recorded answers: those that the api-version asked for knows. */
export const shownSettings = (held: ClusterSettings, apiVersion: string): JsonObject =>
  Object.fromEntries(
    settingNames
      .filter((name) => isKnownIn(apiVersion, rowOf(name).since))
      .map((name) => [name, held[name] ?? unsetIn(apiVersion, rowOf(name))]),
  );

const unsetIn = (apiVersion: string, row: SettingRow): Json =>
  row.unsetIn?.apiVersions.includes(apiVersion) === true ? row.unsetIn.unset : row.unset;

export const isKnownIn = (apiVersion: string, since: string | undefined): boolean =>
  since === undefined || !isApiVersionBefore(apiVersion, since);

const rowOf = (name: SettingName): SettingRow => settings[name];

/** What of `properties` a cluster can be set to, as sent. */
export const sentSettings = (properties: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(properties).filter(([name]) => name === 'keyVaultProperties' || Object.hasOwn(settings, name)),
  );

/** @param properties the request's `properties`
 * @param held what the cluster has; `undefined` when it is being created
 * @param mode `replace` (PUT): what is absent goes back to unset, except create-only settings; `merge` (PATCH): what is absent stays.
 * `null` means unset in both. Read-only and unknown members are ignored: clients send whole answers back.
 * @param machines how many a cluster of the wanted size has at least
 * @throws ArmError for values that no cluster can have, that cannot be changed, or that Kustody has not built */
export function readSettings(
  properties: JsonObject,
  held: ClusterSettings | undefined,
  mode: 'replace' | 'merge',
  machines: number,
): ClusterSettings {
  const next: { [Name in SettingName]?: Json } = {};
  for (const name of settingNames) {
    const value = readSetting(name, properties[name], held, mode);
    if (!isSame(value, settings[name].unset)) next[name] = value;
  }
  if (properties['optimizedAutoscale'] !== undefined) requireScale(next.optimizedAutoscale, machines);
  return next;
}

/** One that is off says nothing: a developer cluster has it so, with one machine. */
function requireScale(scale: Json | undefined, machines: number): void {
  if (!isJsonObject(scale) || scale['isEnabled'] !== true) return;
  const { minimum, maximum } = scale;
  if (typeof minimum !== 'number' || minimum < machines)
    throw kustoError('InvalidOptimizedAutoScaleConfiguration', 'Minimum', machines);
  if (typeof maximum !== 'number' || maximum < minimum)
    throw kustoError('InvalidOptimizedAutoScaleConfiguration', 'Maximum', minimum);
}

function readSetting(
  name: SettingName,
  sent: Json | undefined,
  held: ClusterSettings | undefined,
  mode: 'replace' | 'merge',
): Json {
  const row = rowOf(name);
  const before = settingOf(held ?? {}, name);
  if (sent === undefined) return mode === 'merge' || row.createOnly === true ? before : row.unset;
  const value = sent ?? row.unset;
  if (value !== row.unset && !Value.Check(row.shape, value)) throw kustoError('InvalidValue', name, row.expected);
  // `false` sent for a flag that shows as null when unset changes nothing.
  if (isSame(value, before)) return before;
  if (held !== undefined && row.createOnly === true) {
    if (name === 'virtualNetworkConfiguration') throw kustoError('CannotModifyVirtualNetworkConfiguration');
    throw kustoError('CannotChange', name);
  }
  const notBuilt = isSame(value, row.unset) ? undefined : row.notBuilt?.(value);
  if (notBuilt !== undefined) throw kustoError('NotBuilt', notBuilt);
  return value;
}

/** Equal as settings: members in any order; a flag that is off is the same as one that nobody has set. */
export function isSame(left: Json | undefined, right: Json | undefined): boolean {
  return Value.Equal(left === false ? null : (left ?? null), right === false ? null : (right ?? null));
}
