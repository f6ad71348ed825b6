import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('premium', { sku: 'premium' });
  vault.addVault('standard');
});
afterAll(() => vault.close());

const client = () => vault.keyClient('premium');
const rules = (equals: unknown = 'true') => ({
  anyOf: [{ allOf: [{ equals, claim: 'sdk-test' }], authority: 'https://attest.azure.net/' }],
  version: '1.0.0',
});
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const policy = (value: unknown = rules(), more: object = {}) => ({ data: encoded(value), ...more });
const create = (body: object, host = 'premium', name = 'odd') =>
  vault.raw('POST', `/keys/${name}/create?api-version=7.4`, { vault: host, body: { kty: 'RSA-HSM', ...body } });
const refused = (text: string) => ({
  status: 400,
  json: { error: { code: 'BadParameter', message: expect.stringContaining(text) as string } },
});
const exportable = { attributes: { exportable: true } };

describe('keys that may be released', () => {
  it('say so, and give their policy back in the order of the service', async () => {
    const made = await create({ ...exportable, release_policy: policy() }, 'premium', 'released');
    expect(made).toMatchObject({ status: 200, json: { attributes: { exportable: true } } });
    const { release_policy: shown } = made.json as { release_policy: { data: string } };
    expect(shown).toMatchObject({ contentType: 'application/json; charset=utf-8', immutable: false });
    expect(Buffer.from(shown.data, 'base64url').toString()).toBe(
      '{"version":"1.0.0","anyOf":[{"authority":"https://attest.azure.net/","allOf":[{"claim":"sdk-test","equals":"true"}]}]}',
    );
    const key = await client().getKey('released');
    expect(key.properties).toMatchObject({ exportable: true, releasePolicy: { immutable: false } });
    const rotated = await client().rotateKey('released');
    expect(rotated.properties.exportable).toBe(true);
    expect(rotated.properties.releasePolicy).toEqual(key.properties.releasePolicy);
  });

  it('get another policy as long as it may be changed', async () => {
    const encodedPolicy = Buffer.from(JSON.stringify(rules()));
    const releasePolicy = { encodedPolicy };
    const key = await client().createRsaKey('changing', { hsm: true, exportable: true, releasePolicy });
    const changed = Buffer.from(JSON.stringify(rules('false')));
    await client().updateKeyProperties('changing', { releasePolicy: { encodedPolicy: changed, immutable: true } });
    const { properties } = await client().getKey('changing');
    expect(Buffer.from(properties.releasePolicy?.encodedPolicy ?? []).toString()).toContain('"false"');
    expect(await failure(client().updateKeyProperties('changing', { releasePolicy }))).toMatchObject({
      message: 'AKV.SKR.1020: Immutable Key Release Policy cannot be modified.',
    });
    const version = key.properties.version ?? '';
    await create({ ...exportable, release_policy: policy() }, 'premium', 'versioned');
    const body = { release_policy: policy() };
    const { version: current = '' } = (await client().getKey('versioned')).properties;
    expect(
      await vault.raw('PATCH', `/keys/versioned/${current}?api-version=7.4`, { vault: 'premium', body }),
    ).toMatchObject(refused('AKV.SKR.1016'));
    expect(version).toHaveLength(32);
  });

  it.each([
    [{ ...exportable }, 'AKV.SKR.1004'],
    [{ ...exportable, release_policy: {} }, 'AKV.SKR.1004'],
    [{ ...exportable, release_policy: { data: '' } }, 'AKV.SKR.1004'],
    [{ release_policy: policy() }, 'AKV.SKR.1005'],
    [{ ...exportable, kty: 'RSA', release_policy: policy() }, 'AKV.SKR.1006'],
    [{ ...exportable, release_policy: { data: '*' } }, 'not base64url'],
    [{ ...exportable, release_policy: policy([]) }, 'release_policy.data'],
    [{ ...exportable, release_policy: policy(rules('x'.repeat(33_000))) }, 'release_policy.data'],
    [{ ...exportable, release_policy: policy({ version: '2', anyOf: rules().anyOf }) }, 'release_policy.data'],
    [{ ...exportable, release_policy: policy({ version: '1.0.0', anyOf: [] }) }, 'release_policy.data'],
    [
      { ...exportable, release_policy: policy({ version: '1.0.0', anyOf: [{ authority: 'x', allOf: [] }] }) },
      'release_policy.data',
    ],
    [
      {
        ...exportable,
        release_policy: policy({ version: '1.0.0', anyOf: [{ authority: 'https://x/', allOf: [{ claim: 'x' }] }] }),
      },
      'release_policy.data',
    ],
    [{ ...exportable, release_policy: policy(rules(), { immutable: 'yes' }) }, 'release_policy.immutable'],
    [{ attributes: { exportable: 'yes' } }, 'attributes.exportable'],
  ])('%j is refused', async (body, text) => {
    expect(await create(body)).toMatchObject(refused(text));
  });

  it('are in premium vaults, and no key becomes one', async () => {
    expect(await create({ ...exportable, kty: 'RSA', release_policy: policy() }, 'standard')).toMatchObject(
      refused('AKV.SKR.1001'),
    );
    await create({}, 'premium', 'fixed');
    expect(await create({ ...exportable, release_policy: policy() }, 'premium', 'fixed')).toMatchObject(
      refused('AKV.SKR.1003'),
    );
    const patch = (body: object) => vault.raw('PATCH', '/keys/fixed?api-version=7.4', { vault: 'premium', body });
    expect(await patch(exportable)).toMatchObject(refused('AKV.SKR.1014'));
    expect(await patch({ release_policy: policy() })).toMatchObject(refused('AKV.SKR.1005'));
    expect((await patch({ attributes: { exportable: false }, release_policy: null })).status).toBe(200);
  });
});
