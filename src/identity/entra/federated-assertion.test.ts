import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { instant } from '../../clock/clock.ts';
import { OutwardError } from '../../http/outward-json.ts';
import { startIdentity } from '../identity.fixture.ts';
import type { Identity } from '../identity.fixture.ts';
import type { FederatedCredential } from '../principals/federated-credential.ts';
import { forge, sign } from './assertion.fixture.ts';
import { grantClientCredentials } from './client-credentials.ts';

const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
const issuer = 'https://oidc.example.org/cluster/';
const subject = 'system:serviceaccount:default:app';
const audience = 'api://AzureADTokenExchange';
const jwk = (kid: string, key = own, more: object = {}) => ({
  ...key.publicKey.export({ format: 'jwk' }),
  ...{ kid, use: 'sig', ...more },
});
const identityType = 'Microsoft.ManagedIdentity/userAssignedIdentities';

let identity: Identity;
let pages: Record<string, unknown>;
let asked: string[];
beforeEach(async () => {
  asked = [];
  pages = {
    'https://oidc.example.org/cluster/.well-known/openid-configuration': {
      issuer,
      jwks_uri: 'https://oidc.example.org/keys',
    },
    'https://oidc.example.org/keys': { keys: [jwk('k')] },
  };
  const readJson = (url: string): Promise<unknown> => {
    asked.push(url);
    return url in pages ? Promise.resolve(pages[url]) : Promise.reject(new OutwardError('failed', url, 'No page.'));
  };
  identity = await startIdentity({ readJson });
  await identity.directory.completeApplications(identity.tenant.tenantId, identity.wall.now);
  await trust({ issuer, subject, audience });
});

async function trust(...credentials: readonly Partial<FederatedCredential>[]): Promise<void> {
  const { directory, tenant, application, randomBytes } = identity;
  const found = await directory.applications.findByName(tenant.tenantId, application.appId);
  await directory.applications.update(found?.objectId ?? newGuid(randomBytes), (before) => ({
    ...before,
    federatedCredentials: credentials.map((one, at) => ({
      ...{ id: newGuid(randomBytes), name: `c${at}`, description: undefined, issuer, subject, audience },
      ...one,
    })),
  }));
}

/** As Kubernetes writes them. */
const claims = (more: Record<string, unknown> = {}) => {
  const seconds = Math.floor(identity.wall.now / 1000);
  return { iss: issuer, sub: subject, aud: [audience], iat: seconds, nbf: seconds, exp: seconds + 3600, ...more };
};
const token = (more: Record<string, unknown> = {}, key = own, header: object = {}) =>
  sign(claims(more), { alg: 'RS256', kid: 'k', ...header }, key.privateKey);

function grant(clientAssertion: string, clientId: string = identity.application.appId) {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_assertion: clientAssertion,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    scope: 'https://vault.azure.net/.default',
  });
  const tenant = identity.tenant.tenantId;
  return grantClientCredentials({ version: 2, tenant, form, authorization: undefined }, identity.grantOptions);
}
const refused = async (assertion: string | Promise<string>, code: number, text = '') => {
  const error = await grant(await assertion).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ code, message: expect.stringContaining(text) as unknown });
};

