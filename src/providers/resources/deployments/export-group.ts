import { armErrors } from '../../../arm/arm-errors.ts';
import type { ArmReply, ArmRequest } from '../../../arm/arm-operation.ts';
import { requireResourceGroup } from '../../../arm/resource-groups.ts';
import { armResources } from '../../../arm/resource.ts';
import type { ArmResource } from '../../../arm/resource.ts';
import { parseResourceId } from '../../../arm/resource-path.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject, textMember } from '../../../base/json.ts';
import { listIntact } from '../../../state/list-all.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { newestApiVersion } from './complete-mode.ts';
import { readResource } from './resource-calls.ts';
import { settableOf } from './resource-shapes.ts';

/** The service exports no more of a group. */
const resourcesMax = 200;

/** A template that would make the resources of a group as they are, read with the rights of whoever asks. Names become parameters,
 * unless the options say otherwise.
 * @throws ArmError 400 */
export async function exportGroup(deps: DeploymentDependencies, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', resourceGroupName = '' } = request.params;
  const group = await requireResourceGroup(deps.state, subscriptionId, resourceGroupName);
  const body = isJsonObject(request.body) ? request.body : {};
  const wanted = wantedIds(body['resources']);
  const options = textMember(body, 'options').toLowerCase();
  const hasParameters = !/skipallparameterization|skipresourcenameparameterization/.test(options);
  const found = await listIntact(deps.state, armResources, `${group.value.id.toLowerCase()}/`);
  const chosen = found
    .map(({ value }) => value)
    .filter(({ id }) => wanted === undefined || wanted.some((each) => `${id}/`.toLowerCase().startsWith(`${each}/`)));
  if (chosen.length > resourcesMax) {
    throw armErrors.InvalidRequestContent(
      `a group of more than ${resourcesMax} resources cannot be exported; name some of them`,
    );
  }
  const names = new Map<string, string>();
  const resources: JsonObject[] = [];
  const { caller, correlationId } = request;
  const context = { deps, caller, correlationId, signal: new AbortController().signal };
  for (const resource of chosen.toSorted((left, right) => left.type.length - right.type.length)) {
    const apiVersion = newestApiVersion(deps, resource.type);
    const shown = await readResource(context, resource.id, apiVersion);
    if (shown !== undefined) resources.push(exported(resource, shown, apiVersion, hasParameters ? names : undefined));
  }
  const parameters = Object.fromEntries(
    [...names.values()].map((name) => [name, { defaultValue: defaultOf(names, name), type: 'String' }]),
  );
  const template = {
    $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
    contentVersion: '1.0.0.0',
    parameters,
    variables: {},
    resources,
  };
  return { status: 200, body: { template } };
}

/** @returns undefined for all */
function wantedIds(sent: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(sent) || sent.length === 0) {
    throw armErrors.InvalidRequestContent("The property 'resources' must name resources, or '*' for all");
  }
  const ids = sent as readonly Json[];
  if (ids.includes('*')) return undefined;
  return ids.map((id) => {
    if (typeof id !== 'string' || parseResourceId(id) === undefined)
      throw armErrors.InvalidRequestContent('A resource to export is named by its id');
    return id.toLowerCase();
  });
}

const defaultOf = (names: ReadonlyMap<string, string>, parameter: string): string =>
  [...names].find(([, name]) => name === parameter)?.[0].split(' ')[1] ?? '';

function exported(
  resource: ArmResource,
  shown: JsonObject,
  apiVersion: string,
  names: Map<string, string> | undefined,
): JsonObject {
  const { name: path = '', type = resource.type } = parseResourceId(resource.id) ?? {};
  const [top = '', ...below] = path.split('/');
  const topType = type.split('/').slice(0, 2).join('/');
  const parameter = names === undefined ? undefined : parameterFor(names, topType, top);
  const name =
    parameter === undefined
      ? path
      : below.length === 0
        ? `[parameters('${parameter}')]`
        : `[concat(parameters('${parameter}'), '/${below.join('/')}')]`;
  const parentNames = path.split('/').slice(0, -1);
  const first = parameter === undefined ? `'${top}'` : `parameters('${parameter}')`;
  const parentArguments = [first, ...parentNames.slice(1).map((each) => `'${each}'`)].join(', ');
  const parentType = type.split('/').slice(0, -1).join('/');
  return {
    ...{ type, apiVersion, name },
    ...(below.length === 0 ? {} : { dependsOn: [`[resourceId('${parentType}', ${parentArguments})]`] }),
    ...(Object.fromEntries(
      Object.entries(settableOf(type, shown, undefined)).map(([member, value = null]) => [member, asWritten(value)]),
    ) as JsonObject),
  };
}

/** What only looks like an expression is marked as none: whoever deploys the export would evaluate the tags of others. */
function asWritten(value: Json): Json {
  if (typeof value === 'string') return literal(value);
  if (Array.isArray(value)) return value.map((item: Json) => asWritten(item));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member = null]) => [literal(name), asWritten(member)]));
}

const literal = (text: string): string => (text.startsWith('[') && text.endsWith(']') ? `[${text}` : text);

/** `clusters_adx_name`, as the service calls them. */
function parameterFor(names: Map<string, string>, type: string, name: string): string {
  const key = `${type.toLowerCase()} ${name}`;
  const held = names.get(key);
  if (held !== undefined) return held;
  const base = `${type.split('/')[1] ?? 'resource'}_${name.replaceAll(/[^A-Za-z0-9]/g, '_')}_name`;
  const parameter = [...names.values()].includes(base) ? `${base}_${names.size}` : base;
  names.set(key, parameter);
  return parameter;
}
