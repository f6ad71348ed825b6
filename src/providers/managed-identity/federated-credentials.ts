import { isApiVersionBefore } from '../../arm/api-version.ts';
import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import { parseClaimsExpression } from '../../identity/principals/claims-expression.ts';
import type { TrustedIssuer } from '../../identity/principals/federated-credential.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import type { IdentityDependencies } from './identity-dependencies.ts';
import { identityType, shownId } from './identity-ids.ts';

const credentialType = `${identityType}/federatedIdentityCredentials`;

/** Azure's limit for one identity. */
const credentialsMax = 20;
/** Characters of issuer, subject, audience and expression. */
const charsMax = 600;
const expressionName = 'claimsMatchingExpression';
/** The only one that there is. */
const languageVersion = 1;
/** Which say of whom by an expression, too. @see azure-rest-api-specs, Microsoft.ManagedIdentity 2025-01-31-preview */
const hasExpressions = (apiVersion: string): boolean => !isApiVersionBefore(apiVersion, '2025-01-31');

/** Trust in tokens of an issuer elsewhere, which the token endpoint then takes for the identity. */
export function federatedCredentialOperations(deps: IdentityDependencies): readonly ArmOperation[] {
  const list = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${identityType}/{resourceName}/federatedIdentityCredentials`;
  const path = `${list}/{credentialName}`;
  const action = (verb: string): string => `${credentialType}/${verb}`;
  return [
    {
      id: 'FederatedIdentityCredentials_List',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (request) => listCredentials(deps, request),
    },
    {
      id: 'FederatedIdentityCredentials_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const found = await deps.state.get(armResources, resourceRecordId(idOf(request)));
        if (found === undefined) throw notFound(request);
        return { status: 200, body: show(found.value, request) };
      },
    },
    {
      id: 'FederatedIdentityCredentials_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      handle: (request) => retryOnConflict(() => putCredential(deps, request)),
    },
    {
      id: 'FederatedIdentityCredentials_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: (request) => retryOnConflict(() => deleteCredential(deps, request)),
    },
  ];
}

function identityIdOf(request: ArmRequest): string {
  const { subscriptionId = '', resourceGroupName = '', resourceName = '' } = request.params;
  return `${resourceGroupId(subscriptionId, resourceGroupName)}/providers/${identityType}/${resourceName}`;
}

const idOf = (request: ArmRequest): string =>
  `${identityIdOf(request)}/federatedIdentityCredentials/${request.params['credentialName'] ?? ''}`;

const notFound = (request: ArmRequest): ArmError =>
  new ArmError(404, 'NotFound', `Resource '${shownId(idOf(request))}' was not found.`);

/** @throws ArmError 404 `ParentResourceNotFound`: the resource manager asks for the identity before the provider sees a change */
async function requireParent(
  deps: IdentityDependencies,
  request: ArmRequest,
  verb: 'write' | 'delete',
): Promise<Versioned<ArmResource>> {
  const id = identityIdOf(request);
  const found = await deps.state.get(armResources, resourceRecordId(id));
  if (found !== undefined) return found;
  throw armErrors.ParentResourceNotFound(verb, 'userAssignedIdentities/federatedIdentityCredentials', id);
}

const credentialsOf = async (deps: IdentityDependencies, identityId: string) =>
  (await listAll(deps.state, armResources, `${identityId.toLowerCase()}/`)).filter(
    ({ value }) => value.type === credentialType,
  );

async function listCredentials(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const identityId = identityIdOf(request);
  if ((await deps.state.get(armResources, resourceRecordId(identityId))) === undefined) {
    throw new ArmError(404, 'NotFound', `Resource '${shownId(identityId)}' was not found.`);
  }
  const found = (await credentialsOf(deps, identityId)).map(({ value }) => value);
  const idOfResource = (resource: ArmResource): string => resource.id.toLowerCase();
  const page = pageOf(request, sortedById(found, idOfResource), idOfResource);
  return { status: 200, body: { ...page, value: page.value.map((one) => show(one, request)) } };
}

async function putCredential(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const parent = await requireParent(deps, request, 'write');
  const name = request.params['credentialName'] ?? '';
  requireName(name);
  const properties = readProperties(request);
  const others = await credentialsOf(deps, parent.value.id);
  const held = others.find(({ value }) => value.name.toLowerCase() === name.toLowerCase());
  if (held === undefined && others.length >= credentialsMax) throw badRequest(tooMany);
  const isTaken = others.some(
    ({ value }) =>
      value !== held?.value &&
      value.properties['issuer'] === properties['issuer'] &&
      value.properties['subject'] === properties['subject'] &&
      expressionOf(value.properties) === expressionOf(properties),
  );
  if (isTaken) {
    const who = properties['subject'] === undefined ? expressionName : 'subject';
    throw badRequest(`Issuer and ${who} combination already exists for this Managed Identity.`);
  }
  const now = toIso(deps.clock.now());
  const resource: ArmResource = {
    id: held?.value.id ?? `${parent.value.id}/federatedIdentityCredentials/${name}`,
    name: held?.value.name ?? name,
    type: credentialType,
    properties,
    createdAt: held?.value.createdAt ?? now,
    changedAt: now,
  };
  // The identity's record goes on unchanged, with a new version: of two credentials made at once, the second counts the first.
  await deps.state.commit({
    write: [
      writeRecord(armResources, parent.id, parent.version, parent.value),
      writeRecord(armResources, resourceRecordId(resource.id), held?.version ?? null, resource),
    ],
  });
  const body = show(resource, request);
  if (held !== undefined) return { status: 200, body };
  return { status: 201, headers: { location: shownId(resource.id) }, body };
}

const tooMany = `Too many Federated Identity Credentials exist for this Managed Identity: at most ${credentialsMax}.`;

async function deleteCredential(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const parent = await requireParent(deps, request, 'delete');
  const held = await deps.state.get(armResources, resourceRecordId(idOf(request)));
  if (held === undefined) return { status: 204 };
  await deps.state.commit({
    expect: [expectRecord(armResources, parent.id, parent.version)],
    write: [writeRecord(armResources, held.id, held.version, null)],
  });
  return { status: 200 };
}

/** Whose tokens the identity may be had for. @param identityId compared without case */
export async function trustOfIdentity(state: State, identityId: string): Promise<readonly TrustedIssuer[]> {
  const found = await listAll(state, armResources, `${identityId.toLowerCase()}/`);
  return found
    .filter(({ value }) => value.type === credentialType)
    .map(({ value: { properties } }) => {
      const { issuer, audiences } = properties;
      const [audience] = Array.isArray(audiences) ? (audiences as readonly Json[]) : [];
      const subject = typeof properties['subject'] === 'string' ? properties['subject'] : undefined;
      const expression = expressionOf(properties);
      const isWhole = typeof issuer === 'string' && typeof audience === 'string';
      invariant(isWhole, 'a federated credential names issuer and audience');
      invariant((subject === undefined) !== (expression === undefined), 'it has a subject or an expression');
      return { issuer, subject, expression, audience };
    });
}

function expressionOf(properties: JsonObject): string | undefined {
  const kept = properties[expressionName];
  const value = isJsonObject(kept) ? kept['value'] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The deletes that go with the identity's own. */
export async function credentialDeletes(
  deps: IdentityDependencies,
  identityId: string,
): Promise<readonly StateWrite[]> {
  const found = await credentialsOf(deps, identityId);
  return found.map(({ id, version }) => writeRecord(armResources, id, version, null));
}

const badRequest = (text: string): ArmError => new ArmError(400, 'BadRequest', text);

function requireName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$/.test(name)) return;
  throw badRequest(
    `The Federated Identity Credential name '${name}' is invalid. It must have 3 to 120 letters, digits, hyphens or underscores and start with a letter or digit.`,
  );
}

const isText = (value: Json | undefined): value is string =>
  typeof value === 'string' && value.trim() !== '' && value.length <= charsMax;

/** @throws ArmError 400 */
function readProperties({ body, apiVersion }: ArmRequest): JsonObject {
  const sent = isJsonObject(body) ? body['properties'] : undefined;
  const properties = isJsonObject(sent) ? sent : {};
  const { issuer, audiences } = properties;
  const [audience, ...more] = Array.isArray(audiences) ? (audiences as readonly Json[]) : [];
  const mayExpress = hasExpressions(apiVersion);
  if ((properties[expressionName] ?? null) !== null && !mayExpress)
    throw badRequest(`The property '${expressionName}' is not supported in api-version ${apiVersion}.`);
  if (!isText(issuer) || !isText(audience) || (!mayExpress && !isText(properties['subject']))) throw incomplete();
  if (more.length > 0) throw badRequest('A Federated Identity Credential has exactly one audience.');
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url?.protocol !== 'https:') throw badRequest("The 'issuer' of a Federated Identity Credential is an https URL.");
  return { issuer, ...readWho(properties, issuer), audiences: [audience] };
}

const incomplete = (): ArmError =>
  badRequest(
    "The request format was unexpected. Federated Identity Credential must specify 'issuer', 'subject' and 'audience'.",
  );

/** A subject or an expression, never both: what is null is not there. @throws ArmError 400 */
function readWho(properties: JsonObject, issuer: string): JsonObject {
  const [subject, sent] = [properties['subject'] ?? undefined, properties[expressionName] ?? undefined];
  if ((subject === undefined) === (sent === undefined))
    throw badRequest(`Federated Identity Credential must specify either 'subject' or '${expressionName}', not both.`);
  if (sent === undefined) {
    if (!isText(subject)) throw incomplete();
    return { subject };
  }
  const { value, languageVersion: version } = isJsonObject(sent) ? sent : {};
  if (version !== languageVersion)
    throw badRequest(`The 'languageVersion' of a '${expressionName}' is ${languageVersion}.`);
  if (!isText(value) || parseClaimsExpression(value, issuer) === undefined)
    throw badRequest(`The 'value' of the '${expressionName}' is not valid for the issuer.`);
  return { [expressionName]: { value, languageVersion } };
}

/** An older api-version has no word for an expression. */
function show({ id, name, properties }: ArmResource, { apiVersion }: ArmRequest): JsonObject {
  const { [expressionName]: expression, ...others } = properties;
  const shown = expression === undefined || hasExpressions(apiVersion) ? properties : others;
  return { id: shownId(id), name, type: credentialType, properties: shown };
}