describe('a token of an issuer that an application trusts', () => {
  it('gives the application a token, and its keys are read once', async () => {
    const issued = await grant(await token());
    expect(decodeJwt(issued.token)).toMatchObject({ appid: identity.application.appId, appidacr: '2' });
    await grant(await token({ aud: audience, jti: 'another' }));
    expect(asked).toEqual(Object.keys(pages));
  });

  it.each([
    ['issuer', { iss: 'https://oidc.example.org/cluster' }, 700211, "issuer 'https://oidc.example.org/cluster'"],
    ['subject', { sub: 'system:serviceaccount:default:other' }, 700213, "subject 'system:"],
    ['letters of the subject', { sub: 'System:ServiceAccount:default:app' }, 7002138, 'case-sensitive comparison'],
    ['audience', { aud: ['a', 'b'] }, 700212, "audience 'a, b'"],
    ['no audience', { aud: [] }, 50027, 'JWT token is invalid'],
  ])('is refused, and no key asked for, when it says something else: %s', async (_what, more, code, text) => {
    await refused(token(more), code, text);
    expect(asked).toEqual([]);
  });

  it('gives a token where the claims are those of an expression, and no key is asked for where they are not', async () => {
    const github = 'https://token.actions.githubusercontent.com';
    pages[`${github}/.well-known/openid-configuration`] = { issuer: github, jwks_uri: 'https://oidc.example.org/keys' };
    const expression = "claims['sub'] matches 'repo:octo/*' and claims['job_workflow_ref'] eq 'octo/flows/a.yml@v1'";
    await trust({ issuer: github, subject: undefined, expression });
    const from = { iss: github, job_workflow_ref: 'octo/flows/a.yml@v1', sub: 'repo:octo/app:pull_request' };
    await refused(token({ ...from, sub: 'repo:Octo/app:pull_request' }), 700213);
    await refused(token({ ...from, job_workflow_ref: undefined }), 700213);
    await refused(token({ ...from, aud: 'other' }), 700212);
    await refused(token({ ...from, iss: 'https://gitlab.com' }), 700211);
    expect(asked).toEqual([]);
    await refused(token(from, other), 700027);
    await expect(grant(await token(from))).resolves.toBeDefined();
  });

  it('is refused outside its time', async () => {
    const seconds = Math.floor(identity.wall.now / 1000);
    await refused(token({ exp: seconds }), 700024);
    await refused(token({ nbf: seconds + 1 }), 700024);
    await expect(grant(await token({ nbf: seconds, exp: seconds + 1 }))).resolves.toBeDefined();
  });

  it('is refused with other keys, algorithms and claims than were signed', async () => {
    await refused(token({}, other), 700027, 'use of the key to verify the signature failed');
    await refused(token({}, own, { kid: 'gone' }), 7000272, 'identifier gone used to sign');
    await refused(token({}, own, { kid: undefined }), 5002723);
    await refused(token({}, own, { alg: 'PS256' }), 5002738);
    const secret = new Uint8Array(own.publicKey.export({ type: 'spki', format: 'der' }));
    await refused(sign(claims(), { alg: 'HS256', kid: 'k' }, secret), 5002738);
    const signed = await token({ sub: 'system:serviceaccount:default:other' });
    await refused(forge(signed, 'claims', { sub: subject }), 700027);
    await refused(forge(await token(), 'header', { jwk: jwk('k', other) }), 700027);
  });

  it('is refused when nobody is trusted, also a managed identity', async () => {
    await trust();
    await refused(token(), 70025, `The client '${identity.application.appId}'(ci) has no configured`);
    const error = await grant(await token(), identity.managed.appId).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 70025 });
  });

  it('gives a token of a user-assigned identity that trusts it', async () => {
    const resourceId = `/subscriptions/s/resourceGroups/g/providers/${identityType}/worker`;
    const worker = await identity.principals.create({
      ...{ tenantId: identity.tenant.tenantId, displayName: 'worker', kind: 'managedIdentity', resourceId },
    });
    identity.identityTrust.set(resourceId, [{ issuer, subject, audience }]);
    await grant(await token({}, other), worker.appId).catch(() => undefined);
    expect(identity.proved).toEqual(new Set());
    const issued = await grant(await token(), worker.appId);
    expect(decodeJwt(issued.token)).toMatchObject({ appid: worker.appId, xms_mirid: resourceId });
    // What it does is no longer the server's own doing.
    expect(identity.proved).toEqual(new Set([worker.objectId]));
    const expression = "claims['sub'] matches 'repo:octo/*'";
    identity.identityTrust.set(resourceId, [{ issuer: 'https://gitlab.com', expression, audience }]);
    const from = { iss: 'https://gitlab.com', sub: 'repo:octo/app' };
    await expect(grant(await token({ ...from, sub: 'repo:other/app' }), worker.appId)).rejects.toMatchObject({
      code: 700213,
    });
    pages['https://gitlab.com/.well-known/openid-configuration'] = {
      issuer: from.iss,
      jwks_uri: 'https://oidc.example.org/keys',
    };
    const matched = await grant(await token(from), worker.appId);
    expect(decodeJwt(matched.token)).toMatchObject({ xms_mirid: resourceId });
  });
});

