import type { Json } from '../../base/json.ts';
import { publicCloud } from '../../base/public-cloud.ts';
import type { EvaluationFacts, NamedResource } from '../expressions/facts.ts';
import type { Node } from '../expressions/expression.ts';
import { NeedsRuntime, NotBuiltInTemplates, TemplateError } from '../expressions/template-error.ts';
import type { RuntimeNeed } from '../expressions/template-error.ts';
import { idBelow } from '../expressions/resource-ids.ts';
import type { CallContext, FunctionRow, FunctionRows } from './function-row.ts';
import { anyNumber, textAt, wrongArgument } from './function-row.ts';

export const resourceFunctions: FunctionRows = {
  resourceId: {
    family: 'resource',
    args: [2, anyNumber],
    says: 'The id of a resource: of the deployment’s group or subscription, unless one is given before the type.',
    cases: {
      "resourceId('Microsoft.KeyVault/vaults', 'v')":
        '/subscriptions/10000000-0000-0000-0000-000000000000/resourceGroups/group/providers/Microsoft.KeyVault/vaults/v',
      "resourceId('other', 'Microsoft.Kusto/clusters/databases', 'c', 'd')":
        '/subscriptions/10000000-0000-0000-0000-000000000000/resourceGroups/other/providers/Microsoft.Kusto/clusters/c/databases/d',
    },
    evaluate: (args, { facts }) => resourceId(args, facts),
  },
  subscriptionResourceId: {
    family: 'resource',
    args: [2, anyNumber],
    says: 'The id of a resource of a subscription.',
    cases: {
      "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')":
        '/subscriptions/10000000-0000-0000-0000-000000000000/providers/Microsoft.Authorization/roleDefinitions/r',
    },
    evaluate: (args, { facts }) => {
      const { before, type, names } = splitIdArguments('subscriptionResourceId', args, 1);
      return idBelow(`/subscriptions/${before[0] ?? subscriptionOf('subscriptionResourceId', facts)}`, type, names);
    },
  },
  tenantResourceId: {
    family: 'resource',
    args: [2, anyNumber],
    says: 'The id of a resource of the tenant.',
    cases: {
      "tenantResourceId('Microsoft.Authorization/roleDefinitions', 'r')":
        '/providers/Microsoft.Authorization/roleDefinitions/r',
    },
    evaluate: (args) => {
      const { type, names } = splitIdArguments('tenantResourceId', args, 0);
      return idBelow('', type, names);
    },
  },
  managementGroupResourceId: notBuilt(
    'resource',
    'managementGroupResourceId',
    'The id of a resource of a management group.',
  ),
  extensionResourceId: {
    family: 'resource',
    args: [3, anyNumber],
    says: 'The id of a resource that extends another, such as a role assignment.',
    cases: {
      "extensionResourceId('/subscriptions/s', 'Microsoft.Authorization/locks', 'l')":
        '/subscriptions/s/providers/Microsoft.Authorization/locks/l',
    },
    evaluate: (args) => {
      const { type, names } = splitIdArguments('extensionResourceId', args.slice(1), 0);
      return idBelow(textAt('extensionResourceId', args, 0), type, names);
    },
  },
  reference: {
    family: 'resource',
    args: [1, 3],
    says: 'The properties of a resource as it is, or with `Full` all of it. By name or id; one that is not in the template needs an api-version.',
    cases: {},
    evaluate: (args, { facts }) => {
      const named = facts.resourceNamed(textAt('reference', args, 0));
      const version = typeof args[1] === 'string' ? args[1] : named?.apiVersion;
      const id = named?.id ?? fullId('reference', args);
      if (version === undefined)
        throw wrongArgument('reference', 'an api-version is needed for a resource that is not in the template');
      const full = typeof args[2] === 'string' && args[2].toLowerCase() === 'full';
      return ask(facts, need('GET', id, version, full));
    },
  },
  references: {
    family: 'resource',
    args: [1, 2],
    says: 'The same for each resource of a loop.',
    cases: {},
    evaluate: (args, { facts }) => {
      const symbol = textAt('references', args, 0);
      const loop = facts.resourcesOfLoop(symbol);
      if (loop === undefined) throw wrongArgument('references', `'${symbol}' is not a loop of resources`);
      const full = typeof args[1] === 'string' && args[1].toLowerCase() === 'full';
      return loop.map(({ id, apiVersion }) => ask(facts, need('GET', id, apiVersion, full)));
    },
  },
  resourceInfo: {
    family: 'resource',
    args: [1, 1],
    says: 'Id, name, type and api-version of a resource of the template, by its symbolic name.',
    cases: {},
    evaluate: (args, { facts }) => {
      const named = facts.resourceNamed(textAt('resourceInfo', args, 0));
      if (named === undefined) throw notInTemplate(textAt('resourceInfo', args, 0));
      return infoOf(named);
    },
  },
  'list*': {
    family: 'resource',
    args: [2, 4],
    says: 'What an operation of a resource that begins with `list` answers, such as `listKeys`; its id, api-version and perhaps a body.',
    cases: {},
    evaluate: () => {
      throw wrongArgument('list', 'the name of the operation is missing');
    },
  },
  pickZones: {
    family: 'resource',
    args: [3, 5],
    says: 'Zones of a region for a type of resource: so many of 1 to 3.',
    cases: { "pickZones('Microsoft.Kusto', 'clusters', 'eastus', 2)": ['1', '2'] },
    evaluate: (args) => {
      const count = typeof args[3] === 'number' ? args[3] : 1;
      const offset = typeof args[4] === 'number' ? args[4] : 0;
      if (count < 1 || offset < 0 || count + offset > 3) throw wrongArgument('pickZones', 'there are three zones');
      return Array.from({ length: count }, (_, at) => String(at + 1 + offset));
    },
  },
  toLogicalZone: notBuilt('resource', 'toLogicalZone', 'The logical zone of a physical one.'),
  toLogicalZones: notBuilt('resource', 'toLogicalZones', 'The logical zones of physical ones.'),
  toPhysicalZone: notBuilt('resource', 'toPhysicalZone', 'The physical zone of a logical one.'),
  toPhysicalZones: notBuilt('resource', 'toPhysicalZones', 'The physical zones of logical ones.'),
  providers: {
    family: 'resource',
    args: [1, 2],
    says: 'The types of resources of a provider with their locations and api-versions.',
    cases: {},
    evaluate: (args, { facts }) => {
      const all = facts.resourceTypes(textAt('providers', args, 0));
      if (args.length === 1)
        return { namespace: textAt('providers', args, 0), resourceTypes: all.map((type) => ({ ...type })) };
      const wanted = textAt('providers', args, 1).toLowerCase();
      const found = all.find((type) => type.resourceType.toLowerCase() === wanted);
      if (found === undefined)
        throw wrongArgument('providers', `the resource type '${textAt('providers', args, 1)}' is not known`);
      return { ...found };
    },
  },
};

