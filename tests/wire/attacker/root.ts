import { describe, expect, it } from 'vitest';
import { serviceVaultName } from '../../../src/server/service-vault.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { audiences, hosts } from './attacked.ts';

const azureCli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const assignments = '/providers/Microsoft.Authorization/roleAssignments';
/** Everything that roles can give, in the resource manager and in vaults. */
const roles = {
  Owner: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
  'Key Vault Administrator': '00482a5a-887f-4fb3-b363-3b7fe8e74483',
} as const;

export function describeRoot(attacked: () => Attacked): void {
  const signIn = async (audience: string): Promise<string> => {
    const { environment, send } = attacked();
    const { principalName = '', password = '' } = environment.user ?? {};
    const form = { grant_type: 'password', client_id: azureCli, username: principalName, password };
    const answer = await send({
      ...{ host: hosts.entra, method: 'POST', path: `/${environment.tenantId}/oauth2/v2.0/token` },
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...form, scope: `${audience}/.default` }).toString(),
    });
    return (answer.body as { access_token: string }).access_token;
  };
  const ask = (token: string, host: string, method: string, path: string, body?: object): Promise<Outcome> =>
    attacked().attempt(host, method, path, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const idOf = (text: string): string => (JSON.parse(text) as { id: string }).id;

  describe('a role at /', () => {
    it('opens nothing beside the resource manager and what it says of vaults, and is gone when it is taken away', async () => {
      const { environment, owner, people, group } = attacked();
      const arm = await signIn(audiences.arm);
      const version = 'api-version=2022-04-01';
      const elevate = '/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01';
      // Not the own application, which portals act as, nor anybody who says so.
      const denied = { status: 403, code: 'AuthorizationFailed' };
      for (const person of [owner, people.nobody, people.contributor, people.foreigner])
        expect(await ask(await attacked().tokenFor(audiences.arm, person), hosts.arm, 'POST', elevate)).toMatchObject(
          denied,
        );
      expect(await ask(arm, hosts.arm, 'POST', elevate)).toMatchObject({ status: 200, text: '' });
      const { objectId: user = '' } = environment.user ?? {};
      // The holder is an application that has nothing else.
      const holder = people.ofRoot;
      const given: string[] = [];
      for (const [role, id] of Object.entries(roles)) {
        const properties = { roleDefinitionId: id, principalId: holder.objectId };
        const name = crypto.randomUUID();
        const answer = await ask(arm, hosts.arm, 'PUT', `${assignments}/${name}?${version}`, { properties });
        expect(answer.status, `${role} ${answer.text}`).toBe(201);
        given.push(idOf(answer.text));
      }
      const token = (audience: string) => attacked().tokenFor(audience, holder);
      const ofArm = await token(audiences.arm);
      expect((await ask(ofArm, hosts.arm, 'GET', `${group}?api-version=2021-04-01`)).status).toBe(200);
      const ofVault = await token(audiences.vault);
      const key = '/keys/k?api-version=7.4';
      expect(await ask(ofVault, hosts.vault, 'GET', key)).toMatchObject({ status: 403, code: 'Forbidden' });
      const service = `${serviceVaultName}.vault.azure.net`;
      for (const path of ['/keys?api-version=7.4', key])
        expect((await ask(ofVault, service, 'GET', path)).status, path).toBe(401);
      const ofCluster = await token(audiences.cluster);
      const query = { db: 'db1', csl: 'Rows' };
      const asked = await ask(ofCluster, hosts.cluster, 'POST', '/v1/rest/query', query);
      expect(asked).toMatchObject({ status: 403, code: 'Forbidden' });
      const ofGraph = await token('https://graph.microsoft.com');
      expect((await ask(ofGraph, 'graph.microsoft.com', 'GET', '/v1.0/users')).status).toBe(403);
      for (const path of ['/environment', '/status', '/portal/session', `/portal/planes/${hosts.arm}${group}`])
        expect((await ask(ofArm, hosts.control, 'GET', path)).status, path).toBeGreaterThanOrEqual(401);
      expect(await ask(ofArm, hosts.arm, 'POST', elevate)).toMatchObject(denied);
      // Taken away by whoever may, with the answer.
      for (const id of given) expect((await ask(arm, hosts.arm, 'DELETE', `${id}?${version}`)).status).toBe(200);
      expect(await ask(ofArm, hosts.arm, 'GET', `${group}?api-version=2021-04-01`)).toMatchObject(denied);
      const filter = `$filter=${encodeURIComponent(`principalId eq '${user}'`)}`;
      const held = await ask(arm, hosts.arm, 'GET', `${assignments}?${filter}&${version}`);
      const own = (JSON.parse(held.text) as { value: readonly { id: string; properties: { scope: string } }[] }).value;
      for (const { id } of own.filter(({ properties }) => properties.scope === '/'))
        expect((await ask(arm, hosts.arm, 'DELETE', `${id}?${version}`)).status).toBe(200);
      expect(await ask(arm, hosts.arm, 'GET', `${assignments}?${version}`)).toMatchObject(denied);
    });
  });
}