describe('the keys of an issuer', () => {
  const later = (seconds: number): void => {
    identity.wall.now = instant(identity.wall.now + seconds * 1000);
  };

  it('are read again for a key that is new, at most every half minute', async () => {
    await grant(await token());
    pages['https://oidc.example.org/keys'] = { keys: [jwk('next', other)] };
    await refused(token({}, other, { kid: 'next' }), 7000272);
    expect(asked).toHaveLength(2);
    later(30);
    await expect(grant(await token({}, other, { kid: 'next' }))).resolves.toBeDefined();
    await refused(token(), 7000272);
    expect(asked).toHaveLength(4);
  });

  it('are read again after an hour, so that a key that is gone counts no more', async () => {
    await grant(await token());
    pages['https://oidc.example.org/keys'] = { keys: [] };
    later(3599);
    await expect(grant(await token())).resolves.toBeDefined();
    later(1);
    await refused(token(), 7000272);
  });

  it('are read once for many requests at once', async () => {
    await Promise.all(Array.from({ length: 20 }, async () => grant(await token())));
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['no metadata', {}],
    ['metadata of another', { issuer: 'https://oidc.example.org/other', jwks_uri: 'https://oidc.example.org/keys' }],
    ['keys nowhere', { issuer, jwks_uri: 'https://oidc.example.org/none' }],
    ['keys that are none', { issuer, jwks_uri: 'https://oidc.example.org/cluster/.well-known/openid-configuration' }],
  ])('are asked for no more than every half minute when there are none: %s', async (_what, metadata) => {
    pages['https://oidc.example.org/cluster/.well-known/openid-configuration'] = metadata;
    await refused(token(), 50166, 'Request to External OIDC endpoint failed.');
    const { length } = asked;
    await refused(token(), 50166);
    expect(asked).toHaveLength(length);
    later(30);
    await refused(token(), 50166);
    expect(asked).toHaveLength(2 * length);
  });

  it('count only when they are RSA, long enough and for signatures', async () => {
    const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
    pages['https://oidc.example.org/keys'] = {
      keys: [jwk('k', short), jwk('enc', own, { use: 'enc' }), { kid: 'odd', kty: 'RSA', n: '!', e: 'AQAB' }, 7, null],
    };
    await refused(token(), 7000272);
    await refused(token({}, own, { kid: 'enc' }), 7000272);
    await refused(token({}, own, { kid: 'odd' }), 7000272);
  });
});

describe('a token of a managed identity, for an application that trusts the identity', () => {
  const workerOf = (resourceId: string) =>
    identity.principals.create({
      ...{ tenantId: identity.tenant.tenantId, displayName: 'worker', kind: 'managedIdentity', resourceId },
    });
  const ownIssuer = () => `https://login.microsoftonline.com/${identity.tenant.tenantId}/v2.0`;
  const mint = async (objectId: Parameters<typeof identity.mintToken>[0], resource: string = audience) => {
    const minted = await identity.mintToken(objectId, resource);
    return minted.outcome === 'token' ? minted.token : '';
  };

  it('gives the token of the application, without any network', async () => {
    const worker = await workerOf(`/subscriptions/s/resourceGroups/g/providers/${identityType}/worker`);
    await trust({ issuer: ownIssuer(), subject: worker.objectId });
    const assertion = await mint(worker.objectId);
    expect(decodeJwt(assertion)).toMatchObject({
      ...{ aud: 'fb60f99c-7a34-4190-8149-302f77469936', iss: ownIssuer(), ver: '2.0', idtyp: 'app' },
      sub: worker.objectId,
    });
    const issued = await grant(assertion);
    expect(decodeJwt(issued.token)).toMatchObject({ appid: identity.application.appId, appidacr: '2' });
    expect(asked).toEqual([]);
    await refused(forge(assertion, 'claims', { exp: claims().exp + 1 }), 700027);
    await identity.principals.setEnabled(worker.objectId, false);
    await refused(assertion, 700222);
  });

  it('is refused for another audience, and from what is no user-assigned identity', async () => {
    const { managed, application } = identity;
    const worker = await workerOf(`/subscriptions/s/resourceGroups/g/providers/${identityType}/worker`);
    await trust({ issuer: ownIssuer(), subject: worker.objectId }, { issuer: ownIssuer(), subject: managed.objectId });
    await refused(mint(worker.objectId, `api://${application.appId}`), 700211); // of version 1, another issuer
    await refused(mint(managed.objectId), 700222);
    await trust({ issuer: ownIssuer(), subject: worker.objectId, audience: tokenExchangeId });
    await refused(mint(worker.objectId), 700212);
  });

  it('is refused for a managed identity', async () => {
    const resourceId = `/subscriptions/s/resourceGroups/g/providers/${identityType}/worker`;
    const worker = await workerOf(resourceId);
    identity.identityTrust.set(resourceId, [{ issuer: ownIssuer(), subject: worker.objectId, audience }]);
    const assertion = await mint(worker.objectId);
    const error = await grant(assertion, worker.appId).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 700222 });
  });
});

const tokenExchangeId = 'fb60f99c-7a34-4190-8149-302f77469936';