export const scopeFunctions: FunctionRows = {
  resourceGroup: {
    family: 'scope',
    args: [0, 0],
    says: 'The resource group of the deployment.',
    cases: { 'resourceGroup().location': 'eastus' },
    evaluate: (_, { facts }) => shownFact('resourceGroup', facts.resourceGroup),
  },
  subscription: {
    family: 'scope',
    args: [0, 0],
    says: 'The subscription of the deployment.',
    cases: { 'subscription().subscriptionId': '10000000-0000-0000-0000-000000000000' },
    evaluate: (_, { facts }) => shownFact('subscription', facts.subscription),
  },
  tenant: {
    family: 'scope',
    args: [0, 0],
    says: 'The tenant of the deployment.',
    cases: { 'tenant().tenantId': '20000000-0000-0000-0000-000000000000' },
    evaluate: (_, { facts }) => facts.tenant,
  },
  managementGroup: notBuilt('scope', 'managementGroup', 'The management group of the deployment.'),
};

export const deploymentFunctions: FunctionRows = {
  deployment: {
    family: 'deployment',
    args: [0, 0],
    says: 'The deployment itself: name and properties.',
    cases: { 'deployment().name': 'deployment' },
    evaluate: (_, { facts }) => facts.deployment,
  },
  deployer: {
    family: 'deployment',
    args: [0, 0],
    says: 'Who deploys: object id, tenant id and, of a user, the principal name.',
    cases: { 'deployer().tenantId': '20000000-0000-0000-0000-000000000000' },
    evaluate: (_, { facts }) => facts.deployer,
  },
  environment: {
    family: 'deployment',
    args: [0, 0],
    says: 'Names and addresses of the cloud.',
    cases: { 'environment().suffixes.keyvaultDns': '.vault.azure.net' },
    evaluate: () => environment,
  },
  parameters: {
    family: 'deployment',
    args: [1, 1],
    says: 'The value of a parameter.',
    cases: {},
    evaluate: (args, context) => context.parameter(textAt('parameters', args, 0)),
  },
  variables: {
    family: 'deployment',
    args: [1, 1],
    says: 'The value of a variable.',
    cases: {},
    evaluate: (args, context) => context.variable(textAt('variables', args, 0)),
  },
};

/** `listKeys`, `listSecrets` and whatever else a provider calls so. */
export function listRow(name: string): FunctionRow {
  return {
    ...{ family: 'resource', args: [2, 4], says: '', cases: {} },
    evaluate: (args, { facts }) => {
      const named = facts.resourceNamed(textAt(name, args, 0));
      const id = named?.id ?? fullId(name, args);
      const body = args[2] === undefined ? {} : { body: args[2] };
      return ask(facts, { ...need('POST', `${id}/${name}`, textAt(name, args, 1), true), ...body });
    },
  };
}

