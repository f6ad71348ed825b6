import { Type } from '@sinclair/typebox';
import type { Static } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { requireChangeable, requireReadable } from './child-changes.ts';
import { notActing, postRow } from './child-row.ts';
import type { ChildRow } from './child-row.ts';
import { postSetting } from './cluster-posts.ts';
import { settingOf } from './cluster-settings.ts';
import type { ClusterSettings } from './cluster-settings.ts';
import { calloutPolicy, languageExtension } from './cluster-setting-shapes.ts';
import { bodyObject } from './cluster-store.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';

/** Most entries of either list. */
const entriesMax = 100;

type CalloutPolicy = Static<typeof calloutPolicy>;
type LanguageExtension = Static<typeof languageExtension>;

const idleCallouts = 'nothing of a query leaves the cluster';
const idleExtensions = 'python() and r() are not built';

/** As recorded: which policy it is follows from what it is for. */
const withId = (policy: CalloutPolicy): CalloutPolicy & { readonly calloutId: string } => ({
  ...policy,
  calloutId: `${policy.calloutUriRegex}_${policy.calloutType}`,
});

const policiesOf = (settings: ClusterSettings): readonly CalloutPolicy[] => {
  const held: Json = settingOf(settings, 'calloutPolicies');
  return Value.Check(Type.Array(calloutPolicy), held) ? held : [];
};

const extensionsOf = (settings: ClusterSettings): readonly LanguageExtension[] => {
  const held = settingOf(settings, 'languageExtensions');
  const value = isJsonObject(held) ? held['value'] : undefined;
  return Value.Check(Type.Array(languageExtension), value) ? value : [];
};

async function listPolicies(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, 'fetch callout policies');
  const value = policiesOf(cluster.properties.settings).map(withId);
  return { status: 200, headers: notActing(idleCallouts), body: { value } };
}

/** One for the same addresses and type takes the place of the one before. */
async function addPolicies(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireChangeable(ports, request, 'change callout policies');
  const { settings } = found.value.properties;
  const sent = readList(request, calloutPolicy, 'a list of callout policies');
  const added = sent.map(({ calloutUriRegex, calloutType, outboundAccess }) =>
    withId({ calloutUriRegex, calloutType, outboundAccess }),
  );
  const ids = new Set(added.map(({ calloutId }) => calloutId));
  const kept = policiesOf(settings).filter((policy) => !ids.has(withId(policy).calloutId));
  const calloutPolicies = bounded('callout policies', [...kept, ...added]);
  return postSetting(ports, request, found, { ...settings, calloutPolicies }, idleCallouts);
}

async function removePolicy(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireChangeable(ports, request, 'change callout policies');
  const { settings } = found.value.properties;
  const { calloutId } = bodyObject(request);
  if (typeof calloutId !== 'string' || calloutId === '') throw kustoError('MissingProperty', 'calloutId');
  const held = policiesOf(settings);
  const kept = held.filter((policy) => withId(policy).calloutId !== calloutId);
  if (kept.length === held.length) throw kustoError('InvalidValue', 'calloutId', 'the id of a policy of the cluster');
  const others = without(settings, 'calloutPolicies');
  const next = kept.length === 0 ? others : { ...others, calloutPolicies: [...kept] };
  return postSetting(ports, request, found, next, idleCallouts);
}

async function listExtensions(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, 'fetch language extensions');
  const value = extensionsOf(cluster.properties.settings);
  return { status: 200, headers: notActing(idleExtensions), body: { value } };
}

async function addExtensions(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireChangeable(ports, request, 'change language extensions');
  const { settings } = found.value.properties;
  const added = readList(request, languageExtension, 'a list of language extensions');
  const names = new Set(added.map(({ languageExtensionName }) => languageExtensionName));
  const kept = extensionsOf(settings).filter(({ languageExtensionName }) => !names.has(languageExtensionName));
  const value = bounded('language extensions', [...kept, ...added]);
  return postSetting(ports, request, found, { ...settings, languageExtensions: { value } }, idleExtensions);
}

async function removeExtensions(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const found = await requireChangeable(ports, request, 'change language extensions');
  const { settings } = found.value.properties;
  const removed = readList(request, languageExtension, 'a list of language extensions');
  const names = new Set(removed.map(({ languageExtensionName }) => languageExtensionName));
  const value = extensionsOf(settings).filter(({ languageExtensionName }) => !names.has(languageExtensionName));
  const others = without(settings, 'languageExtensions');
  const next = value.length === 0 ? others : { ...others, languageExtensions: { value: [...value] } };
  return postSetting(ports, request, found, next, idleExtensions);
}

/** Settings keep only what differs from how nobody has set it. */
const without = (settings: ClusterSettings, name: keyof ClusterSettings): ClusterSettings =>
  Object.fromEntries(Object.entries(settings).filter(([held]) => held !== name));

/** @throws ArmError 400 for anything but a list of such */
function readList<Shape extends typeof calloutPolicy | typeof languageExtension>(
  request: ArmRequest,
  shape: Shape,
  expected: string,
): Static<Shape>[] {
  const { value } = bodyObject(request);
  if (value === undefined || value === null) throw kustoError('MissingProperty', 'value');
  const list = Type.Array(shape, { minItems: 1, maxItems: entriesMax });
  if (!Value.Check(list, value)) throw kustoError('InvalidValue', 'value', expected);
  return value;
}

function bounded<T>(what: string, entries: T[]): T[] {
  if (entries.length > entriesMax) throw kustoError('InvalidValue', 'value', `at most ${entriesMax} ${what} in all`);
  return entries;
}

export const policyRows: readonly ChildRow[] = [
  postRow('Clusters_ListCalloutPolicies', 'cluster', 'listCalloutPolicies', '2024-04-13', listPolicies),
  postRow('Clusters_AddCalloutPolicies', 'cluster', 'addCalloutPolicies', '2024-04-13', addPolicies),
  postRow('Clusters_RemoveCalloutPolicy', 'cluster', 'removeCalloutPolicy', '2024-04-13', removePolicy),
  postRow('Clusters_ListLanguageExtensions', 'cluster', 'listLanguageExtensions', '2020-02-15', listExtensions),
  postRow('Clusters_AddLanguageExtensions', 'cluster', 'addLanguageExtensions', '2020-02-15', addExtensions),
  postRow('Clusters_RemoveLanguageExtensions', 'cluster', 'removeLanguageExtensions', '2020-02-15', removeExtensions),
];
