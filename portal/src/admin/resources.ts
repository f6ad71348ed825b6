import type { JsonObject } from '../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../src/base/json.ts';
import { writtenRows } from '../../../src/cli/export/resource-rows.ts';
import type { WrittenType } from '../../../src/cli/export/resource-rows.ts';

/** What all kinds of things hang on, and forms let choose from. */
export interface BaseLists {
  readonly subscriptions: readonly { readonly id: string; readonly name: string; readonly tenantId: string }[];
  readonly groups: readonly JsonObject[];
  readonly clusters: readonly JsonObject[];
  readonly vaults: readonly JsonObject[];
  readonly identities: readonly JsonObject[];
  /** Definitions, where role assignments are listed; else none. */
  readonly roles: readonly JsonObject[];
  readonly problems: readonly Problem[];
}

/** What could not be listed, in the service's own words. */
export interface Problem {
  readonly what: string;
  readonly failure: Error;
}

export const versionOf = (type: WrittenType): string => writtenRows[type].apiVersion;
export const groupsVersion = '2021-04-01';
export const keysVersion = 'api-version=7.4';

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
