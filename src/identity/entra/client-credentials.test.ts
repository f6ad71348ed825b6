import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { instant } from '../../clock/clock.ts';
import { startIdentity } from '../identity.fixture.ts';
import type { Identity } from '../identity.fixture.ts';
import { grantClientCredentials } from './client-credentials.ts';

const secretOf = (identity: Identity) => ({
  grant_type: 'client_credentials',
  client_id: identity.application.appId,
  client_secret: identity.secret,
  scope: 'https://vault.azure.net/.default',
});

function grant(
  identity: Identity,
  fields: Record<string, string> = {},
  tenant: string = identity.tenant.tenantId,
  version: 1 | 2 = 2,
) {
  const form = new URLSearchParams({ ...secretOf(identity), ...fields });
  return grantClientCredentials({ version, tenant, form, authorization: undefined }, identity.grantOptions);
}

describe('client credentials', () => {
  it('give a token that the vault takes', async () => {
    const identity = await startIdentity();
    const { token, expiresIn, notBefore, expires } = await grant(identity);
    expect({ expiresIn, life: expires - notBefore }).toEqual({ expiresIn: 3599, life: 3900 });
    expect(await identity.verifyToken(`Bearer ${token}`, ['https://vault.azure.net'])).toMatchObject({
      outcome: 'valid',
    });
  });

  it.each([
    'https://management.azure.com',
    'https://management.azure.com/',
    'https://management.core.windows.net/',
    'https://graph.microsoft.com/',
    'https://vault.azure.net',
    'https://vault.azure.net/',
    'cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
    'spn:cfa8b339-82a2-471a-a3c9-0fc0be7a4093',
    'https://kusto.kusto.windows.net',
    'https://help.kusto.windows.net',
    'https://mycluster.westeurope.kusto.windows.net',
    'https://ingest-mycluster.westeurope.kusto.windows.net/',
  ])('keep the audience %s as it was asked, in version 1 tokens from both endpoints', async (resource) => {
    const identity = await startIdentity();
    const tokens = [
      await grant(identity, { scope: `${resource}/.default` }),
      await grant(identity, { resource }, undefined, 1),
    ];
    for (const { token } of tokens) expect(decodeJwt(token)).toMatchObject({ aud: resource, ver: '1.0', idtyp: 'app' });
  });

  it('know their tenant by its domain too', async () => {
    const identity = await startIdentity();
    const { token } = await grant(identity, {}, 'Kustody.onmicrosoft.com');
    expect(decodeJwt(token).iss).toBe(`https://sts.windows.net/${identity.tenant.tenantId}/`);
  });

  it('take the application id without regard to case', async () => {
    const identity = await startIdentity();
    await expect(grant(identity, { client_id: identity.application.appId.toUpperCase() })).resolves.toBeDefined();
  });

  it('work with an old and a new secret while both are valid', async () => {
    const identity = await startIdentity();
    const added = await identity.principals.addSecret(identity.application.objectId, instant(identity.wall.now + 1000));
    await expect(grant(identity)).resolves.toBeDefined();
    await expect(grant(identity, { client_secret: added?.secret ?? '' })).resolves.toBeDefined();
    identity.wall.now = instant(identity.wall.now + 1000);
    await expect(grant(identity, { client_secret: added?.secret ?? '' })).rejects.toMatchObject({
      row: 'SecretExpired',
    });
    await expect(grant(identity)).resolves.toBeDefined();
  });
});

