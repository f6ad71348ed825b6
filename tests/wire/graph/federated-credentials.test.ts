import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denied, errorOf, idOf, missing, startGraph, valueOf } from './graph.fixture.ts';
import type { Graph } from './graph.fixture.ts';

const trust = (name: string, subject = `repo:octo/app:ref:refs/heads/${name}`) => ({
  ...{ name, subject, issuer: 'https://token.actions.githubusercontent.com' },
  ...{ audiences: ['api://AzureADTokenExchange'], description: 'pipeline' },
});

describe('federated credentials of applications', () => {
  let graph: Graph;
  let application: string;
  let appId: string;
  beforeAll(async () => {
    graph = await startGraph();
    const made = await graph.admin('POST', '/applications', { displayName: 'trusting' });
    [application, appId] = [idOf(made), String(made.body['appId'])];
  });
  afterAll(() => graph.close());
  const list = (id = application) => `/applications/${id}/federatedIdentityCredentials`;
  const context = 'https://graph.microsoft.com/v1.0/$metadata#applications';

  it('Applications_CreateFederatedIdentityCredentials, Applications_GetFederatedIdentityCredentials, Applications_ListFederatedIdentityCredentials, Applications_UpdateFederatedIdentityCredentials, Applications_DeleteFederatedIdentityCredentials: one from its making to its end', async () => {
    const made = await graph.admin('POST', list(), trust('main'));
    const id = idOf(made);
    expect([made.status, made.headers['location']]).toEqual([201, `https://graph.microsoft.com/v1.0${list()}/${id}`]);
    expect(made.body).toEqual({
      '@odata.context': `${context}('${application}')/federatedIdentityCredentials/$entity`,
      ...{ id, ...trust('main') },
    });
    for (const key of [id, 'main', 'MAIN'])
      expect((await graph.admin('GET', `${list()}/${key}`)).body).toEqual(made.body);
    expect((await graph.admin('GET', `${list()}(name='main')`)).body).toEqual(made.body);
    expect((await graph.admin('GET', `/applications(appId='${appId}')/federatedIdentityCredentials`)).body).toEqual({
      '@odata.context': `${context}('${application}')/federatedIdentityCredentials`,
      value: [{ id, ...trust('main') }],
    });
    const changed = { subject: 'repo:octo/app:environment:production', description: null };
    expect((await graph.admin('PATCH', `${list()}/${id}`, changed)).status).toBe(204);
    expect(valueOf(await graph.admin('GET', list()))).toEqual([{ id, ...trust('main'), ...changed }]);
    expect((await graph.admin('DELETE', `${list()}/main`)).status).toBe(204);
    expect(errorOf(await graph.admin('DELETE', `${list()}/${id}`))).toEqual(missing(id));
    expect(valueOf(await graph.admin('GET', list()))).toEqual([]);
  });

  it('refuses what Graph refuses, and changes nothing then', async () => {
    const kept = await graph.admin('POST', list(), trust('kept'));
    const post = async (body: unknown) => errorOf(await graph.admin('POST', list(), body));
    expect(await post(trust('Kept', 'another'))).toEqual([
      ...[409, 'Request_MultipleObjectsWithSameKeyValue'],
      'FederatedIdentityCredential with name Kept already exists.',
    ]);
    const same = trust('other', trust('kept').subject);
    expect(await post(same)).toEqual([
      ...[400, 'InvalidFederatedIdentityCredentialValue'],
      `The combination of issuer and subject must be unique for the application. Issuer ${same.issuer} and Subject: ${same.subject} already exist. paramName: FederatedIdentityCredential.Subject, paramValue: ${same.subject}, objectType: Microsoft.Online.DirectoryServices.Application`,
    ]);
    const wrong: readonly [object, string][] = [
      [{ name: 'with space' }, 'Request_BadRequest'],
      [{ name: undefined }, 'Request_BadRequest'],
      [{ issuer: 'http://plain.example.org' }, 'InvalidFederatedIdentityCredentialValue'],
      [{ issuer: '' }, 'Request_BadRequest'],
      [{ subject: 'x'.repeat(601) }, 'Request_BadRequest'],
      [{ audiences: [] }, 'Request_BadRequest'],
      [{ audiences: ['a', 'b'] }, 'Request_BadRequest'],
      [{ stranger: 1 }, 'Request_BadRequest'],
    ];
    for (const [more, code] of wrong)
      expect((await post({ ...trust('wrong'), ...more })).slice(0, 2), JSON.stringify(more)).toEqual([400, code]);
    expect(await post({ ...trust('wrong'), claimsMatchingExpression: { value: 'x' } })).toEqual([
      ...[400, 'Request_BadRequest', "Invalid property 'claimsMatchingExpression'."],
    ]);
    const renamed = await graph.admin('PATCH', `${list()}/kept`, { name: 'renamed' });
    expect(errorOf(renamed)).toEqual([
      ...[400, 'Request_BadRequest', 'Name is immutable and cannot be changed after creation.'],
    ]);
    expect(valueOf(await graph.admin('GET', list()))).toEqual([{ id: idOf(kept), ...trust('kept') }]);
  });

  it('takes a claims matching expression in beta, in place of a subject, and has no answer for it in v1.0', async () => {
    const id = idOf(await graph.admin('POST', '/applications', { displayName: 'flexible' }));
    const value = "claims['sub'] matches 'repo:octo/*' and claims['job_workflow_ref'] eq 'octo/flows/a.yml@v1'";
    const flexible = (more: object = {}, expression: object = { value, languageVersion: 1 }) => ({
      ...{ ...trust('flexible'), subject: null, claimsMatchingExpression: expression },
      ...more,
    });
    const wrong: readonly [object, string][] = [
      [flexible({ subject: 'both' }), 'Request_BadRequest'],
      [flexible({}, { value, languageVersion: 2 }), 'Request_BadRequest'],
      [flexible({}, { value }), 'Request_BadRequest'],
      [flexible({}, { languageVersion: 1 }), 'Request_BadRequest'],
      [flexible({}, { value, languageVersion: 1, more: true }), 'Request_BadRequest'],
      [flexible({ issuer: 'https://gitlab.com' }), 'InvalidFederatedIdentityCredentialValue'],
      [flexible({}, { value: `${value} `, languageVersion: 1 }), 'InvalidFederatedIdentityCredentialValue'],
      [{ ...trust('none'), subject: null }, 'Request_BadRequest'],
    ];
    for (const [body, code] of wrong)
      expect(errorOf(await graph.admin('POST', `/beta${list(id)}`, body)).slice(0, 2), JSON.stringify(body)).toEqual([
        400,
        code,
      ]);
    const made = await graph.admin('POST', `/beta${list(id)}`, flexible());
    expect([made.status, made.headers['location']]).toEqual([
      ...[201, `https://graph.microsoft.com/beta${list(id)}/${idOf(made)}`],
    ]);
    expect(made.body).toEqual({
      '@odata.context': `https://graph.microsoft.com/beta/$metadata#applications('${id}')/federatedIdentityCredentials/$entity`,
      ...{ id: idOf(made), ...flexible() },
    });
    expect(errorOf(await graph.admin('POST', `/beta${list(id)}`, flexible({ name: 'again' })))[1]).toBe(
      'InvalidFederatedIdentityCredentialValue',
    );
    expect(valueOf(await graph.admin('GET', `/beta${list(id)}`))).toEqual([{ id: idOf(made), ...flexible() }]);
    expect(errorOf(await graph.admin('GET', list(id)))).toEqual([
      ...[500, 'InternalServerError'],
      "The property 'subject[Nullable=False]' of type 'Edm.String' has a null value, which is not allowed.",
    ]);
    const plain = { subject: 'repo:octo/app:pull_request', claimsMatchingExpression: null };
    expect((await graph.admin('PATCH', `/beta${list(id)}/flexible`, plain)).status).toBe(204);
    expect(valueOf(await graph.admin('GET', list(id)))).toEqual([
      { ...trust('flexible', plain.subject), id: idOf(made) },
    ]);
    expect((await graph.admin('PATCH', `/beta${list(id)}/flexible`, flexible())).status).toBe(204);
    expect(valueOf(await graph.admin('GET', `/beta${list(id)}`))).toEqual([{ id: idOf(made), ...flexible() }]);
    expect(errorOf(await graph.admin('GET', '/beta/users'))[0]).toBe(501);
  });

  it('holds twenty, also when they are made at once', async () => {
    const id = idOf(await graph.admin('POST', '/applications', { displayName: 'full' }));
    const made = await Promise.all(
      Array.from({ length: 24 }, (_, at) => graph.admin('POST', list(id), trust(`branch-${at}`))),
    );
    expect(made.filter(({ status }) => status === 201)).toHaveLength(20);
    const refused = made.find(({ status }) => status !== 201);
    expect(refused && errorOf(refused).slice(0, 2)).toEqual([403, 'Directory_QuotaExceeded']);
    expect(valueOf(await graph.admin('GET', list(id)))).toHaveLength(20);
  });

  it('is no business of an application without the right', async () => {
    expect(errorOf(await graph.stranger('POST', list(), trust('mine')))).toEqual(denied);
    expect(errorOf(await graph.stranger('GET', list()))).toEqual(denied);
  });
});
