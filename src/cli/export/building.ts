import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { ExportedParameter, ExportedResource } from './model.ts';
import type { Principals } from './principals.ts';
import { asValue } from './resource-rows.ts';
import type { Symbols } from './symbols.ts';
import type { Value, ValueObject } from './value.ts';

/** What the parts of an export share while it is built. */
export interface Building {
  readonly tenantId: string;
  readonly groupId: string;
  readonly symbols: Symbols;
  readonly principals: Principals;
  /** Symbols by resource id in lower case. */
  readonly symbolOfId: Map<string, string>;
  readonly parameters: ExportedParameter[];
  readonly resources: ExportedResource[];
  readonly notes: string[];
  readonly location: (resource: JsonObject) => Value;
  /** The name of a top-level resource: a parameter. */
  readonly nameOf: (symbol: string, kind: string, resource: JsonObject) => Value;
}

export const memberOf = (resource: JsonObject | undefined, name: string): JsonObject => {
  const value: Json | undefined = resource?.[name];
  return isJsonObject(value) ? value : {};
};

export const lastName = (resource: JsonObject): string => textMember(resource, 'name').split('/').at(-1) ?? '';

export const symbolFor = ({ symbolOfId }: Building, resource: JsonObject): string =>
  symbolOfId.get(textMember(resource, 'id').toLowerCase()) ?? '';

export function tagsOf(resource: JsonObject): ValueObject {
  const tags = memberOf(resource, 'tags');
  return Object.keys(tags).length === 0 ? {} : { tags: asValue(tags) };
}
