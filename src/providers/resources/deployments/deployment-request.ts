import { armErrors } from '../../../arm/arm-errors.ts';
import type { ArmRequest } from '../../../arm/arm-operation.ts';
import { findLocation } from '../../../arm/locations.ts';
import { findResourceGroup, resourceGroupId } from '../../../arm/resource-groups.ts';
import { requireSubscription } from '../../../arm/subscriptions.ts';
import { readTags } from '../../../arm/tags.ts';
import type { Caller } from '../../../authz/caller.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { SeedFacts } from '../../../templates/evaluation.ts';
import type { DeploymentScope } from '../../../templates/expressions/facts.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors } from './deployment-errors.ts';
import type { OnErrorDeployment } from './deployment-record.ts';
import { deploymentId } from './deployment-record.ts';
import { shownLinks } from './linked-content.ts';
import type { ContentLinks } from './linked-content.ts';

/** Where a request is about a deployment, and about which. */
export interface DeploymentAddress {
  readonly scope: DeploymentScope;
  readonly name: string;
  readonly id: string;
}

/** @throws ArmError 404 for a group or subscription that is not there */
export async function addressOf(deps: DeploymentDependencies, request: ArmRequest): Promise<DeploymentAddress> {
  const { subscriptionId, resourceGroupName, deploymentName = '' } = request.params;
  const scope = await scopeAt(deps, subscriptionId, resourceGroupName);
  return { scope, name: deploymentName, id: deploymentId(scope.id, deploymentName) };
}

/** In the casing that answers show. */
async function scopeAt(
  deps: DeploymentDependencies,
  subscriptionId: string | undefined,
  groupName: string | undefined,
): Promise<DeploymentScope> {
  if (subscriptionId === undefined) return { kind: 'tenant', id: '' };
  if (groupName === undefined) return { kind: 'subscription', id: `/subscriptions/${subscriptionId.toLowerCase()}` };
  const group = await findResourceGroup(deps.state, subscriptionId, groupName);
  if (group === undefined) throw armErrors.ResourceGroupNotFound(groupName);
  return { kind: 'resourceGroup', id: group.value.id };
}

/** A scope by its id. @throws ArmError 404 */
export async function scopeOf(deps: DeploymentDependencies, id: string): Promise<DeploymentScope> {
  const [, , subscriptionId, , groupName] = id.split('/');
  if (subscriptionId !== undefined) await requireSubscription(deps.state, subscriptionId);
  return scopeAt(deps, subscriptionId, groupName);
}

/** The body of a request to create, validate or foretell a deployment. */
export interface WantedDeployment {
  readonly mode: 'Incremental' | 'Complete';
  readonly template: JsonObject;
  readonly parameters: JsonObject;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly resultFormat: 'FullResourcePayloads' | 'ResourceIdOnly';
  readonly links: ContentLinks;
  readonly onError?: { readonly type: OnErrorDeployment['type']; readonly deploymentName?: string };
}

/** @param links where its parts come from that were not sent with it; they are in the body by now @throws ArmError 400 */
export function readDeployment(
  body: Json | undefined,
  { scope, name }: DeploymentAddress,
  links: ContentLinks = {},
): WantedDeployment {
  if (!/^[\w.()-]{1,64}$/.test(name)) throw deploymentErrors.InvalidDeploymentName(name.slice(0, 100));
  const sent = isJsonObject(body) ? body : {};
  const properties = sent['properties'];
  if (!isJsonObject(properties)) throw armErrors.InvalidRequestContent("The property 'properties' is required");
  const template = properties['template'];
  if (template === undefined || template === null) throw deploymentErrors.TemplateRequired();
  if (!isJsonObject(template)) throw armErrors.InvalidRequestContent("The property 'template' must be an object");
  const parameters = properties['parameters'] ?? {};
  if (!isJsonObject(parameters)) throw armErrors.InvalidRequestContent("The property 'parameters' must be an object");
  const tags = readTags(sent['tags']);
  const settings = isJsonObject(properties['whatIfSettings']) ? properties['whatIfSettings'] : {};
  return {
    mode: readMode(properties['mode'], scope),
    template,
    // A parameters file, whole.
    parameters:
      typeof parameters['$schema'] === 'string' && isJsonObject(parameters['parameters'])
        ? parameters['parameters']
        : parameters,
    ...readLocation(sent['location'], scope, name),
    ...readOnError(properties['onErrorDeployment'], scope),
    ...(tags === undefined ? {} : { tags }),
    links,
    resultFormat: settings['resultFormat'] === 'ResourceIdOnly' ? 'ResourceIdOnly' : 'FullResourcePayloads',
  };
}

