import type { JsonObject } from '../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../src/base/json.ts';
import { writtenRows } from '../../../src/cli/export/resource-rows.ts';
import type { WrittenType } from '../../../src/cli/export/resource-rows.ts';
import type { Listed } from '../api/arm.ts';
import { listArm } from '../api/arm.ts';

/** What all kinds of things hang on, and forms let choose from. */
export interface BaseLists {
  readonly subscriptions: readonly { readonly id: string; readonly name: string; readonly tenantId: string }[];
  readonly groups: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
  readonly vaults: readonly JsonObject[];
  readonly identities: readonly JsonObject[];
  readonly problems: readonly Problem[];
}

/** What could not be listed, in the service's own words. */
export interface Problem {
  readonly what: string;
  readonly failure: Error;
}

export const versionOf = (type: WrittenType): string => writtenRows[type].apiVersion;
const subscriptionsVersion = '2022-12-01';
export const groupsVersion = '2021-04-01';

export async function listBase(signal: AbortSignal): Promise<BaseLists> {
  const { items } = await listArm('/subscriptions', subscriptionsVersion, signal);
  const subscriptions = items.map((one) => ({
    id: textMember(one, 'subscriptionId'),
    name: textMember(one, 'displayName'),
    tenantId: textMember(one, 'tenantId'),
  }));
  const problems: Problem[] = [];
  const inAll = async (what: string, below: string, version: string): Promise<readonly JsonObject[]> =>
    (
      await Promise.all(
        subscriptions.map(({ id, name }) =>
          noting(problems, `${what} of ${name}`, () => listArm(`/subscriptions/${id}/${below}`, version, signal)),
        ),
      )
    ).flat();
  const ofType = (what: string, type: WrittenType): Promise<readonly JsonObject[]> =>
    inAll(what, `providers/${type}`, versionOf(type));
  const [groups, clusters, vaults, identities] = await Promise.all([
    inAll('Resource groups', 'resourcegroups', groupsVersion),
    ofType('Clusters', 'Microsoft.Kusto/clusters'),
    ofType('Vaults', 'Microsoft.KeyVault/vaults'),
    ofType('Identities', 'Microsoft.ManagedIdentity/userAssignedIdentities'),
  ]);
  return { subscriptions, groups, clusters, vaults, identities, problems };
}

/** What is refused is told, and hides nothing of the rest. */
export async function noting(
  problems: Problem[],
  what: string,
  list: () => Promise<Listed>,
): Promise<readonly JsonObject[]> {
  try {
    const { items, isCut } = await list();
    if (isCut) problems.push({ what, failure: new Error(`The first ${items.length} are shown; there are more.`) });
    return items;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    problems.push({ what, failure: error instanceof Error ? error : new Error(String(error)) });
    return [];
  }
}

export const objectMember = (object: JsonObject | undefined, name: string): JsonObject => {
  const value = object?.[name];
  return isJsonObject(value) ? value : {};
};

export const propertiesOf = (resource: JsonObject): JsonObject => objectMember(resource, 'properties');

export const idOf = (resource: JsonObject): string => textMember(resource, 'id');

/** The last part of `name`: that of a database is `cluster/database`. */
export const nameOf = (resource: JsonObject): string => textMember(resource, 'name').split('/').at(-1) ?? '';

/** The part of an id behind this word: `partOf(id, 'resourceGroups')`. */
export function partOf(id: string, word: string): string {
  const parts = id.split('/');
  const at = parts.findIndex((part) => part.toLowerCase() === word.toLowerCase());
  return at < 0 ? '' : (parts[at + 1] ?? '');
}

export const groupOf = (resource: JsonObject): string => partOf(idOf(resource), 'resourceGroups');

/** `https://{vault}.vault.azure.net/`, without what is around the name of the host. */
export const hostOfVault = (vault: JsonObject): string => {
  const uri = textMember(propertiesOf(vault), 'vaultUri');
  return URL.canParse(uri) ? new URL(uri).hostname : `${nameOf(vault)}.vault.azure.net`;
};
