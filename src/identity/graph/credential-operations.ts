import { createHash } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { StoredSecret } from '../principals/client-secret.ts';
import { newClientSecret } from '../principals/client-secret.ts';
import type { DirectoryStore } from '../principals/directory-store.ts';
import type { KeyCredential } from '../principals/key-credential.ts';
import { readCertificate } from '../principals/key-credential.ts';
import { BodyReader } from './body.ts';
import { requireApplication, requirePrincipal } from './entity-sets.ts';
import { showSecret } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { collectionContext, noContent } from './graph-operation.ts';
import { ownersOfApplication, ownersOfPrincipal } from './owner-operations.ts';

const secretsMax = 100;
const usualLifeMs = 2 * 365 * 86_400_000;

interface HasSecrets {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly secrets: readonly StoredSecret[];
}

function secretRows<T extends HasSecrets>(
  set: string,
  required: (deps: GraphDependencies, request: GraphRequest) => Promise<T>,
  storeOf: (deps: GraphDependencies) => DirectoryStore<T>,
  owners: GraphOperation['owners'],
): readonly GraphOperation[] {
  const name = `${set.charAt(0).toUpperCase()}${set.slice(1)}`;
  const ownerPart = owners === undefined ? {} : { owners };
  return [
    {
      id: `${name}_addPassword`,
      method: 'POST',
      path: `/${set}/{id}/addPassword`,
      right: 'application.write',
      ...ownerPart,
      handle: async (deps, request) => {
        const object = await required(deps, request);
        if (object.secrets.length >= secretsMax) throw graphErrors.quota();
        const { text, stored } = readNewSecret(deps, request);
        await storeOf(deps).update(object.objectId, (before) => ({ ...before, secrets: [...before.secrets, stored] }));
        const context = collectionContext('microsoft.graph.passwordCredential');
        return { status: 200, body: { '@odata.context': context, ...showSecret(stored), secretText: text } };
      },
    },
    {
      id: `${name}_removePassword`,
      method: 'POST',
      path: `/${set}/{id}/removePassword`,
      right: 'application.write',
      ...ownerPart,
      handle: async (deps, request) => {
        const object = await required(deps, request);
        const body = new BodyReader(request.body, 'passwordCredential');
        body.refuseOthers(['keyId'], []);
        const keyId = parseGuid(body.text('keyId') ?? '');
        if (!object.secrets.some((secret) => secret.keyId === keyId)) throw graphErrors.noPassword();
        await storeOf(deps).update(object.objectId, (before) => ({
          ...before,
          secrets: before.secrets.filter((secret) => secret.keyId !== keyId),
        }));
        return noContent;
      },
    },
  ];
}

/** Client secrets: made here, shown once, kept as salted hashes. */
export const credentialOperations: readonly GraphOperation[] = [
  ...secretRows('applications', requireApplication, ({ directory }) => directory.applications, ownersOfApplication),
  ...secretRows(
    'servicePrincipals',
    async (deps, request) => {
      const principal = await requirePrincipal(deps, request);
      if (principal.kind !== 'application') throw graphErrors.denied(); // what has no secret gets none
      return principal;
    },
    ({ directory }) => directory.principals.store,
    ownersOfPrincipal,
  ),
];

function readNewSecret(deps: GraphDependencies, request: GraphRequest): ReturnType<typeof newClientSecret> {
  const outer = new BodyReader(request.body ?? {}, 'passwordCredential');
  outer.refuseOthers(['passwordCredential'], []);
  const body = outer.object('passwordCredential') ?? new BodyReader({}, 'passwordCredential');
  body.refuseOthers(
    ['displayName', 'startDateTime', 'endDateTime'],
    ['customKeyIdentifier', 'secretText', 'keyId', 'hint'],
  );
  const startDateTime = body.time('startDateTime') ?? deps.wallClock();
  const endDateTime = body.time('endDateTime') ?? instant(startDateTime + usualLifeMs);
  if (endDateTime <= startDateTime) throw graphErrors.invalidValue('endDateTime', 'passwordCredential');
  const displayName = body.text('displayName', 120);
  return newClientSecret(deps.randomBytes, endDateTime, {
    startDateTime,
    ...(displayName === undefined ? {} : { displayName }),
  });
}

/** `keyCredentials` of an application as sent: all of them, so that what is left out goes. One that is sent back without `key` is kept.
 * @throws GraphError 400; 501 for keys that are no certificates with RSA */
export function readKeyCredentials(
  deps: GraphDependencies,
  items: readonly Json[],
  present: readonly KeyCredential[],
): readonly KeyCredential[] {
  return items.map((item) => {
    const body = new BodyReader(item, 'keyCredential');
    body.refuseOthers([...keyMembers], []);
    const keyId = parseGuid(body.text('keyId') ?? '');
    const kept = present.find((key) => key.keyId === keyId);
    const key = isJsonObject(item) ? (item['key'] ?? null) : null;
    if (key === null) {
      if (kept === undefined) throw graphErrors.required('key', 'keyCredential');
      return kept;
    }
    return newKeyCredential(deps, body, keyId);
  });
}

const keyMembers = [
  ...['keyId', 'type', 'usage', 'key', 'displayName', 'customKeyIdentifier', 'startDateTime', 'endDateTime'],
] as const;

function newKeyCredential(deps: GraphDependencies, body: BodyReader, keyId: Guid | undefined): KeyCredential {
  if (body.text('type') !== 'AsymmetricX509Cert' || body.text('usage') !== 'Verify')
    throw graphErrors.notBuilt('key credentials other than certificates that verify');
  const der = Buffer.from(body.text('key', 16_384) ?? '', 'base64');
  const certificate = readCertificate(der);
  if (certificate === undefined)
    throw graphErrors.badRequest('Key credential is invalid: it is no X.509 certificate with an RSA key.');
  const [validFrom, validTo] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const startDateTime = body.time('startDateTime') ?? instant(validFrom);
  const endDateTime: Instant = body.time('endDateTime') ?? instant(validTo);
  // Never longer than the certificate itself, but for the second that dates are cut to.
  if (endDateTime > validTo + 1000 || endDateTime <= startDateTime)
    throw graphErrors.badRequest('Key credential end date is invalid.');
  return {
    keyId: keyId ?? newGuid(deps.randomBytes),
    certificate: toBase64Url(der),
    customKeyIdentifier: body.text('customKeyIdentifier') ?? createHash('sha1').update(der).digest('base64'),
    displayName: body.text('displayName', 120) ?? certificate.subject.replaceAll('\n', ', ').slice(0, 120),
    startDateTime,
    endDateTime,
  };
}
