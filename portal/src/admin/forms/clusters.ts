import type { JsonObject } from '../../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../../src/base/json.ts';
import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import type { BaseLists } from '../resources.ts';
import { hostOfVault, idOf, objectMember, partOf, propertiesOf, versionOf } from '../resources.ts';
import type { Choice, Deed, Form } from '../form.ts';
import { choice, optional, text, valueOf } from '../form.ts';
import { armRequest, bicepOf, changedBody, deleteOf, placeOf, placeWords, putOf, resourceOf } from '../written.ts';
import { identityChoices, placeFields, placeOfValues, vaultChoices } from './places.ts';

const type = 'Microsoft.Kusto/clusters';

const sizeFields = (sku: JsonObject): readonly ReturnType<typeof text>[] => [
  text('sku', 'Size', textMember(sku, 'name') || 'Standard_E2ads_v5'),
  text('capacity', 'Instances', typeof sku['capacity'] === 'number' ? String(sku['capacity']) : '2'),
];

const skuOf = (values: Readonly<Record<string, string>>): { name: string; tier: string; capacity: number } => {
  const name = valueOf(values, 'sku');
  return { name, tier: name.startsWith('Dev(') ? 'Basic' : 'Standard', capacity: Number(valueOf(values, 'capacity')) };
};

const skuWords = ({ name, tier, capacity }: ReturnType<typeof skuOf>): readonly string[] => [
  ...['--sku', `name=${name}`, `tier=${tier}`, `capacity=${capacity}`],
];

/** An empty one is the cluster's own. */
const identityChoicesOf = (base: BaseLists): readonly Choice[] => [
  { value: '', label: 'system-assigned' },
  ...identityChoices(base),
];

const module = (subscription: string, lines: readonly string[]): string =>
  moduleText({ client: 'kusto', lines: [managing('kusto', subscription), ...lines] });

export const makeCluster: Form = {
  ...{ id: 'make', title: 'Make a cluster' },
  fields: (base) => [
    ...placeFields(base, '4 to 22 lower-case letters and digits, a letter first'),
    ...sizeFields({}),
    choice('identity', 'Identity', identityChoicesOf(base)),
  ],
  deed: (values, base) => {
    const { subscription, group, groupId, name, region } = placeOfValues(values, base);
    const sku = skuOf(values);
    const identityId = valueOf(values, 'identity');
    const identity =
      identityId === ''
        ? { type: 'SystemAssigned' }
        : { type: 'UserAssigned', userAssignedIdentities: { [identityId]: {} } };
    const body = { location: region, sku, identity };
    return {
      steps: [putOf(`${groupId}/providers/${type}/${encodeURIComponent(name)}`, type, body)],
      az: [
        command(
          ...['az', 'kusto', 'cluster', 'create', ...placeWords(subscription, group, name), '--location', region],
          ...[...skuWords(sku), '--type', identity.type],
          ...(identityId === '' ? [] : ['--user-assigned', JSON.stringify({ [identityId]: {} })]),
        ),
      ],
      bicep: bicepOf(resourceOf(type, 'cluster', [name], body)),
      typescript: module(
        subscription,
        call(`clusters.beginCreateOrUpdateAndWait(${literalText(group)}, ${literalText(name)}`, body),
      ),
    };
  },
};

/** @param words of `az kusto cluster update` */
function update(
  cluster: JsonObject,
  change: { readonly head?: JsonObject; readonly properties?: JsonObject },
  words: readonly string[],
): Deed {
  const id = idOf(cluster);
  const { group, name } = placeOf(cluster);
  const { head = {}, properties } = change;
  const held = objectMember(propertiesOf(cluster), 'keyVaultProperties');
  const whole = changedBody(type, cluster, {
    head: { ...identityOf(cluster), ...head },
    properties: { ...(textMember(held, 'keyName') === '' ? {} : { keyVaultProperties: held }), ...properties },
  });
  return {
    steps: [armRequest('PATCH', id, versionOf(type), { ...head, ...(properties === undefined ? {} : { properties }) })],
    az: [command('az', 'kusto', 'cluster', 'update', '--ids', id, ...words)],
    bicep: bicepOf(resourceOf(type, 'cluster', [name], whole)),
    typescript: module(
      partOf(id, 'subscriptions'),
      call(`clusters.beginUpdateAndWait(${literalText(group)}, ${literalText(name)}`, { ...head, ...properties }),
    ),
  };
}

/** As it would be written: without what the service says of it. */
function identityOf(cluster: JsonObject): JsonObject {
  const { type: kind, userAssignedIdentities } = objectMember(cluster, 'identity');
  if (typeof kind !== 'string' || kind === 'None') return {};
  const ids = isJsonObject(userAssignedIdentities) ? Object.keys(userAssignedIdentities) : [];
  const assigned =
    ids.length === 0 ? {} : { userAssignedIdentities: Object.fromEntries(ids.map((id) => [id, {}] as const)) };
  return { identity: { type: kind, ...assigned } };
}

export const resizeCluster: Form = {
  ...{ id: 'resize', title: 'Change the size' },
  fields: (_, { resource }) => sizeFields(objectMember(resource, 'sku')),
  deed: (values, _, { resource }) => {
    const sku = skuOf(values);
    return update(resource, { head: { sku } }, skuWords(sku));
  },
};

export const keyCluster: Form = {
  ...{ id: 'key', title: 'Put it under a key' },
  fields: (base, { resource }) => [
    choice('vault', 'Vault', vaultChoices(base)),
    text('key', 'Key', textMember(objectMember(propertiesOf(resource), 'keyVaultProperties'), 'keyName')),
    optional(text('version', 'Version', '', 'Empty: the newest one is followed.')),
    choice('identity', 'Identity that opens it', identityChoicesOf(base)),
  ],
  deed: (values, { vaults }, { resource }) => {
    const vault = vaults.find((one) => idOf(one) === valueOf(values, 'vault')) ?? {};
    const keyVaultProperties = {
      keyName: valueOf(values, 'key'),
      keyVaultUri: `https://${hostOfVault(vault)}/`,
      keyVersion: valueOf(values, 'version'),
      userIdentity: valueOf(values, 'identity'),
    };
    const { keyName, keyVaultUri, keyVersion, userIdentity } = keyVaultProperties;
    return update(resource, { properties: { keyVaultProperties } }, [
      ...['--key-vault-properties', `key-name=${keyName}`, `key-vault-uri=${keyVaultUri}`],
      ...[`key-version=${keyVersion}`, `user-identity=${userIdentity}`],
    ]);
  },
};

/** A call without a body. */
function clusterForm(id: 'start' | 'stop' | 'delete', title: string): Form {
  const method = { start: 'beginStartAndWait', stop: 'beginStopAndWait', delete: 'beginDeleteAndWait' }[id];
  return {
    ...{ id, title, fields: () => [] },
    deed: (_, __, { resource }) => {
      const { group, name } = placeOf(resource);
      const at = idOf(resource);
      return {
        steps: [id === 'delete' ? deleteOf(at, type) : armRequest('POST', `${at}/${id}`, versionOf(type))],
        az: [command('az', 'kusto', 'cluster', id, '--ids', at, ...(id === 'delete' ? ['--yes'] : []))],
        typescript: module(partOf(at, 'subscriptions'), [
          `await client.clusters.${method}(${literalText(group)}, ${literalText(name)});`,
        ]),
      };
    },
  };
}

export const startCluster = clusterForm('start', 'Start the cluster');
export const stopCluster = clusterForm('stop', 'Stop the cluster');
export const deleteCluster = clusterForm('delete', 'Delete the cluster, and all its rows');
