import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

/** Requests and answers as recorded from Azure in 2021. */
describe('tags at a scope', () => {
  let arm: ArmFixture;
  const subscription = () => `/subscriptions/${arm.subscriptionId}`;
  const group = () => `${subscription()}/resourceGroups/rg`;
  const identity = () => `${group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one`;
  const get = (path: string, version = '2022-09-01') => arm.send('GET', `${path}?api-version=${version}`);
  const send = (method: string, scope: string, body?: unknown) =>
    arm.send(
      method,
      `${scope}/providers/Microsoft.Resources/tags/default?api-version=2022-09-01`,
      body === undefined ? {} : { body },
    );

  beforeAll(async () => {
    arm = await startArm();
    await arm.send('PUT', `${group()}?api-version=2022-09-01`, { body: { location: 'eastus' } });
    await arm.send('PUT', `${identity()}?api-version=2023-01-31`, { body: { location: 'eastus' } });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('Tags_CreateOrUpdateAtScope, Tags_UpdateAtScope, Tags_DeleteAtScope: replace, merge and delete', async () => {
    for (const scope of [subscription(), group(), identity()]) {
      const shown = (tags: unknown) => ({
        id: `${scope}/providers/Microsoft.Resources/tags/default`,
        name: 'default',
        type: 'Microsoft.Resources/tags',
        properties: { tags },
      });
      const put = await send('PUT', scope, { properties: { tags: { one: '1', two: '2' } } });
      expect(put).toMatchObject({ status: 200 });
      expect(put.body).toEqual(shown({ one: '1', two: '2' }));
      const patch = async (operation: string, tags: unknown) =>
        (await send('PATCH', scope, { operation, properties: { tags } })).body;
      expect(await patch('Merge', { ONE: '1', three: '3' })).toEqual(shown({ two: '2', ONE: '1', three: '3' }));
      expect(await patch('Replace', { one: '1', four: '4', five: '5' })).toEqual(
        shown({ one: '1', four: '4', five: '5' }),
      );
      expect(await patch('Delete', { four: 'other', FIVE: '5', one: '' })).toEqual(shown({ four: '4' }));
      expect((await send('GET', scope)).body).toEqual(shown({ four: '4' }));
      const version = scope === identity() ? '2023-01-31' : '2022-09-01';
      expect((await get(scope, version)).body).toMatchObject({ tags: { four: '4' } });
      expect(await send('DELETE', scope)).toMatchObject({ status: 200, text: '' });
      expect((await send('GET', scope)).body).toEqual(shown({}));
    }
  });

  it('Tags_GetAtScope: refuses what is not there, what has no tags, and other operations', async () => {
    expect(await send('GET', identity().replace(/one$/, 'two'))).toMatchObject({ status: 404 });
    const body = { operation: 'Forget', properties: { tags: {} } };
    expect(await send('PATCH', group(), body)).toMatchObject({ status: 400 });
    const credential = `${identity()}/federatedIdentityCredentials/one`;
    await arm.send('PUT', `${credential}?api-version=2023-01-31`, {
      body: { properties: { issuer: 'https://i.example.com', subject: 's', audiences: ['a'] } },
    });
    expect(await send('GET', credential)).toMatchObject({ status: 400 });
  });

  it('Tags_UpdateAtScope: never more than fifty', async () => {
    const tags = (from: number) => Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`t${from + at}`, '']));
    expect(await send('PUT', group(), { properties: { tags: tags(0) } })).toMatchObject({ status: 200 });
    const merged = await send('PATCH', group(), { operation: 'Merge', properties: { tags: tags(30) } });
    expect(merged).toMatchObject({ status: 400, body: { error: { code: 'InvalidRequestContent' } } });
    expect((await send('GET', group())).body).toMatchObject({ properties: { tags: tags(0) } });
  });
});
