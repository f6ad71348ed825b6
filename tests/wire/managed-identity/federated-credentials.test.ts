import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

const version = 'api-version=2023-01-31';

/** Answers as recorded from Azure in March and May 2023. */
describe('federated identity credentials', () => {
  let arm: ArmFixture;
  const identity = (name: string): string =>
    `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
  const shown = (id: string): string => id.replace('/resourceGroups/', '/resourcegroups/');
  const path = (of: string, name: string): string => `${identity(of)}/federatedIdentityCredentials/${name}`;
  const trust = (subject: string) => ({
    issuer: 'https://oidc.example.com/issuer/',
    subject,
    audiences: ['api://AzureADTokenExchange'],
  });
  const send = (method: string, at: string, properties?: unknown) =>
    arm.send(method, `${at}?${version}`, properties === undefined ? {} : { body: { properties } });

  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    for (const name of ['first', 'full', 'goes']) {
      const made = await arm.send('PUT', `${identity(name)}?${version}`, { body: { location: 'eastus' } });
      expect(made.status).toBe(201);
    }
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('FederatedIdentityCredentials_CreateOrUpdate, FederatedIdentityCredentials_Get, FederatedIdentityCredentials_List, FederatedIdentityCredentials_Delete: one from its making to its end', async () => {
    const one = path('first', 'one');
    const made = await send('PUT', one, trust('system:serviceaccount:ns:a'));
    expect(made).toMatchObject({ status: 201, headers: { location: shown(one) } });
    expect(made.body).toEqual({
      id: shown(one),
      name: 'one',
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
      properties: trust('system:serviceaccount:ns:a'),
    });
    const changed = await send('PUT', path('first', 'ONE'), trust('system:serviceaccount:ns:b'));
    expect(changed).toMatchObject({ status: 200, body: { name: 'one', properties: { subject: /b$/ } } });
    expect(changed.headers['location']).toBeUndefined();
    expect((await send('GET', one)).body).toEqual(changed.body);
    const list = identity('first') + '/federatedIdentityCredentials';
    expect(await send('GET', list)).toMatchObject({ status: 200, body: { value: [changed.body] } });
    expect(await send('DELETE', one)).toMatchObject({ status: 200, text: '' });
    expect(await send('DELETE', one)).toMatchObject({ status: 204 });
    expect(await send('GET', one)).toMatchObject({
      status: 404,
      body: { error: { code: 'NotFound', message: `Resource '${shown(one)}' was not found.` } },
    });
    expect((await send('GET', list)).body).toEqual({ value: [] });
  });

  it('FederatedIdentityCredentials_CreateOrUpdate: refuses what names no issuer, subject or single audience', async () => {
    const wrong = [
      {},
      { ...trust('s'), issuer: '' },
      { ...trust('s'), issuer: 'http://plain.example.com' },
      { ...trust('s'), subject: 'x'.repeat(601) },
      { ...trust('s'), audiences: [] },
      { ...trust('s'), audiences: ['a', 'b'] },
    ];
    for (const properties of wrong) {
      const refused = await send('PUT', path('first', 'wrong'), properties);
      expect(refused, JSON.stringify(properties)).toMatchObject({
        status: 400,
        body: { error: { code: 'BadRequest' } },
      });
    }
    expect(await send('PUT', path('first', 'ab'), trust('s'))).toMatchObject({ status: 400 });
  });

  it('FederatedIdentityCredentials_CreateOrUpdate: holds twenty with different subjects, also when made at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, at) => send('PUT', path('full', `same-${at}`), trust('same'))),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(1);
    for (let at = 1; at < 20; at++) {
      expect(await send('PUT', path('full', `other-${at}`), trust(`subject-${at}`))).toMatchObject({ status: 201 });
    }
    expect(await send('PUT', path('full', 'last'), trust('last'))).toMatchObject({
      status: 400,
      body: { error: { code: 'BadRequest' } },
    });
    expect(await send('PUT', path('full', 'other-1'), trust('changed'))).toMatchObject({ status: 200 });
  });

  it('go with their identity, and are refused without one', async () => {
    await send('PUT', path('goes', 'one'), trust('s'));
    expect(await arm.send('DELETE', `${identity('goes')}?${version}`)).toMatchObject({ status: 200 });
    const refused = await send('DELETE', path('goes', 'one'));
    expect(refused).toMatchObject({
      status: 404,
      body: {
        error: {
          code: 'ParentResourceNotFound',
          message: `Failed to perform 'delete' on resource(s) of type 'userAssignedIdentities/federatedIdentityCredentials', because the parent resource '${identity('goes')}' could not be found.`,
        },
      },
    });
    await arm.send('PUT', `${identity('goes')}?${version}`, { body: { location: 'eastus' } });
    expect((await send('GET', `${identity('goes')}/federatedIdentityCredentials`)).body).toEqual({ value: [] });
  });

  it('are unknown to older api-versions', async () => {
    const old = await arm.send('GET', `${path('first', 'one')}?api-version=2018-11-30`);
    expect(old).toMatchObject({ status: 400, body: { error: { code: 'NoRegisteredProviderFound' } } });
  });
});