function readMode(sent: Json | undefined, scope: DeploymentScope): WantedDeployment['mode'] {
  const mode = (['Incremental', 'Complete'] as const).find(
    (each) => each.toLowerCase() === (typeof sent === 'string' ? sent : '').toLowerCase(),
  );
  if (mode === undefined) throw deploymentErrors.InvalidMode();
  if (mode === 'Complete' && scope.kind !== 'resourceGroup') throw deploymentErrors.CompleteModeOnlyInGroups();
  return mode;
}

function readOnError(sent: Json | undefined, scope: DeploymentScope): Pick<WantedDeployment, 'onError'> {
  if (sent === undefined || sent === null) return {};
  const { type: sentType, deploymentName } = isJsonObject(sent) ? sent : {};
  const type = (['LastSuccessful', 'SpecificDeployment'] as const).find(
    (each) => typeof sentType === 'string' && each.toLowerCase() === sentType.toLowerCase(),
  );
  const isNamed = typeof deploymentName === 'string' && deploymentName !== '';
  if (type === undefined || isNamed !== (type === 'SpecificDeployment')) throw deploymentErrors.InvalidOnError();
  if (scope.kind !== 'resourceGroup') throw deploymentErrors.OnErrorNotAllowed();
  return { onError: { type, ...(isNamed ? { deploymentName } : {}) } };
}

function readLocation(sent: Json | undefined, scope: DeploymentScope, name: string): { location?: string } {
  if (scope.kind === 'resourceGroup') {
    if (sent !== undefined && sent !== null) throw deploymentErrors.LocationNotAllowed(name);
    return {};
  }
  if (typeof sent !== 'string' || sent === '') throw deploymentErrors.LocationRequired(name);
  const location = findLocation(sent);
  if (location === undefined)
    throw armErrors.LocationNotAvailableForResourceType(sent.slice(0, 100), 'Microsoft.Resources/deployments', []);
  return { location: location.name };
}

/** What expressions can say of the place and the caller. @throws ArmError 404 */
export async function factsOf(
  deps: DeploymentDependencies,
  about: {
    readonly scope: DeploymentScope;
    readonly name: string;
    readonly caller: Caller;
    readonly wanted: WantedDeployment;
  },
): Promise<SeedFacts> {
  const { scope, name, caller, wanted } = about;
  const [, , subscriptionId, , groupName] = scope.id.split('/');
  const group =
    groupName === undefined || subscriptionId === undefined
      ? undefined
      : await findResourceGroup(deps.state, subscriptionId, groupName);
  const subscription =
    subscriptionId === undefined ? undefined : (await requireSubscription(deps.state, subscriptionId)).value;
  const { tenantId } = caller;
  return {
    scope,
    ...(group === undefined ? {} : { resourceGroup: shownGroup(group.value) }),
    ...(subscription === undefined
      ? {}
      : {
          subscription: {
            id: `/subscriptions/${subscription.subscriptionId}`,
            ...{
              subscriptionId: subscription.subscriptionId,
              tenantId: subscription.tenantId,
              displayName: subscription.displayName,
            },
          },
        }),
    tenant: { tenantId, countryCode: 'US', displayName: (await deps.describeTenant(tenantId))?.displayName ?? '' },
    deployment: {
      name,
      ...(wanted.location === undefined ? {} : { location: wanted.location }),
      properties: {
        ...shownLinks(wanted.links),
        template: {
          $schema: wanted.template['$schema'] ?? '',
          contentVersion: wanted.template['contentVersion'] ?? '',
        },
        ...{ templateHash: '', parameters: {}, mode: wanted.mode, provisioningState: 'Accepted' },
      },
    },
    deployer: {
      ...{ objectId: caller.objectId, tenantId },
      ...(caller.user === undefined ? {} : { userPrincipalName: caller.user.principalName }),
    },
    now: deps.clock.now(),
    random: deps.randomBytes(32),
    resourceTypes: Object.fromEntries(
      deps.providers.map(({ namespace, resourceTypes }) => [namespace.toLowerCase(), resourceTypes]),
    ),
  };
}

const shownGroup = (group: {
  id: string;
  name: string;
  location: string;
  tags?: Readonly<Record<string, string>>;
  provisioningState: string;
}): JsonObject => ({
  ...{
    id: resourceGroupIdOf(group.id),
    name: group.name,
    type: 'Microsoft.Resources/resourceGroups',
    location: group.location,
  },
  ...(group.tags === undefined ? {} : { tags: group.tags }),
  properties: { provisioningState: group.provisioningState },
});

const resourceGroupIdOf = (id: string): string => resourceGroupId(id.split('/')[2] ?? '', id.split('/')[4] ?? '');
