import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import type { FederatedCredential } from '../principals/federated-credential.ts';
import { BodyReader } from './body.ts';
import type { EntitySet } from './collection.ts';
import { listReply, showReply } from './collection.ts';
import { requireApplication } from './entity-sets.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { entityReply, graphHost, noContent } from './graph-operation.ts';
import { ownersOfApplication } from './owner-operations.ts';

/** Entra ID's limit for one application. */
const credentialsMax = 20;
/** Of issuer, subject, audience and description. */
const charsMax = 600;
const resource = 'FederatedIdentityCredential';
const list = '/applications/{id}/federatedIdentityCredentials';

/** Whose tokens an application takes in place of a secret. @see Microsoft Graph "federatedIdentityCredential resource type" */
export const federatedCredentialOperations: readonly GraphOperation[] = [
  {
    id: 'Applications_ListFederatedIdentityCredentials',
    method: 'GET',
    path: list,
    right: 'directory.read',
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const sorted = [...application.federatedCredentials].sort((left, right) => (left.id < right.id ? -1 : 1));
      const path = `/applications/${application.objectId}/federatedIdentityCredentials`;
      return listReply(request, setOf(application), sorted.map(show), path);
    },
  },
  {
    id: 'Applications_CreateFederatedIdentityCredentials',
    method: 'POST',
    path: list,
    right: 'application.write',
    owners: ownersOfApplication,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const body = readBody(request);
      const name = body.requiredText('name', 120);
      if (!/^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$/.test(name))
        throw graphErrors.badRequest('Name value is not a valid URI last segment.');
      const made: FederatedCredential = { id: newGuid(deps.randomBytes), name, ...readTrust(body) };
      await change(deps, application, (before) => [...before, made]);
      const reply = entityReply(setOf(application).set, show(made));
      const at = `applications/${application.objectId}/federatedIdentityCredentials/${made.id}`;
      return { ...reply, status: 201, headers: { location: `https://${graphHost}/v1.0/${at}` } };
    },
  },
  {
    id: 'Applications_GetFederatedIdentityCredentials',
    method: 'GET',
    path: `${list}/{credentialId}`,
    right: 'directory.read',
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      return showReply(request, setOf(application), show(requireCredential(application, request)));
    },
  },
  {
    id: 'Applications_UpdateFederatedIdentityCredentials',
    method: 'PATCH',
    path: `${list}/{credentialId}`,
    right: 'application.write',
    owners: ownersOfApplication,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const { id } = requireCredential(application, request);
      const body = readBody(request);
      await change(deps, application, (before) =>
        before.map((one) => {
          if (one.id !== id) return one;
          if (body.has('name') && body.text('name') !== one.name)
            throw graphErrors.badRequest('Name is immutable and cannot be changed after creation.');
          return { ...one, ...readTrust(body, one) };
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
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const { id } = requireCredential(application, request);
      await change(deps, application, (before) => before.filter((one) => one.id !== id));
      return noContent;
    },
  },
];

const setOf = ({ objectId }: Application): EntitySet => ({
  set: `applications('${objectId}')/federatedIdentityCredentials`,
  resource,
  filterable: new Set(['id', 'name', 'subject']),
});

const show = ({ id, name, issuer, subject, audience, description }: FederatedCredential): JsonObject => ({
  id,
  name,
  issuer,
  subject,
  description: description ?? null,
  audiences: [audience],
});

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
  body.refuseOthers(
    ['name', 'issuer', 'subject', 'audiences', 'description'],
    ['id', 'claimsMatchingExpression', 'trustedIssuer'],
  );
  return body;
}

/** What a body says, on top of what is there. @throws GraphError 400 */
function readTrust(body: BodyReader, present?: FederatedCredential): Omit<FederatedCredential, 'id' | 'name'> {
  const text = (name: 'issuer' | 'subject'): string =>
    present === undefined || body.has(name) ? body.requiredText(name, charsMax) : present[name];
  const [issuer, subject] = [text('issuer'), text('subject')];
  if (URL.parse(issuer)?.protocol !== 'https:') throw graphErrors.federatedValue('Issuer', issuer);
  const sent = body.texts('audiences');
  const [audience = present?.audience, ...others] = sent ?? [];
  if (audience === undefined || audience === '' || (sent !== undefined && sent.length === 0))
    throw graphErrors.required('audiences', resource);
  if (others.length > 0 || audience.length > charsMax) throw graphErrors.invalidValue('audiences', resource);
  const description = body.has('description') ? body.text('description', charsMax) : present?.description;
  return { issuer, subject, audience, description };
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
      if (before.some((other) => other.issuer === one.issuer && other.subject === one.subject))
        throw graphErrors.federatedTrustTaken(one);
    }
    return { ...application, federatedCredentials };
  });
}
