import { beforeAll, describe, expect, it } from 'vitest';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import type { Attacked, Outcome, Person } from './attacked.ts';
import { audiences } from './attacked.ts';

const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const victimHost = 'victim.eastus.kusto.windows.net';
const vaultUri = 'https://victimvault.vault.azure.net/';
const keyPermissions = { keys: ['get', 'wrapKey', 'unwrapKey'] };

/** A cluster whose key was revoked, the identity of another team that may use the same key, and a principal that is Contributor on the
 * cluster alone. */
interface Scene {
  readonly cluster: string;
  /** The other team's identity, which opens the key. */
  readonly theirs: string;
  /** The contributor's own identity: it may be assigned, and opens nothing. */
  readonly own: string;
  readonly key: Readonly<Record<string, string>>;
  readonly permit: (principalId: string, operation?: 'add' | 'remove') => Promise<void>;
  readonly principalId: string;
}

async function setScene(attacked: Attacked): Promise<Scene> {
  const { arm, owner, people, group, subscription } = attacked;
  const done = async (outcome: Promise<Outcome>): Promise<unknown> => {
    const { status, text } = await outcome;
    if (status >= 300) throw new Error(`${status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const elsewhere = `${subscription}/resourceGroups/other-team`;
  await done(arm('PUT', elsewhere, { location: 'eastus' }));
  const identity = async (name: string): Promise<{ id: string; principalId: string }> => {
    const id = `${elsewhere}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
    const made = (await done(arm('PUT', id, { location: 'eastus' }))) as { properties: { principalId: string } };
    return { id, principalId: made.properties.principalId };
  };
  const theirs = await identity('theirs');
  const own = await identity('own');
  const vault = `${group}/providers/Microsoft.KeyVault/vaults/victimvault`;
  const policy = { tenantId: owner.tenantId, objectId: owner.objectId, permissions: { keys: ['all'] } };
  const properties = {
    ...{ tenantId: owner.tenantId, sku: { family: 'A', name: 'standard' }, enablePurgeProtection: true },
    ...{ enableSoftDelete: true, enableRbacAuthorization: false, accessPolicies: [policy] },
  };
  await done(arm('PUT', vault, { location: 'eastus', properties }));
  const made = await done(attacked.vault('POST', '/keys/k/create', { kty: 'RSA' }, new URL(vaultUri).host));
  const keyVersion = (made as { key: { kid: string } }).key.kid.split('/').at(-1) ?? '';
  const key = { keyName: 'k', keyVersion, keyVaultUri: vaultUri };
  const permit: Scene['permit'] = async (principalId, operation = 'add') => {
    const accessPolicies = [{ tenantId: owner.tenantId, objectId: principalId, permissions: keyPermissions }];
    await done(arm('PUT', `${vault}/accessPolicies/${operation}`, { properties: { accessPolicies } }));
  };
  const cluster = `${group}/providers/Microsoft.Kusto/clusters/victim`;
  const body = { location: 'eastus', sku, identity: { type: 'SystemAssigned' } };
  const created = (await done(arm('PUT', cluster, body))) as { identity: { principalId: string } };
  const { principalId } = created.identity;
  await permit(principalId);
  await permit(theirs.principalId);
  await done(arm('PATCH', cluster, { properties: { keyVaultProperties: key } }));
  await done(arm('PUT', `${cluster}/databases/db1`, { location: 'eastus', kind: 'ReadWrite' }));
  const owned = {
    principalId: people.contributor.objectId,
    principalType: 'App',
    role: 'Admin',
    tenantId: owner.tenantId,
  };
  await done(arm('PUT', `${cluster}/databases/db1/principalAssignments/c`, { properties: owned }));
  await giveRole(attacked, 'Contributor', people.contributor, cluster);
  await giveRole(attacked, 'Managed Identity Operator', people.contributor, own.id);
  return { cluster, theirs: theirs.id, own: own.id, key, permit, principalId };
}

async function giveRole(attacked: Attacked, roleName: string, person: Person, scope: string): Promise<string> {
  const roleDefinitionId = `${attacked.subscription}/providers/Microsoft.Authorization/roleDefinitions/${builtInRole(roleName).roleDefinitionId}`;
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${newGuid(systemRandomBytes)}`;
  const properties = { roleDefinitionId, principalId: person.objectId, principalType: 'ServicePrincipal' };
  const { status, text } = await attacked.arm('PUT', path, { properties });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return path;
}

export function describeIdentities(attacked: () => Attacked): void {
  describe("another team's identity", () => {
    let scene: Scene;
    beforeAll(async () => {
      scene = await setScene(attacked());
    });

    const contributor = (): Person => attacked().people.contributor;
    const rows = async (csl = 'print Secret = "of the victim"'): Promise<Outcome> =>
      attacked().attempt(victimHost, 'POST', '/v1/rest/query', {
        headers: {
          authorization: `Bearer ${await attacked().tokenFor(audiences.cluster, contributor())}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({ db: 'db1', csl }),
      });
    const state = async (): Promise<unknown> =>
      (JSON.parse((await attacked().arm('GET', scene.cluster)).text) as { properties: { state: string } }).properties
        .state;
    const checkKeys = async (): Promise<void> => {
      const headers = { authorization: `Bearer ${attacked().server.controlToken}` };
      const { status } = await attacked().attempt('localhost', 'POST', '/check-keys', { headers });
      expect(status).toBe(200);
    };
    const suspend = async (): Promise<void> => {
      await scene.permit(scene.principalId, 'remove');
      await checkKeys();
      expect(await state()).toBe('Unavailable');
      expect(await rows()).toMatchObject({ status: 503 });
    };
    const identityOf = (id: string): object => ({
      type: 'SystemAssigned, UserAssigned',
      userAssignedIdentities: { [id]: {} },
    });
    const through = (id: string): object => ({ keyVaultProperties: { ...scene.key, userIdentity: id } });
    const patch = (body: object): Promise<Outcome> => attacked().arm('PATCH', scene.cluster, body, contributor());

    it('does not bring a suspended cluster back for who may not assign it', async () => {
      expect(await rows()).toMatchObject({ status: 200 });
      await suspend();
      expect(await attacked().arm('GET', scene.theirs, undefined, contributor())).toMatchObject({ status: 403 });
      const bodies: readonly (readonly [string, object])[] = [
        ['PATCH', { identity: identityOf(scene.theirs), properties: through(scene.theirs) }],
        ['PATCH', { identity: identityOf(scene.theirs) }],
        ['PATCH', { identity: identityOf(`${scene.theirs.toUpperCase()}/`) }],
        ['PATCH', { properties: through(scene.theirs) }],
        ['PUT', { location: 'eastus', sku, identity: identityOf(scene.theirs), properties: through(scene.theirs) }],
      ];
      for (const [method, body] of bodies) {
        const answer = await attacked().arm(method, scene.cluster, body, contributor());
        expect(answer, JSON.stringify(body)).toMatchObject({ status: 403, code: 'LinkedAuthorizationFailed' });
      }
      const client = contributor();
      const { text } = await patch({ identity: identityOf(scene.theirs) });
      expect((JSON.parse(text) as { error: { message: string } }).error.message).toBe(
        `The client '${client.appId}' with object id '${client.objectId}' has permission to perform action 'Microsoft.Kusto/clusters/write' ` +
          `on scope '${scene.cluster}'; however, it does not have permission to perform action(s) '${assign}' ` +
          `on the linked scope(s) '${scene.theirs}' (respectively) or the linked scope(s) are invalid.`,
      );
      expect(await state()).toBe('Unavailable');
      expect(await rows()).toMatchObject({ status: 503 });
    });

    it('opens nothing by being one that the caller may assign', async () => {
      const answer = await patch({ identity: identityOf(scene.own), properties: through(scene.own) });
      expect(answer).toMatchObject({ status: 400, code: 'IdentityDoesNotHaveAccessToKeyVault' });
      expect(await state()).toBe('Unavailable');
      expect(await rows()).toMatchObject({ status: 503 });
    });

    it('brings the cluster back for who may assign it, with the same key and nothing else', async () => {
      const given = await giveRole(attacked(), 'Managed Identity Operator', contributor(), scene.theirs);
      const next = await attacked().vault('POST', '/keys/k/create', { kty: 'RSA' }, new URL(vaultUri).host);
      const { kid } = (JSON.parse(next.text) as { key: { kid: string } }).key;
      const { keyName, keyVaultUri } = scene.key;
      const otherKeys = [
        { keyName, keyVaultUri, keyVersion: kid.split('/').at(-1) },
        { keyName, keyVaultUri },
      ];
      for (const key of otherKeys) {
        const properties = { keyVaultProperties: { ...key, userIdentity: scene.theirs } };
        const answer = await patch({ identity: identityOf(scene.theirs), properties });
        expect(answer).toMatchObject({ status: 400, code: 'IdentityDoesNotHaveAccessToKeyVault' });
        expect(await state()).toBe('Unavailable');
      }
      const answer = await patch({ identity: identityOf(scene.theirs), properties: through(scene.theirs) });
      expect(answer).toMatchObject({ status: 202 });
      expect(await state()).toBe('Running');
      expect(await rows()).toMatchObject({ status: 200 });
      expect(await attacked().arm('DELETE', given)).toMatchObject({ status: 200 });
    });

    it('once assigned is kept and taken away without the right to assign it, and sent again only with it', async () => {
      const whole = { location: 'eastus', sku, identity: identityOf(scene.theirs) };
      const again = await attacked().arm('PUT', scene.cluster, whole, contributor());
      expect(again).toMatchObject({ status: 403, code: 'LinkedAuthorizationFailed' });
      expect(await patch({ tags: { kept: 'yes' }, identity: identityOf(scene.own) })).toMatchObject({ status: 202 });
      const { text } = await attacked().arm('GET', scene.cluster);
      const { identity } = JSON.parse(text) as { identity: { userAssignedIdentities: object } };
      expect(Object.keys(identity.userAssignedIdentities).sort()).toEqual([scene.own, scene.theirs].sort());
      const taken = { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [scene.theirs]: null } };
      expect(await patch({ identity: taken })).toMatchObject({ status: 202 });
      expect(await state()).toBe('Unavailable');
      expect(await rows()).toMatchObject({ status: 503 });
    });

    it('is not given to a new cluster, nor a subnet to a vault, by who may not use it', async () => {
      const { group, subscription, people, owner } = attacked();
      await giveRole(attacked(), 'Contributor', people.contributor, group);
      const body = { location: 'eastus', sku, identity: identityOf(scene.theirs) };
      const path = `${group}/providers/Microsoft.Kusto/clusters/freshone`;
      const refused = { status: 403, code: 'LinkedAuthorizationFailed' };
      expect(await attacked().arm('PUT', path, body, contributor())).toMatchObject(refused);
      expect(await attacked().arm('GET', path)).toMatchObject({ status: 404 });
      const subnet = `${subscription}/resourceGroups/other-team/providers/Microsoft.Network/virtualNetworks/v/subnets/s`;
      const networkAcls = { virtualNetworkRules: [{ id: subnet }] };
      const vault = `${group}/providers/Microsoft.KeyVault/vaults/subnetvault`;
      const sku1 = { family: 'A', name: 'standard' };
      const properties = { tenantId: owner.tenantId, sku: sku1, accessPolicies: [], networkAcls };
      const put = await attacked().arm('PUT', vault, { location: 'eastus', properties }, contributor());
      expect(put).toMatchObject(refused);
      expect(put.text).toContain('Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action');
      const victim = `${group}/providers/Microsoft.KeyVault/vaults/victimvault`;
      const change = { properties: { networkAcls } };
      expect(await attacked().arm('PATCH', victim, change, contributor())).toMatchObject(refused);
    });

    it("does not share another team's databases with a cluster of one's own", async () => {
      const { arm, group, subscription } = attacked();
      const leader = `${subscription}/resourceGroups/other-team/providers/Microsoft.Kusto/clusters/otherteam`;
      expect(await arm('PUT', leader, { location: 'eastus', sku })).toMatchObject({ status: 201 });
      const database = { location: 'eastus', kind: 'ReadWrite' };
      expect(await arm('PUT', `${leader}/databases/theirs`, database)).toMatchObject({ status: 201 });
      const own = `${group}/providers/Microsoft.Kusto/clusters/ownfollower`;
      expect(await arm('PUT', own, { location: 'eastus', sku }, contributor())).toMatchObject({ status: 201 });
      const attach = (clusterResourceId: string): Promise<Outcome> => {
        const properties = { clusterResourceId, databaseName: 'theirs', defaultPrincipalsModificationKind: 'Union' };
        return arm('PUT', `${own}/attachedDatabaseConfigurations/a`, { location: 'eastus', properties }, contributor());
      };
      for (const id of [leader, leader.toUpperCase(), `${leader}/`])
        expect(await attach(id), id).toMatchObject({ status: 403, code: 'LinkedAuthorizationFailed' });
      expect(await arm('GET', `${own}/databases/theirs`)).toMatchObject({ status: 404 });
      // It is the right that was missing.
      const given = await giveRole(attacked(), 'Contributor', contributor(), leader);
      expect(await attach(leader)).toMatchObject({ status: 201 });
      expect(await arm('DELETE', given)).toMatchObject({ status: 200 });
    });
  });
}
