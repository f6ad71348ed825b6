import inject from 'light-my-request';
import { describe, expect, it } from 'vitest';
import type { MintToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { silentLog } from '../../http/logging.ts';
import type { Principal } from '../principals/principal.ts';
import { createIdentityEndpoints, identityEndpointPath } from './identity-endpoints.ts';

const now = Date.parse('2031-03-04T05:06:07Z');
const identityOf = (resourceId: string): Principal => ({
  ...{ objectId: newGuid(systemRandomBytes), appId: newGuid(systemRandomBytes), tenantId: newGuid(systemRandomBytes) },
  ...{ displayName: 'worker', kind: 'managedIdentity', resourceId, enabled: true, accessTokenVersion: 1 },
  ...{ secrets: [], tags: [], owners: [], directoryRoles: [], createdAt: undefined },
});
const systemAssigned = () => identityOf('/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c');

function start(gone: ReadonlySet<Guid> = new Set()) {
  const mintToken: MintToken = (objectId, audience) =>
    Promise.resolve(
      gone.has(objectId)
        ? { outcome: 'refused', reason: `There is no principal ${objectId}.` }
        : { outcome: 'token', token: `${objectId} for ${audience}`, expiresOn: now + 86_400_000 },
    );
  const endpoints = createIdentityEndpoints({
    ...{ mintToken, randomBytes: systemRandomBytes, log: silentLog, wallClock: () => instant(now) },
  });
  const ask = async (header: string, query: Record<string, string> = {}) => {
    const answer = await inject(endpoints.plane.handle, {
      ...{ method: 'GET', url: identityEndpointPath, headers: { 'x-identity-header': header } },
      query: { 'api-version': '2019-08-01', resource: 'https://vault.azure.net', ...query },
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  return { endpoints, ask };
}

describe('endpoints of managed identities', () => {
  it('give each the tokens of its own identity alone, until they are closed', async () => {
    const { endpoints, ask } = start();
    const [one, two] = [systemAssigned(), systemAssigned()];
    const [first, second] = [endpoints.open(one), endpoints.open(two)];
    const token = { access_token: `${one.objectId} for https://vault.azure.net`, client_id: one.appId };
    expect(await ask(first?.header ?? '')).toMatchObject({
      status: 200,
      body: { ...token, token_type: 'Bearer', expires_on: '1930453567', not_before: '1930367167' },
    });
    expect((await ask(second?.header ?? '')).body['client_id']).toBe(two.appId);
    expect((await ask(first?.header ?? '', { client_id: two.appId })).status).toBe(400);
    if (first !== undefined) endpoints.close(first.id);
    expect((await ask(first?.header ?? '')).status).toBe(401);
    expect((await ask(second?.header ?? '')).status).toBe(200);
  });

  it('say why there is no token', async () => {
    const lost = systemAssigned();
    const { endpoints, ask } = start(new Set([lost.objectId]));
    const header = endpoints.open(lost)?.header ?? '';
    const message = `There is no principal ${lost.objectId}.`;
    expect(await ask(header)).toMatchObject({ status: 400, body: { statusCode: 400, message } });
    expect((await ask(header, { 'api-version': '2018-02-01' })).status).toBe(400);
    expect((await ask('', { 'api-version': '2018-02-01' })).status).toBe(401);
  });

  it('are so many and no more, and who had one stays known', () => {
    const { endpoints } = start();
    const identity = systemAssigned();
    const ids = Array.from({ length: 1_000 }, () => endpoints.open(identity)?.id);
    expect(new Set(ids).size).toBe(1_000);
    expect(endpoints.open(identity)).toBeUndefined();
    for (const id of ids) if (id !== undefined) endpoints.close(id);
    expect(endpoints.open(systemAssigned())).toBeDefined();
    // What it did meanwhile is told one by one, not as the server's own looks at its keys are.
    expect(endpoints.wasOpened(identity.objectId)).toBe(true);
    expect(endpoints.wasOpened(systemAssigned().objectId)).toBe(false);
  });
});
