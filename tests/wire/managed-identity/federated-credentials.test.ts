import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { trustOfIdentity } from '../../../src/providers/managed-identity/federated-credentials.ts';
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
    for (const name of ['first', 'full', 'goes', 'flexible']) {
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

  describe('with a claims matching expression', () => {
    const value = "claims['sub'] matches 'repo:octo/*'";
    const flexible = (expression: unknown = { value, languageVersion: 1 }, more: object = {}) => ({
      issuer: 'https://token.actions.githubusercontent.com',
      audiences: ['api://AzureADTokenExchange'],
      ...more,
      claimsMatchingExpression: expression,
    });
    const preview = (method: string, at: string, properties?: unknown, of = '2025-01-31-preview') =>
      arm.send(method, `${at}?api-version=${of}`, properties === undefined ? {} : { body: { properties } });
    const messageOf = ({ status, body }: { status: number; body: unknown }) => [
      status,
      (body as { error?: { message?: string } }).error?.message,
    ];

    it('FederatedIdentityCredentials_CreateOrUpdate: in place of a subject, and the identity trusts what it says', async () => {
      const at = path('flexible', 'branches');
      const made = await preview('PUT', at, flexible(undefined, { subject: null }));
      expect(made).toMatchObject({ status: 201, body: { name: 'branches' } });
      expect((made.body as { properties: unknown }).properties).toEqual(flexible());
      expect((await preview('GET', at, undefined, '2025-05-31-preview')).body).toEqual(made.body);
      expect(await preview('PUT', path('flexible', 'again'), flexible())).toMatchObject({ status: 400 });
      await expect(trustOfIdentity(arm.state, identity('FLEXIBLE'))).resolves.toEqual([
        { issuer: flexible().issuer, subject: undefined, expression: value, audience: 'api://AzureADTokenExchange' },
      ]);
      // Of the same issuer, one for all branches and one for a subject.
      const subject = { ...flexible(null), subject: 'repo:octo/app:pull_request' };
      expect(await preview('PUT', path('flexible', 'plain'), subject)).toMatchObject({ status: 201 });
      // What an older version has no word for.
      const { issuer, audiences } = flexible();
      const older = (await send('GET', at)).body as { properties: unknown };
      expect(older.properties).toEqual({ issuer, audiences });
      expect(await preview('PUT', at, subject)).toMatchObject({ status: 400 });
    });

    it.each([
      ['one beside a subject', flexible(undefined, { subject: 's' }), /either 'subject' or/],
      ['neither', flexible(null), /either 'subject' or/],
      ['another language', flexible({ value, languageVersion: 2 }), /'languageVersion' of a .* is 1\./],
      ['no language', flexible({ value }), /'languageVersion'/],
      ['no text', flexible({ languageVersion: 1 }), /'value' of the 'claimsMatchingExpression'/],
      ['what is no object', flexible('x'), /'languageVersion'/],
      ['a text without quotes', flexible({ value: "claims['sub'] matches a:*", languageVersion: 1 }), /'value'/],
      ['another claim', flexible({ value: "claims['aud'] eq 'a'", languageVersion: 1 }), /'value'/],
      ['another issuer', flexible(undefined, { issuer: 'https://oidc.example.com/issuer/' }), /for the issuer/],
    ])('FederatedIdentityCredentials_CreateOrUpdate: refuses %s', async (_what, properties, message) => {
      const refused = await preview('PUT', path('first', 'wrong'), properties);
      expect(messageOf(refused)).toEqual([400, expect.stringMatching(message)]);
    });

    it.each(['2023-01-31', '2024-11-30'])(
      'FederatedIdentityCredentials_CreateOrUpdate: is no property of %s',
      async (of) => {
        const text = `The property 'claimsMatchingExpression' is not supported in api-version ${of}.`;
        const both = flexible(undefined, { subject: 's' });
        expect(messageOf(await preview('PUT', path('first', 'wrong'), both, of))).toEqual([400, text]);
        expect(messageOf(await preview('PUT', path('first', 'wrong'), flexible(), of))).toEqual([400, text]);
      },
    );
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
