import type { JsonObject } from '../../../src/base/json.ts';
import { textMember } from '../../../src/base/json.ts';
import { noting } from './base-lists.ts';
import { listArm, listPages } from '../api/arm.ts';
import type { BaseLists, Problem } from './resources.ts';
import {
  groupOf,
  hostOfVault,
  idOf,
  keysVersion,
  nameOf,
  objectMember,
  partOf,
  propertiesOf,
  versionOf,
} from './resources.ts';
import { listRoles } from './list-roles.ts';
import type { ListedThings, Thing } from './thing-kind.ts';

type List = (base: BaseLists, signal: AbortSignal) => Promise<ListedThings>;

const known = (things: readonly Thing[]): Promise<ListedThings> => Promise.resolve({ things, problems: [] });

const listClusters: List = ({ clusters }) =>
  known(
    clusters.map((resource) => {
      const properties = propertiesOf(resource);
      const key = objectMember(properties, 'keyVaultProperties');
      const sku = objectMember(resource, 'sku');
      return {
        ...{ id: idOf(resource), name: nameOf(resource), resource },
        cells: [
          groupOf(resource),
          textMember(properties, 'state'),
          `${textMember(sku, 'name')} × ${JSON.stringify(sku['capacity'])}`,
          textMember(key, 'keyName') === ''
            ? 'Microsoft-managed'
            : `${textMember(key, 'keyName')} in ${textMember(key, 'keyVaultUri')}`,
          textMember(objectMember(resource, 'identity'), 'type') || 'None',
        ],
      };
    }),
  );

const listDatabases: List = async ({ clusters }, signal) => {
  const problems: Problem[] = [];
  const listed = await Promise.all(
    clusters.map((cluster) =>
      noting(problems, `Databases of ${nameOf(cluster)}`, () =>
        listArm(`${idOf(cluster)}/databases`, versionOf('Microsoft.Kusto/clusters/databases'), signal),
      ),
    ),
  );
  const things = listed.flat().map((resource) => {
    const properties = propertiesOf(resource);
    const key = textMember(objectMember(properties, 'keyVaultProperties'), 'keyName');
    return {
      ...{ id: idOf(resource), name: nameOf(resource), resource },
      cells: [
        partOf(idOf(resource), 'clusters'),
        textMember(resource, 'kind'),
        textMember(properties, 'softDeletePeriod'),
        textMember(properties, 'hotCachePeriod'),
        key === '' ? 'that of the cluster' : key,
      ],
    };
  });
  return { things, problems };
};

const deletedVaultsVersion = versionOf('Microsoft.KeyVault/vaults');

const listVaults: List = async ({ vaults, subscriptions }, signal) => {
  const problems: Problem[] = [];
  const deleted = await Promise.all(
    subscriptions.map(({ id, name }) =>
      noting(problems, `Deleted vaults of ${name}`, () =>
        listArm(`/subscriptions/${id}/providers/Microsoft.KeyVault/deletedVaults`, deletedVaultsVersion, signal),
      ),
    ),
  );
  const things = vaults.map((resource) => {
    const properties = propertiesOf(resource);
    return {
      ...{ id: idOf(resource), name: nameOf(resource), resource },
      cells: [
        groupOf(resource),
        'exists',
        properties['enableRbacAuthorization'] === true ? 'roles' : 'access policies',
        properties['enablePurgeProtection'] === true ? 'on' : 'off',
      ],
    };
  });
  const gone = deleted.flat().map((resource) => {
    const properties = propertiesOf(resource);
    return {
      ...{ id: idOf(resource), name: nameOf(resource), resource },
      cells: [
        partOf(textMember(properties, 'vaultId'), 'resourceGroups'),
        `deleted, purged ${textMember(properties, 'scheduledPurgeDate').slice(0, 10)}`,
        '',
        properties['purgeProtectionEnabled'] === true ? 'on' : 'off',
      ],
    };
  });
  return { things: [...things, ...gone], problems };
};

const listKeys: List = async ({ vaults }, signal) => {
  const problems: Problem[] = [];
  const listed = await Promise.all(
    vaults.map(async (vault) => {
      const ask = (what: string, below: string): Promise<readonly JsonObject[]> =>
        noting(problems, `${what} of ${nameOf(vault)}`, () =>
          listPages(hostOfVault(vault), `/${below}?${keysVersion}`, signal),
        );
      const [keys, deleted] = await Promise.all([ask('Keys', 'keys'), ask('Deleted keys', 'deletedkeys')]);
      return [...keys, ...deleted].map((key) => keyThing(vault, key));
    }),
  );
  return { things: listed.flat(), problems };
};

function keyThing(vault: JsonObject, key: JsonObject): Thing {
  const kid = textMember(key, 'kid');
  const attributes = objectMember(key, 'attributes');
  const { exp, scheduledPurgeDate } = { ...attributes, ...key };
  const isDeleted = typeof scheduledPurgeDate === 'number';
  return {
    id: `${isDeleted ? 'deleted ' : ''}${kid}`,
    name: kid.split('/').at(4) ?? '',
    resource: { ...key, vault },
    cells: [
      nameOf(vault),
      isDeleted
        ? `deleted, purged ${dayOf(scheduledPurgeDate)}`
        : attributes['enabled'] === true
          ? 'enabled'
          : 'disabled',
      dayOf(attributes['created']),
      exp === undefined ? 'never' : dayOf(exp),
    ],
  };
}

const dayOf = (seconds: unknown): string =>
  typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().slice(0, 10) : '';

const listIdentities: List = ({ identities }) =>
  known(
    identities.map((resource) => {
      const properties = propertiesOf(resource);
      return {
        ...{ id: idOf(resource), name: nameOf(resource), resource },
        cells: [groupOf(resource), textMember(properties, 'principalId'), textMember(properties, 'clientId')],
      };
    }),
  );

const listGroups: List = ({ groups }) =>
  known(
    groups.map((resource) => ({
      ...{ id: idOf(resource), name: nameOf(resource), resource },
      cells: [textMember(resource, 'location'), partOf(idOf(resource), 'subscriptions')],
    })),
  );

export const lists = {
  clusters: listClusters,
  databases: listDatabases,
  vaults: listVaults,
  keys: listKeys,
  identities: listIdentities,
  roles: listRoles,
  groups: listGroups,
} as const satisfies Record<string, List>;