/** What the first argument of a call names, when that can be said before anything is deployed. */
export function resourceNamedBy(
  node: Extract<Node, { kind: 'call' }>,
  context: Pick<CallContext, 'evaluate' | 'facts'>,
): readonly NamedResource[] {
  const name = node.name.toLowerCase();
  const [first] = node.args;
  if (first === undefined || (name !== 'reference' && name !== 'references' && !/^list\w+$/.test(name))) return [];
  let text: Json;
  try {
    text = context.evaluate(first);
  } catch (error) {
    if (error instanceof NeedsRuntime) return [];
    throw error;
  }
  if (typeof text !== 'string') return [];
  if (name === 'references') return context.facts.resourcesOfLoop(text) ?? [];
  const named = context.facts.resourceNamed(text);
  return named === undefined ? [] : [named];
}

const need = (method: 'GET' | 'POST', id: string, apiVersion: string | undefined, full: boolean): RuntimeNeed => ({
  key: `${method} ${id.toLowerCase()} ${apiVersion ?? ''} ${full ? 'full' : ''}`,
  ...{ method, id, apiVersion, full },
});

function ask(facts: EvaluationFacts, wanted: RuntimeNeed): Json {
  const key = wanted.body === undefined ? wanted.key : `${wanted.key} ${JSON.stringify(wanted.body)}`;
  const keyed = { ...wanted, key };
  const answer = facts.answered(keyed);
  if (answer === undefined) throw new NeedsRuntime(keyed);
  return answer.value;
}

function fullId(name: string, args: readonly Json[]): string {
  const text = textAt(name, args, 0);
  if (!text.startsWith('/')) throw notInTemplate(text);
  return text;
}

const notInTemplate = (text: string): TemplateError =>
  new TemplateError(
    `The resource '${text}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.`,
  );

const infoOf = ({ id, name, type, apiVersion }: NamedResource): Json => ({
  ...{ id, name, type },
  ...(apiVersion === undefined ? {} : { apiVersion }),
});

function shownFact(name: string, value: Json | undefined): Json {
  if (value === undefined) {
    throw new TemplateError(
      `The template function '${name.toUpperCase()}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.`,
    );
  }
  return value;
}

function resourceId(args: readonly Json[], facts: EvaluationFacts): string {
  const { before, type, names } = splitIdArguments('resourceId', args, 2);
  const [subscription, group] = before.length === 2 ? before : [undefined, before[0]];
  if (facts.scope.kind === 'resourceGroup' || group !== undefined) {
    const ofSubscription = subscription ?? subscriptionOf('resourceId', facts);
    const ofGroup = group ?? facts.scope.id.split('/')[4] ?? '';
    return idBelow(`/subscriptions/${ofSubscription}/resourceGroups/${ofGroup}`, type, names);
  }
  return idBelow(facts.scope.id, type, names);
}

function subscriptionOf(name: string, facts: EvaluationFacts): string {
  const id = facts.scope.id.split('/')[2];
  if (id === undefined) throw wrongArgument(name, 'the deployment has no subscription');
  return id;
}

/** The type is the first argument with a slash in it, as many names follow as it has parts after the first. */
function splitIdArguments(
  name: string,
  args: readonly Json[],
  beforeMax: number,
): { readonly before: readonly string[]; readonly type: string; readonly names: readonly string[] } {
  const texts = args.map((_, at) => textAt(name, args, at));
  const at = texts.findIndex((text) => text.includes('/'));
  const type = texts[at] ?? '';
  const names = texts.slice(at + 1);
  if (at < 0 || at > beforeMax || names.length !== type.split('/').length - 1) {
    throw wrongArgument(
      name,
      'the type of the resource must be followed by as many names as it has segments after the first',
    );
  }
  return { before: texts.slice(0, at), type, names };
}

function notBuilt(family: 'resource' | 'scope', name: string, says: string): FunctionRow {
  return {
    ...{ family, args: [0, anyNumber], says: `${says} Refused by name: Kustody has none.`, cases: {} },
    evaluate: () => {
      throw new NotBuiltInTemplates(`template function ${name}`);
    },
  };
}

const { authentication, suffixes, vmImageAliasDoc } = publicCloud;
/** As templates see the cloud, which is a little different from how clients do. */
const environment = {
  name: publicCloud.name,
  gallery: publicCloud.gallery,
  graph: publicCloud.graph,
  portal: publicCloud.portal,
  graphAudience: publicCloud.graphAudience,
  activeDirectoryDataLake: publicCloud.activeDirectoryDataLake,
  batch: publicCloud.batch,
  media: publicCloud.media,
  sqlManagement: publicCloud.sqlManagement,
  vmImageAliasDoc: vmImageAliasDoc.replace('/main/', '/master/'),
  resourceManager: publicCloud.resourceManager,
  authentication: { ...authentication, loginEndpoint: `${authentication.loginEndpoint}/` },
  suffixes: {
    acrLoginServer: `.${suffixes.acrLoginServer}`,
    azureDatalakeAnalyticsCatalogAndJob: suffixes.azureDataLakeAnalyticsCatalogAndJob,
    azureDatalakeStoreFileSystem: suffixes.azureDataLakeStoreFileSystem,
    keyvaultDns: `.${suffixes.keyVaultDns}`,
    sqlServerHostname: `.${suffixes.sqlServerHostname}`,
    storage: suffixes.storage,
  },
};
