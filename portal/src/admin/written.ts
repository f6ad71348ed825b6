import type { JsonObject } from '../../../src/base/json.ts';
import { isJsonObject } from '../../../src/base/json.ts';
import { writeBicep } from '../../../src/cli/export/bicep-writer.ts';
import type { BicepSettings } from '../../../src/cli/export/bicep-writer.ts';
import type { ExportedResource } from '../../../src/cli/export/model.ts';
import { asValue, writtenProperties } from '../../../src/cli/export/resource-rows.ts';
import type { WrittenType } from '../../../src/cli/export/resource-rows.ts';
import { createSymbols } from '../../../src/cli/export/symbols.ts';
import type { ValueObject } from '../../../src/cli/export/value.ts';
import { armHost } from '../api/hosts.ts';
import { groupOf, groupsVersion, nameOf, propertiesOf, versionOf } from './resources.ts';
import type { PlaneRequest } from './form.ts';

/** A request of the resource manager. */
export const armRequest = (
  method: PlaneRequest['method'],
  id: string,
  apiVersion: string,
  json?: JsonObject,
): PlaneRequest => ({
  ...{ host: armHost, method, path: `${id}?api-version=${apiVersion}` },
  ...(json === undefined ? {} : { json }),
});

export const putOf = (id: string, type: WrittenType, body: JsonObject): PlaneRequest =>
  armRequest('PUT', id, versionOf(type), body);

export const deleteOf = (id: string, type: WrittenType): PlaneRequest => armRequest('DELETE', id, versionOf(type));

/** The body in which a resource as it is would be written, and what is changed in it. */
export function changedBody(
  type: WrittenType,
  resource: JsonObject,
  change: { readonly head?: JsonObject; readonly properties?: JsonObject },
): JsonObject {
  const properties = { ...writtenProperties(type, propertiesOf(resource)), ...change.properties } as JsonObject;
  const head = Object.fromEntries(
    ['location', 'kind', 'tags', 'sku', 'zones'].flatMap((name) => {
      const value = resource[name];
      const isUnset = value === undefined || value === null || (isJsonObject(value) && Object.keys(value).length === 0);
      return isUnset ? [] : [[name, value] as const];
    }),
  );
  return { ...head, ...change.head, properties };
}

const symbols = (...parts: readonly string[]): string => createSymbols().symbolOf(...parts);

/** A resource of a template, called as exports call it. */
export const resourceOf = (
  type: WrittenType,
  kind: string,
  names: readonly string[],
  body: JsonObject,
  place: Pick<ExportedResource, 'parent' | 'scope'> = {},
): ExportedResource => ({
  ...{ symbol: symbols(kind, ...names), type, apiVersion: versionOf(type), names, after: [], ...place },
  body: asValue(body) as ValueObject,
});

/** What is there already, to stand in or to speak of. */
export const existingOf = (
  type: WrittenType,
  kind: string,
  names: readonly string[],
  place: Pick<ExportedResource, 'parent'> = {},
): ExportedResource => resourceOf(type, kind, names, {}, place);

/** A Bicep file of one resource. */
export const bicepOf = (resource: ExportedResource, settings: BicepSettings = {}): string =>
  writeBicep({ name: '', parameters: [], resources: [resource], notes: [] }, settings);

/** A resource group is what other files are deployed into; its own is one for the subscription. */
export const bicepOfGroup = (name: string, location: string): string =>
  bicepOf(
    {
      ...{ symbol: symbols('group', name), type: 'Microsoft.Resources/resourceGroups', apiVersion: groupsVersion },
      ...{ names: [name], body: { location }, after: [] },
    },
    { targetScope: 'subscription' },
  );

/** `--subscription S --resource-group G --name N`, as the Azure CLI takes them. */
export const placeWords = (subscription: string, group: string, name: string): readonly string[] => [
  ...['--subscription', subscription, '--resource-group', group, '--name', name],
];

/** Of a resource that is there. */
export const placeOf = (resource: JsonObject): { readonly group: string; readonly name: string } => ({
  group: groupOf(resource),
  name: nameOf(resource),
});
