import type { Json, JsonObject } from '../base/json.ts';
import type { EvaluationScope } from './evaluate.ts';
import { evaluateValue } from './evaluate.ts';
import type { NamedResource } from './expressions/facts.ts';
import { idBelow } from './expressions/resource-ids.ts';
import { TemplateError } from './expressions/template-error.ts';

/** Id, name, type and api-version of a resource of a template: where the request goes that makes it.
 * @param parent the resource in which it is written
 * @throws TemplateError */
export function targetOf(
  json: JsonObject,
  scope: EvaluationScope,
  parent: { readonly type: string; readonly name: string } | undefined,
): NamedResource {
  const own = { type: textOf(json, 'type', scope), name: textOf(json, 'name', scope) };
  const isBelow =
    parent !== undefined && !own.type.toLowerCase().startsWith(`${parent.type.split('/')[0] ?? ''}/`.toLowerCase());
  const type = isBelow ? `${parent.type}/${own.type}` : own.type;
  const name = isBelow ? `${parent.name}/${own.name}` : own.name;
  const version = json['apiVersion'] === undefined ? undefined : textOf(json, 'apiVersion', scope);
  if (version === undefined && json['existing'] !== true) {
    throw new TemplateError(
      `The template resource '${name}' of type '${type}'{at} is not valid. The api-version property is required. Please see https://aka.ms/arm-syntax-resources for usage details.`,
    );
  }
  const names = name.split('/');
  if (names.length !== type.split('/').length - 1 || names.includes('')) {
    throw new TemplateError(
      `The template resource '${name}' for type '${type}'{at} has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. ` +
        'A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details.',
    );
  }
  return { id: idOf(json, scope, type, names), name, type, apiVersion: version };
}

/** Of a resource that is said to be there and, by its condition, is not: others may name it by its symbol. */
export const absent = (json: JsonObject, scope: EvaluationScope): NamedResource => ({
  ...{ id: '', name: '', type: textOf(json, 'type', scope) },
  apiVersion: json['apiVersion'] === undefined ? undefined : textOf(json, 'apiVersion', scope),
});

function textOf(json: JsonObject, member: string, scope: EvaluationScope): string {
  const value: Json = evaluateValue(json[member], scope);
  if (typeof value !== 'string' || value === '') {
    throw new TemplateError(
      `The property '${member}' of a template resource{at} must be a non-empty string. Please see https://aka.ms/arm-syntax-resources for usage details.`,
    );
  }
  return value;
}

function idOf(json: JsonObject, scope: EvaluationScope, type: string, names: readonly string[]): string {
  const target = targetScope(json, scope, type);
  // Written below another resource: `Microsoft.KeyVault/vaults/providers/roleAssignments`, `v/Microsoft.Authorization/r`.
  const parts = type.split('/');
  const at = parts.findIndex((part) => part.toLowerCase() === 'providers');
  if (at > 0) {
    const below = idBelow(target, parts.slice(0, at).join('/'), names.slice(0, at - 1));
    return idBelow(below, [names[at - 1] ?? '', ...parts.slice(at + 1)].join('/'), names.slice(at));
  }
  if (type.toLowerCase() === 'microsoft.resources/resourcegroups') return `${target}/resourceGroups/${names[0] ?? ''}`;
  return idBelow(target, type, names);
}

function targetScope(json: JsonObject, scope: EvaluationScope, type: string): string {
  const own = scope.facts.scope;
  if (json['scope'] !== undefined) {
    const text = textOf(json, 'scope', scope);
    if (text === '/') return '';
    if (text.startsWith('/')) return text.replace(/\/+$/, '');
    const [head = '', ...rest] = text.split('/');
    const types = [head, ...rest.filter((_, at) => at % 2 === 0)].join('/');
    const names = rest.filter((_, at) => at % 2 === 1);
    if (names.length !== types.split('/').length - 1)
      throw new TemplateError(`The scope '${text}' of a template resource{at} is not valid.`);
    return idBelow(own.id, types, names);
  }
  const subscription = json['subscriptionId'] === undefined ? undefined : textOf(json, 'subscriptionId', scope);
  const group = json['resourceGroup'] === undefined ? undefined : textOf(json, 'resourceGroup', scope);
  if (group !== undefined)
    return `/subscriptions/${subscription ?? own.id.split('/')[2] ?? ''}/resourceGroups/${group}`;
  if (subscription !== undefined) return `/subscriptions/${subscription}`;
  // The group itself is no place for groups.
  return type.toLowerCase() === 'microsoft.resources/resourcegroups' ? own.id.split('/').slice(0, 3).join('/') : own.id;
}
