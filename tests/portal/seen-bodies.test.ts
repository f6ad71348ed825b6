import { publicEncrypt, constants, createPublicKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServerFixture } from '../support/server-fixture.ts';

type Fixture = Awaited<ReturnType<typeof startServerFixture>>;
interface Seen {
  readonly operation?: string;
  readonly bodies?: { readonly request?: { readonly text: string }; readonly answer?: { readonly text: string } };
}

const host = 'opening-vault.vault.azure.net';
const canary = 'canary-4713 of thirty-two bytes.';

describe('what a key opens', () => {
  let fixture: Fixture;
  let kid: string;
  let ciphertext: string;
  const control = (method: string, path: string, body?: unknown) =>
    fixture.send({
      ...{ host: 'localhost', method, path, body },
      headers: {
        host: `localhost:${fixture.server.port}`,
        authorization: `Bearer ${fixture.server.controlToken}`,
      },
    });
  const traffic = async () => (await control('GET', '/traffic')).body as { readonly requests: readonly Seen[] };
  const asVault = async (method: string, path: string, body?: unknown) => {
    const token = await fixture.tokenFor('https://vault.azure.net');
    return fixture.send({ ...{ host, method, token, body }, path: `${path}?api-version=7.4` });
  };
  /** Through the wire. @returns what the page has of it */
  const opened = async (operation: string): Promise<Seen> => {
    const answer = await asVault('POST', `${new URL(kid).pathname}/${operation}`, {
      ...{ alg: 'RSA-OAEP-256', value: ciphertext },
    });
    expect(answer).toMatchObject({ status: 200, body: { kid, value: Buffer.from(canary).toString('base64url') } });
    const all = await traffic();
    for (const hidden of [canary, Buffer.from(canary).toString('base64url'), ciphertext, 'eyJ'])
      expect(JSON.stringify(all)).not.toContain(hidden);
    return all.requests.at(-1) ?? {};
  };

  beforeAll(async () => {
    fixture = await startServerFixture();
    const { subscriptionId, tenantId, objectId } = fixture.environment;
    const token = await fixture.tokenFor('https://management.azure.com');
    const arm = (path: string, version: string, body: unknown) =>
      fixture.send({
        ...{ host: 'management.azure.com', method: 'PUT', token, body },
        path: `/subscriptions/${subscriptionId}/resourceGroups/opening${path}?api-version=${version}`,
      });
    await arm('', '2021-04-01', { location: 'westeurope' });
    const policy = { tenantId, objectId, permissions: { keys: ['create', 'unwrapKey', 'decrypt'] } };
    const made = await arm('/providers/Microsoft.KeyVault/vaults/opening-vault', '2023-07-01', {
      location: 'westeurope',
      properties: { tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [policy] },
    });
    expect(made.status).toBeLessThan(300);
    const created = await asVault('POST', '/keys/opens/create', { kty: 'RSA' });
    const { key } = created.body as { readonly key: { readonly kid: string; readonly n: string; readonly e: string } };
    kid = key.kid;
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: key.n, e: key.e } });
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    ciphertext = publicEncrypt({ key: publicKey, padding, oaepHash: 'sha256' }, Buffer.from(canary)).toString(
      'base64url',
    );
  });
  afterAll(() => fixture[Symbol.asyncDispose]());

  it.each(['unwrapkey', 'decrypt'])(
    'by %s is in no body that is seen: none is until asked for, and then it is hidden',
    async (operation) => {
      expect(await opened(operation)).not.toHaveProperty('bodies');
      expect((await control('POST', '/traffic/bodies', { requests: 4 })).body).toMatchObject({ recording: true });
      expect((await opened(operation)).bodies).toEqual({
        request: { bytes: expect.any(Number) as number, text: '{"alg":"RSA-OAEP-256","value":"…"}' },
        answer: { bytes: expect.any(Number) as number, text: `{"kid":"${kid}","value":"…"}` },
      });
      expect((await control('DELETE', '/traffic/bodies')).body).toMatchObject({ recording: false });
      expect(await opened(operation)).not.toHaveProperty('bodies');
    },
  );
});