describe('client credentials are refused', () => {
  const unknown = '11111111-2222-4333-8444-555555555555';
  const cases: readonly [string, number, string, string, (identity: Identity) => Promise<unknown>][] = [
    ['an unknown tenant', 90002, 'invalid_request', `Tenant '${unknown}' not found.`, (i) => grant(i, {}, unknown)],
    ['an unknown domain', 90002, 'invalid_request', "Tenant 'x.example' not found.", (i) => grant(i, {}, 'x.example')],
    [
      'no tenant name',
      900023,
      'invalid_request',
      "identifier 'asdf' is neither a valid DNS name",
      (i) => grant(i, {}, 'asdf'),
    ],
    ['no tenant', 50059, 'invalid_request', 'No tenant-identifying information', (i) => grant(i, {}, 'common')],
    [
      'organizations',
      50059,
      'invalid_request',
      'No tenant-identifying information',
      (i) => grant(i, {}, 'organizations'),
    ],
    [
      'an unknown application',
      700016,
      'unauthorized_client',
      `'${unknown}' was not found in the directory 'Kustody'`,
      (i) => grant(i, { client_id: unknown }),
    ],
    [
      'an application that is no GUID',
      700016,
      'unauthorized_client',
      "'app' was not found",
      (i) => grant(i, { client_id: 'app' }),
    ],
    [
      'a wrong secret',
      7000215,
      'invalid_client',
      'Invalid client secret provided. Ensure',
      (i) => grant(i, { client_secret: 'wrong' }),
    ],
    [
      'the id of the secret',
      7000215,
      'invalid_client',
      'not the client secret ID',
      (i) => grant(i, { client_secret: i.secretKeyId ?? '' }),
    ],
    [
      'a managed identity',
      7000215,
      'invalid_client',
      'Invalid client secret',
      (i) => grant(i, { client_id: i.managed.appId }),
    ],
    [
      'an unknown resource',
      500011,
      'invalid_resource',
      'The resource principal named https://x.example was not found in the tenant named',
      (i) => grant(i, { scope: 'https://x.example/.default' }),
    ],
    [
      'another host that ends like a cluster',
      500011,
      'invalid_resource',
      'The resource principal named',
      (i) => grant(i, { scope: 'https://a.b.c.kusto.windows.net/.default' }),
    ],
    [
      'a managed identity as resource',
      500011,
      'invalid_resource',
      'The resource principal named',
      (i) => grant(i, { scope: `${i.managed.appId}/.default` }),
    ],
    [
      'a scope without .default',
      1002012,
      'invalid_scope',
      'The provided value for scope User.Read is not valid.',
      (i) => grant(i, { scope: 'User.Read' }),
    ],
  ];

  it.each(cases)('for %s: AADSTS%i', async (_name, code, error, text, ask) => {
    const identity = await startIdentity();
    await expect(ask(identity)).rejects.toMatchObject({ code, error });
    await expect(ask(identity)).rejects.toThrow(text);
  });

  it('when the secret or the application is gone, expired or disabled', async () => {
    const identity = await startIdentity();
    const { principals, application, wall, secretKeyId } = identity;
    await principals.setEnabled(application.objectId, false);
    await expect(grant(identity)).rejects.toMatchObject({ code: 7000112 });
    await principals.setEnabled(application.objectId, true);
    const start = wall.now;
    wall.now = instant(start + 86_400_000);
    await expect(grant(identity)).rejects.toMatchObject({ code: 7000222, status: 401 });
    await expect(grant(identity, { client_secret: 'wrong' })).rejects.toMatchObject({ code: 7000215 });
    wall.now = start;
    await principals.removeSecret(application.objectId, secretKeyId ?? application.objectId);
    await expect(grant(identity)).rejects.toMatchObject({ code: 7000215 });
    await principals.delete(application.objectId);
    await expect(grant(identity)).rejects.toMatchObject({ code: 700016 });
  });

  it('in another tenant, and in a hidden one as if it did not exist', async () => {
    const identity = await startIdentity();
    const { tenants, wall, principals } = identity;
    const other = await tenants.create({
      displayName: 'Other',
      domains: ['o.example'],
      hidden: false,
      createdAt: wall.now,
    });
    await expect(grant(identity, {}, other.tenantId)).rejects.toMatchObject({ code: 700016 });
    const hidden = await tenants.create({ displayName: 'H', domains: [], hidden: true, createdAt: wall.now });
    const service = await principals.create({ tenantId: hidden.tenantId, displayName: 's', kind: 'service' });
    await expect(grant(identity, { client_id: service.appId }, hidden.tenantId)).rejects.toMatchObject({ code: 90002 });
  });

  it('before they say whether a resource exists', async () => {
    const identity = await startIdentity();
    const scope = 'https://x.example/.default';
    await expect(grant(identity, { scope, client_secret: 'wrong' })).rejects.toMatchObject({ code: 7000215 });
  });

  it('without the secret in the text', async () => {
    const identity = await startIdentity();
    const wrong = newGuid(identity.randomBytes);
    const refusals = [
      grant(identity, { client_secret: wrong }),
      grant(identity, { client_secret: wrong, client_id: 'x' }),
    ];
    for (const refusal of refusals) await expect(refusal).rejects.not.toThrow(wrong);
  });
});
