import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import { parseClaimsExpression } from '../principals/claims-expression.ts';
import type { FederatedCredential } from '../principals/federated-credential.ts';
import { BodyReader } from './body.ts';
import type { EntitySet } from './collection.ts';
import { listReply, showReply } from './collection.ts';
import { requireApplication } from './entity-sets.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest, GraphVersion } from './graph-operation.ts';
import { entityReply, graphHost, noContent } from './graph-operation.ts';
import { ownersOfApplication } from './owner-operations.ts';

/** Entra ID's limit for one application. */
const credentialsMax = 20;
/** Of issuer, subject, audience and description. */
const charsMax = 600;
const resource = 'FederatedIdentityCredential';
const expressionName = 'claimsMatchingExpression';
/** The only one that there is. */
const languageVersion = 1;
const list = '/applications/{id}/federatedIdentityCredentials';

/** Whose tokens an application takes in place of a secret. @see Microsoft Graph "federatedIdentityCredential resource type" */
export const federatedCredentialOperations: readonly GraphOperation[] = [
  {
    id: 'Applications_ListFederatedIdentityCredentials',
    method: 'GET',
    path: list,
    right: 'directory.read',
    isInBeta: true,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const sorted = [...application.federatedCredentials].sort((left, right) => (left.id < right.id ? -1 : 1));
      const path = `/applications/${application.objectId}/federatedIdentityCredentials`;
      return listReply(
        request,
        setOf(application),
        sorted.map((one) => show(one, request)),
        path,
      );
    },
  },
  {
    id: 'Applications_CreateFederatedIdentityCredentials',
    method: 'POST',
    path: list,
    right: 'application.write',
    owners: ownersOfApplication,
    isInBeta: true,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const body = readBody(request);
      const name = body.requiredText('name', 120);
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$/.test(name))
        throw graphErrors.badRequest('Name value is not a valid URI last segment.');
      const made: FederatedCredential = { id: newGuid(deps.randomBytes), name, ...readTrust(body, request) };
      await change(deps, application, (before) => [...before, made]);
      const reply = entityReply(setOf(application).set, show(made, request));
      const at = `applications/${application.objectId}/federatedIdentityCredentials/${made.id}`;
      return { ...reply, status: 201, headers: { location: `https://${graphHost}/v1.0/${at}` } };
    },
  },
  {
    id: 'Applications_GetFederatedIdentityCredentials',
    method: 'GET',
    path: `${list}/{credentialId}`,
    right: 'directory.read',
    isInBeta: true,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      return showReply(request, setOf(application), show(requireCredential(application, request), request));
    },
  },
  {
    id: 'Applications_UpdateFederatedIdentityCredentials',
    method: 'PATCH',
    path: `${list}/{credentialId}`,
    right: 'application.write',
    owners: ownersOfApplication,
    isInBeta: true,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const { id } = requireCredential(application, request);
      const body = readBody(request);
      await change(deps, application, (before) =>
        before.map((one) => {
          if (one.id !== id) return one;
          if (body.has('name') && body.text('name') !== one.name)
            throw graphErrors.badRequest('Name is immutable and cannot be changed after creation.');
          return { ...one, ...readTrust(body, request, one) };
        }),
      );
      return noContent;
    },
  },
  {
    id: 'Applications_DeleteFederatedIdentityCredentials',
    method: 'DELETE',
    path: `${list}/{credentialId}`,
    right: 'application.write',
    owners: ownersOfApplication,
    isInBeta: true,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const { id } = requireCredential(application, request);
      await change(deps, application, (before) => before.filter((one) => one.id !== id));
      return noContent;
    },
  },
];

const trustSameTokens = (one: FederatedCredential, other: FederatedCredential): boolean =>
  one.issuer === other.issuer && one.subject === other.subject && one.expression === other.expression;

const setOf = ({ objectId }: Application): EntitySet => ({
  set: `applications('${objectId}')/federatedIdentityCredentials`,
  resource,
  filterable: new Set(['id', 'name', 'subject']),
});

/** @throws GraphError for one with an expression in v1.0, which has no property for it */
function show(credential: FederatedCredential, { version }: GraphRequest): JsonObject {
  const { id, name, issuer, subject = null, expression, audience, description = null } = credential;
  if (version === 'v1.0' && subject === null) throw graphErrors.subjectIsNull();
  const shown = { id, name, issuer, subject, description, audiences: [audience] };
  if (version === 'v1.0') return shown;
  const claimsMatchingExpression = expression === undefined ? null : { value: expression, languageVersion };
  return { ...shown, claimsMatchingExpression };
}

