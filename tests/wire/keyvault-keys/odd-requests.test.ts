import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { parseHostName } from '../../../src/base/names.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { keyOperations } from '../../../src/vault/keys/key-operations.ts';
import { encodeToken, newCaller, startVaultFixture } from '../../support/vault-fixture.ts';
import type { RawReply, VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('testvault');
  await vault.keyClient('testvault').createRsaKey('k');
});
afterAll(() => vault.close());

const audience = 'https://vault.azure.net';
const version = '?api-version=7.4';

describe('the challenge', () => {
  const challenge = (): string =>
    `Bearer authorization="https://login.microsoftonline.com/${vault.tenantId}", resource="https://vault.azure.net"`;

  it.each([
    ['GET', '/keys/k', undefined],
    ['GET', '/keys/not-there?api-version=7.4', undefined],
    ['GET', '/no/such/path', undefined],
    ['GET', '/', undefined],
    ['POST', '/keys/k/create', '{"this is not json'],
    ['POST', '/keys/k/create', 'x'.repeat(1100 * 1024)],
    ['GET', '/secrets/s', undefined],
    ['GET', '/keys/%zz', undefined],
  ])('comes first: before routing, parsing, 404 and 400 (%s %s)', async (method, path, body) => {
    const reply = await vault.raw(method, path, { token: null, body });
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toBe(challenge());
    expect(reply.json).toEqual({
      error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' },
    });
  });

  it('names the tenant of the vault', async () => {
    const tenantId = newGuid(systemRandomBytes);
    vault.addVault('elsewhere', { tenantId });
    const reply = await vault.raw('GET', `/keys${version}`, { vault: 'elsewhere' });
    expect(reply.status).toBe(401);
    expect(reply.headers['www-authenticate']).toContain(`/${tenantId}"`);
    expect(reply.json).toEqual({
      error: {
        code: 'Unauthorized',
        message: `AKV10032: Invalid issuer. Expected one of https://sts.windows.net/${tenantId}/, found https://sts.windows.net/${vault.tenantId}/.`,
      },
    });
  });

  it.each(['https://management.azure.com/', 'https://vault.azure.net/'])('refuses a token for %s', async (found) => {
    const token = encodeToken({ audience: found, caller: vault.caller });
    const reply = await vault.raw('GET', `/keys${version}`, { token });
    expect([reply.status, reply.headers['www-authenticate']]).toEqual([401, challenge()]);
    expect(reply.body).toContain(
      `AKV10022: Invalid audience. Expected https://vault.azure.net or cfa8b339-82a2-471a-a3c9-0fc0be7a4093, found: ${found}.`,
    );
  });

  it('takes a token for the application id of Key Vault, and no expired or broken one', async () => {
    const forId = encodeToken({ audience: 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093', caller: vault.caller });
    expect((await vault.raw('GET', `/keys${version}`, { token: forId })).status).toBe(200);
    const expired = encodeToken({ audience, caller: vault.caller, expired: true });
    expect((await vault.raw('GET', `/keys${version}`, { token: expired })).body).toContain('[TokenExpired]');
    const broken = await vault.raw('GET', `/keys${version}`, { token: 'nonsense' });
    expect([broken.status, broken.headers['www-authenticate']]).toEqual([401, challenge()]);
  });
});

describe('paths, methods and versions', () => {
  it('sends the headers of the service and echoes the client request id unasked', async () => {
    const reply = await vault.raw('GET', `/keys/k${version}`, { headers: { 'x-ms-client-request-id': 'mine' } });
    expect(reply.headers).toMatchObject({
      'cache-control': 'no-cache',
      pragma: 'no-cache',
      expires: '-1',
      'content-type': 'application/json; charset=utf-8',
      'x-ms-keyvault-region': 'westus2',
      'x-ms-client-request-id': 'mine',
      'x-ms-keyvault-network-info': 'conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;',
      'strict-transport-security': 'max-age=31536000;includeSubDomains',
      'x-content-type-options': 'nosniff',
    });
    expect(reply.headers['x-ms-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each(['/keys/k', '/keys/k/', '//keys/k', '/KEYS/K', '/Keys//K//'])('GetKey: %s is the same key', async (path) => {
    const reply = await vault.raw('GET', `${path}${version}`);
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ key: { kid: expect.stringContaining('/keys/k/') as string } });
  });

  it('writes the members of a bundle as the service does', async () => {
    const reply = await vault.raw('GET', `/keys/k${version}`);
    const bundle = reply.json as { key: object; attributes: object };
    expect(Object.keys(bundle)).toEqual(['key', 'attributes']);
    expect(Object.keys(bundle.key)).toEqual(['kid', 'kty', 'key_ops', 'n', 'e']);
    expect(Object.keys(bundle.attributes)).toEqual([
      'enabled',
      'created',
      'updated',
      'recoveryLevel',
      'recoverableDays',
      'exportable',
    ]);
    const old = (await vault.raw('GET', '/keys/k?api-version=7.0')).body;
    expect(old).not.toContain('recoverableDays');
    expect(old).toContain('"exportable":false');
  });

  it('needs an api-version that Key Vault has or had, and reads names of the query in any case', async () => {
    expect(await vault.raw('GET', '/keys/k')).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    expect((await vault.raw('GET', '/keys/k?api-version=')).status).toBe(400);
    for (const unknown of ['latest', '7.9', '8.0', '7', '2024-01-01', '7.4-preview.x']) {
      expect(await vault.raw('GET', `/keys/k?api-version=${unknown}`)).toMatchObject({
        status: 400,
        json: {
          error: {
            code: 'BadParameter',
            message: `The specified version (${unknown}) is not recognized. Consider using the latest supported version (2026-04-01).`,
          },
        },
      });
    }
    for (const good of ['2016-10-01', '7.0', '7.1-preview', '7.6-preview.2', '2025-07-01']) {
      expect((await vault.raw('GET', `/keys/k?API%2DVERSION=${good}`)).status).toBe(200);
    }
  });

  it('X-HTTP-METHOD on a POST stands for PATCH and DELETE', async () => {
    await vault.keyClient('testvault').createRsaKey('limited');
    const patched = await vault.raw('POST', `/keys/limited${version}`, {
      headers: { 'x-http-method': 'PATCH' },
      body: { tags: { a: 'b' } },
    });
    expect(patched.json).toMatchObject({ tags: { a: 'b' } });
    const deleted = await vault.raw('POST', `/keys/limited${version}`, { headers: { 'X-HTTP-Method': 'delete' } });
    expect(deleted.json).toMatchObject({ recoveryId: 'https://testvault.vault.azure.net/deletedkeys/limited' });
    expect(Object.keys(deleted.json as object).slice(0, 3)).toEqual([
      'recoveryId',
      'deletedDate',
      'scheduledPurgeDate',
    ]);
  });

  it('refuses names that no key can have', async () => {
    for (const [sent, shown] of [
      ['my_key', 'my_key'],
      ['a%2fb', 'a/b'],
      ['a'.repeat(128), 'a'.repeat(128)],
    ] as const) {
      const reply = await vault.raw('POST', `/keys/${sent}/create${version}`, { body: { kty: 'RSA' } });
      expect(reply).toMatchObject({
        status: 400,
        json: { error: { code: 'BadParameter', message: `The request URI contains an invalid name: ${shown}` } },
      });
    }
  });

  it.each([
    ['GET', '/keys/k/latest', 'latest'],
    ['GET', '/keys/k/create', 'create'],
    ['DELETE', '/deletedkeys/k/purge', 'purge'],
    ['POST', `/keys/k/${'0'.repeat(32)}/hide`, 'hide'],
    ['POST', '/rng', 'rng'],
  ])('%s %s: ends in neither a version nor an operation', async (method, path, operation) => {
    const reply = await vault.raw(method, `${path}${version}`, method === 'POST' ? { body: { count: 8 } } : {});
    expect(reply.status).toBe(400);
    expect(reply.json).toEqual({
      error: { code: 'BadParameter', message: `Method ${method} does not allow operation '${operation}'` },
    });
  });

  it('Release gives no key out: none that may not leave, and none without an attestation that can be verified', async () => {
    const permissions = { keys: ['all', 'release'] };
    vault.addVault('releasing', {
      sku: 'premium',
      accessPolicies: [{ tenantId: vault.tenantId, objectId: vault.caller.objectId, permissions }],
    });
    const ask = (path: string, body: unknown): Promise<RawReply> =>
      vault.raw('POST', `/keys/${path}${version}`, { vault: 'releasing', body });
    const rules = {
      version: '1.0.0',
      anyOf: [{ authority: 'https://attest.example', allOf: [{ claim: 'c', equals: 'd' }] }],
    };
    const data = Buffer.from(JSON.stringify(rules)).toString('base64url');
    const leaving = { kty: 'EC-HSM', attributes: { exportable: true }, release_policy: { data } };
    for (const [name, body] of [
      ['staying', { kty: 'EC' }],
      ['leaving', leaving],
    ] as const) {
      expect((await ask(`${name}/create`, body)).status).toBe(200);
    }
    const target = 'eyJhbGciOiJub25lIn0.e30.';
    expect(await ask('nobody/release', { target })).toMatchObject({ status: 404 });
    expect((await ask('leaving/release', {})).body).toContain("Property 'target' is required");
    expect((await ask('staying/release', { target })).json).toEqual({
      error: {
        code: 'Forbidden',
        message: 'Operation release is not permitted on this key.',
        innererror: { code: 'KeyOperationForbidden' },
      },
    });
    const refused = await ask('leaving/release', { target });
    expect(refused.status).toBe(403);
    expect(refused.json).toEqual({
      error: {
        code: 'Forbidden',
        message: 'Target environment attestation statement cannot be verified.',
        innererror: { code: 'AccessDenied' },
      },
    });
  });

  it.each(keyOperations.filter((operation) => operation.handle === undefined))(
    '$id: is refused by name, since it is not built',
    async ({ id, method, path }) => {
      const url = path.replace('{name}', 'k').replace('{version}', '0'.repeat(32));
      const permissions = { keys: ['getrotationpolicy', 'setrotationpolicy', 'all'] };
      vault.addVault('allowed', {
        accessPolicies: [{ tenantId: vault.tenantId, objectId: vault.caller.objectId, permissions }],
      });
      const reply = await vault.raw(method, `${url}${version}`, {
        vault: 'allowed',
        body: method === 'GET' ? undefined : {},
      });
      expect(reply.status).toBe(501);
      expect(reply.json).toEqual({
        error: { code: 'NotImplemented', message: `Kustody has not built the operation ${id} (${method} ${path}).` },
      });
    },
  );

  it.each(['storage', 'deletedstorage', 'settings'])('/%s is refused by name', async (collection) => {
    const reply = await vault.raw('GET', `/${collection}/x${version}`);
    expect(reply).toMatchObject({ status: 501, body: expect.stringContaining(`collection ${collection}`) as string });
  });

  it('says what cannot be read in its own shape', async () => {
    const replies: RawReply[] = [
      await vault.raw('POST', `/keys/k/create${version}`, { body: '{"kty":"RSA"' }),
      await vault.raw('POST', `/keys/k/create${version}`, { body: '["RSA"]' }),
      await vault.raw('POST', `/keys/k/create${version}`, { body: `{"kty":"RSA","x":"${'x'.repeat(1100 * 1024)}"}` }),
      await vault.raw('GET', `/nothing${version}`),
      await vault.raw('GET', `/keys/%zz${version}`),
    ];
    expect(replies.map((reply) => reply.status)).toEqual([400, 400, 413, 404, 400]);
    for (const reply of replies) expect(reply.json).toMatchObject({ error: { code: expect.any(String) as string } });
  });
});

describe('CreateKey: what it refuses', () => {
  const create = (body: unknown, of = 'testvault') =>
    vault.raw('POST', `/keys/new/create${version}`, { vault: of, body });

  it.each([
    [{}, "Property 'kty' is required.\r\n"],
    [{ kty: 'oct' }, 'Invalid kty value: oct'],
    [{ kty: 'constructor' }, 'Invalid kty value: constructor'],
    [{ kty: 'RSA', key_size: 1024 }, 'Property key_size has invalid value\r\n'],
    [{ kty: 'RSA', key_size: '2048' }, 'Property key_size has invalid value\r\n'],
    [{ kty: 'RSA', public_exponent: 3 }, 'Property public_exponent has invalid value\r\n'],
    [{ kty: 'RSA', key_ops: ['wrapKey', 'fly'] }, 'Property key_ops has invalid value\r\n'],
    [{ kty: 'RSA', attributes: { enabled: 'yes' } }, 'Property attributes.enabled has invalid value\r\n'],
    [{ kty: 'RSA', attributes: { nbf: 10, exp: 10 } }, 'Property attributes.exp has invalid value\r\n'],
    [{ kty: 'RSA', attributes: { exp: 1e300 } }, 'Property attributes.exp has invalid value\r\n'],
    [{ kty: 'RSA', attributes: { exportable: true } }, 'AKV.SKR.1004: Exportable keys must have release policy.'],
    [{ kty: 'RSA', release_policy: {} }, 'AKV.SKR.1005: Non-exportable keys must not have release policy.'],
    [
      { kty: 'RSA', tags: Object.fromEntries(Array.from({ length: 16 }, (_, i) => [i, ''])) },
      'Property tags has invalid value\r\n',
    ],
    [{ kty: 'RSA', tags: { a: 1 } }, 'Property tags has invalid value\r\n'],
  ])('%j', async (body, message) => {
    expect(await create(body)).toMatchObject({ status: 400, json: { error: { code: 'BadParameter', message } } });
  });

  it('null members count as missing, release_policy too', async () => {
    const nothing = { key_size: null, key_ops: null, attributes: null, tags: null, release_policy: null };
    expect((await create({ kty: 'RSA', ...nothing })).status).toBe(200);
  });

  it('zero for the exponent, which the client for Java sends where none is chosen, is the usual one', async () => {
    const made = await create({ kty: 'RSA', public_exponent: 0 });
    expect(made).toMatchObject({ status: 200, json: { key: { e: 'AQAB' } } });
    expect((await create({ kty: 'EC', public_exponent: 0 })).status).toBe(400);
  });
});

describe('WrapKey: what it refuses', () => {
  it.each([
    [{ alg: 'RSA-OAEP' }, "Property 'value' is required.\r\n"],
    [{ alg: 'RSA-OAEP', value: '' }, "Property 'value' is required.\r\n"],
    [{ value: 'AAAA' }, "Property 'alg' is required.\r\n"],
    [{ alg: 'RSA-OAEP', value: 'A+=' }, "Content of 'value' is not base64url.\r\nProperty 'value' is required.\r\n"],
    [{ alg: 'RSA-OAEP', value: 7 }, "Content of 'value' is not base64url.\r\nProperty 'value' is required.\r\n"],
    [{ alg: 'A128KW', value: 'AAAA' }, "Algorithm 'A128KW' is not supported by keys of type 'RSA'."],
    [{ alg: 'constructor', value: 'AAAA' }, "Algorithm 'constructor' is not supported by keys of type 'RSA'."],
    ['{"alg":"RSA-OAEP","value":"AAAA","value":"BBBB"}', 'The request body is not a valid JSON object.'],
  ])('%j', async (body, message) => {
    const reply = await vault.raw('POST', `/keys/k/wrapkey${version}`, { body });
    expect(reply).toMatchObject({ status: 400, json: { error: { code: 'BadParameter', message } } });
  });
});

describe('GetKeys: pages', () => {
  it('the next link is absolute, with a port, and the last page says null', async () => {
    vault.addVault('pages');
    for (const name of ['Alpha', 'beta']) await vault.keyClient('pages').createRsaKey(name);
    const first = await vault.raw('GET', '/keys?api-version=7.4&maxresults=1', { vault: 'pages' });
    const { nextLink, value } = first.json as { nextLink: string; value: { kid: string }[] };
    expect(value.map((item) => item.kid)).toEqual(['https://pages.vault.azure.net/keys/Alpha']);
    expect(nextLink).toMatch(
      /^https:\/\/pages\.vault\.azure\.net:443\/keys\?api-version=7\.4&\$skiptoken=[\w-]+&maxresults=1$/,
    );
    const second = await vault.raw('GET', nextLink.slice(nextLink.indexOf('/keys')), { vault: 'pages' });
    expect(second.body).toMatch(/keys\/beta".*"nextLink":null}$/);
  });

  it.each(['0', '26', '-1', 'all', ''])('maxresults=%s is refused', async (length) => {
    expect((await vault.raw('GET', `/keys${version}&maxresults=${length}`)).status).toBe(400);
  });

  it('shows 25 keys at most', async () => {
    vault.addVault('many');
    for (let i = 0; i < 27; i++)
      await vault.raw('POST', `/keys/k${i}/create${version}`, { vault: 'many', body: { kty: 'RSA' } });
    const { value } = (await vault.raw('GET', `/keys${version}`, { vault: 'many' })).json as { value: unknown[] };
    expect(value).toHaveLength(25);
  });
});

describe('hosts', () => {
  it('claims the vaults that exist, and knows which names would be vaults', async () => {
    const claimed = async (text: string) => {
      const host = parseHostName(text);
      return host === undefined ? 'no host name' : vault.plane.plane.claim(host);
    };
    expect(await claimed('testvault.vault.azure.net')).toBe('serve');
    expect(await claimed('never.vault.azure.net')).toBe('absent');
    expect(await claimed('a.b.vault.azure.net')).toBe('absent');
    expect(await claimed('login.microsoftonline.com')).toBeUndefined();
  });

  it('a vault that goes away between look-up and request breaks the connection', async () => {
    await expect(vault.raw('GET', `/keys${version}`, { vault: 'vanished' })).rejects.toThrow();
  });

  it('a stranger with a good token of the tenant gets nothing', async () => {
    const token = encodeToken({ audience, caller: newCaller(vault.tenantId) });
    expect((await vault.raw('GET', `/keys/k${version}`, { token })).status).toBe(403);
  });
});