/** By its id or its name: `…/{id}`, `…/{name}`, `…(name='{name}')`. @throws GraphError 404 */
function requireCredential(application: Application, { params }: GraphRequest): FederatedCredential {
  const sent = params['credentialId'] ?? '';
  const name = (/^name='?([^']*)'?$/i.exec(sent)?.[1] ?? sent).toLowerCase();
  const id = parseGuid(sent);
  const found = application.federatedCredentials.find((one) => one.id === id || one.name.toLowerCase() === name);
  if (found === undefined) throw graphErrors.notFound(sent);
  return found;
}

function readBody(request: GraphRequest): BodyReader {
  const body = new BodyReader(request.body, resource);
  if (request.version === 'v1.0' && body.object(expressionName) !== undefined)
    throw graphErrors.unknownProperty(expressionName);
  body.refuseOthers(['name', 'issuer', 'subject', 'audiences', 'description', expressionName], ['id', 'trustedIssuer']);
  return body;
}

/** What a body says, on top of what is there. @throws GraphError 400 */
function readTrust(
  body: BodyReader,
  { version }: GraphRequest,
  present?: FederatedCredential,
): Omit<FederatedCredential, 'id' | 'name'> {
  const issuer = present === undefined || body.has('issuer') ? body.requiredText('issuer', charsMax) : present.issuer;
  if (URL.parse(issuer)?.protocol !== 'https:') throw graphErrors.federatedValue('Issuer', issuer);
  const sent = body.texts('audiences');
  const [audience = present?.audience, ...others] = sent ?? [];
  if (audience === undefined || audience === '' || (sent !== undefined && sent.length === 0))
    throw graphErrors.required('audiences', resource);
  if (others.length > 0 || audience.length > charsMax) throw graphErrors.invalidValue('audiences', resource);
  const description = body.has('description') ? body.text('description', charsMax) : present?.description;
  return { issuer, ...readWho(body, version, issuer, present), audience, description };
}

type Who = Pick<FederatedCredential, 'subject' | 'expression'>;

/** A subject or an expression, never both: whoever changes one for the other says so of both. @throws GraphError 400 */
function readWho(body: BodyReader, version: GraphVersion, issuer: string, present?: FederatedCredential): Who {
  const expression = body.has(expressionName) ? readExpression(body) : present?.expression;
  if (version === 'v1.0' || expression === undefined) {
    const isKept = present?.subject !== undefined && !body.has('subject');
    return { subject: isKept ? present.subject : body.requiredText('subject', charsMax), expression: undefined };
  }
  const subject = body.has('subject') ? body.text('subject', charsMax) : present?.subject;
  if (subject !== undefined) throw graphErrors.invalidValue(expressionName, resource);
  if (parseClaimsExpression(expression, issuer) === undefined) throw graphErrors.federatedExpression(expression);
  return { subject: undefined, expression };
}

function readExpression(body: BodyReader): string | undefined {
  const sent = body.object(expressionName);
  if (sent === undefined) return undefined;
  sent.refuseOthers(['value', 'languageVersion'], []);
  if (sent.number('languageVersion') !== languageVersion) throw graphErrors.invalidValue('languageVersion', resource);
  return sent.requiredText('value', charsMax);
}

/** Looks at what the change makes, so that of two at once the second is refused by what the first made. @throws GraphError */
async function change(
  { directory }: GraphDependencies,
  { objectId }: Application,
  changed: (before: readonly FederatedCredential[]) => readonly FederatedCredential[],
): Promise<void> {
  await directory.applications.update(objectId, (application) => {
    const federatedCredentials = changed(application.federatedCredentials);
    if (federatedCredentials.length > credentialsMax) throw graphErrors.objectTooLarge();
    for (const [at, one] of federatedCredentials.entries()) {
      const before = federatedCredentials.slice(0, at);
      if (before.some((other) => other.name.toLowerCase() === one.name.toLowerCase()))
        throw graphErrors.federatedNameTaken(one.name);
      if (before.some((other) => trustSameTokens(one, other)))
        throw graphErrors.federatedTrustTaken(one.issuer, one.subject ?? one.expression ?? '');
    }
    return { ...application, federatedCredentials };
  });
}
