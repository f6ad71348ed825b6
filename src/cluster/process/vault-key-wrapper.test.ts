import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ScriptedVaults, hostName } from '../../../tests/support/scripted-vault.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import type { TokenAnswer } from '../messages/vault-calls.ts';
import type { VaultAccess } from './vault-key-wrapper.ts';
import { createVaultKeyWrapper } from './vault-key-wrapper.ts';

const host = 'contoso.vault.azure.net';
const identity = newGuid(systemRandomBytes);
let vaults: ScriptedVaults;
let kid: VersionedKeyId;
let wrapper: KeyWrapper;
let audiences: string[];
let token: () => Promise<TokenAnswer>;
let where: Awaited<ReturnType<VaultAccess['resolve']>>;

const access: VaultAccess = {
  resolve: () => Promise.resolve(where),
  token: (_identity, _host, { audience }) => {
    audiences.push(audience);
    return token();
  },
};

beforeEach(async () => {
  vaults = await ScriptedVaults.listen();
  vaults.addVault(host, [identity]);
  kid = vaults.addKey(host, 'k');
  audiences = [];
  where = { where: 'ours' };
  token = () =>
    Promise.resolve({ outcome: 'token', token: `test-token.${identity}.${audiences.length}`, expiresOn: 0 });
  wrapper = createVaultKeyWrapper({ edge: vaults.edge, access, timeoutMs: 5000 });
});
afterEach(() => vaults.close());

const key32 = (): Buffer => Buffer.from(systemRandomBytes(32));

async function wrapped(plaintext = key32()): Promise<Uint8Array> {
  const result = await wrapper.wrap(identity, kid, Uint8Array.from(plaintext));
  if (result.outcome === 'failed') throw new Error(result.message);
  return result.wrapped;
}

describe('through the official client', () => {
  it('wraps and unwraps with RSA-OAEP-256, one POST each after the challenge, no GET of the key', async () => {
    const plaintext = key32();
    const result = await wrapper.unwrap(identity, kid, await wrapped(plaintext));
    expect(result).toMatchObject({ outcome: 'unwrapped' });
    expect(Buffer.from(result.outcome === 'unwrapped' ? result.plaintext : [])).toEqual(plaintext);
    expect(vaults.calls.map(({ operation, version }) => [operation, version])).toEqual([
      ['wrapKey', kid.version],
      ['unwrapKey', kid.version],
    ]);
    expect(audiences).toEqual(['https://vault.azure.net', 'https://vault.azure.net']);
  });

  it('describes the latest version with its protection, dates and region', async () => {
    vaults.addKey(host, 'k', { nbf: 1_700_000_000, exp: 1_900_000_000, enabled: false });
    const latest = vaults.vault(host).keys.get('k')?.at(-1)?.version;
    vaults.vault(host).region = 'WestEurope';
    const { vaultHost, name } = kid;
    expect(await wrapper.describe(identity, { vaultHost, name })).toEqual({
      outcome: 'described',
      key: {
        kid: { vaultHost, name, version: latest },
        keyType: 'RSA',
        bits: 2048,
        enabled: false,
        notBefore: 1_700_000_000,
        expires: 1_900_000_000,
        keyOperations: ['wrapKey', 'unwrapKey'],
        recoveryLevel: 'Recoverable',
        region: 'westeurope',
      },
    });
  });

  it('an expired version still unwraps: the client does not judge dates', async () => {
    const bytes = await wrapped();
    vaults.keyVersion(kid).exp = 1;
    expect((await wrapper.unwrap(identity, kid, bytes)).outcome).toBe('unwrapped');
  });

  it('tells the region of a vault that refuses', async () => {
    vaults.vault(host).access.clear();
    const { vaultHost, name } = kid;
    expect(await wrapper.describe(identity, { vaultHost, name })).toMatchObject({
      outcome: 'failed',
      cause: 'forbiddenByPolicy',
      status: 403,
      region: 'eastus',
    });
  });
});

describe('what goes wrong is a value', () => {
  it.each([
    ['empty 403', { status: 403, body: '' }, 'refusal', 'forbidden'],
    ['empty 404', { status: 404, body: '' }, 'refusal', 'keyNotFound'],
    ['empty 503', { status: 503, body: '' }, 'outage', 'serverError'],
    ['HTML 502', { status: 502, body: '<html>' }, 'outage', 'serverError'],
    ['empty 429', { status: 429, body: '', headers: { 'retry-after': '60' } }, 'outage', 'throttled'],
    ['empty 400', { status: 400, body: '' }, 'integrity', 'badRequest'],
    ['redirect', { status: 302, body: '', headers: { location: 'https://evil.example/' } }, 'outage', 'unknown'],
    ['200 without a body', { status: 200, body: '' }, 'outage', 'unknown'],
    ['200 with an answer that is too long', { status: 200, body: 'x'.repeat(300_000) }, 'outage', 'unreachable'],
    ['a broken connection', { status: 0, drop: true }, 'outage', 'unreachable'],
  ])('%s', async (_what, answer, kind, cause) => {
    vaults.intercept = () => answer;
    const { vaultHost, name } = kid;
    for (const call of [
      wrapper.describe(identity, { vaultHost, name }),
      wrapper.wrap(identity, kid, key32()),
      wrapper.unwrap(identity, kid, systemRandomBytes(256)),
    ]) {
      expect(await call).toMatchObject({ outcome: 'failed', kind, cause });
    }
    expect(vaults.calls).toHaveLength(3); // nothing was sent twice
  });

  it('an answer for another version is an integrity error', async () => {
    const other = `https://${host}/keys/k/${'b'.repeat(32)}`;
    const value = Buffer.alloc(256).toString('base64url');
    vaults.intercept = () => ({ status: 200, body: JSON.stringify({ kid: other, value }) });
    expect(await wrapper.wrap(identity, kid, key32())).toMatchObject({ kind: 'integrity', cause: 'mismatch' });
    expect(await wrapper.unwrap(identity, kid, new Uint8Array(256))).toMatchObject({ cause: 'mismatch' });
  });

  it('a wrap of wrong length is an integrity error', async () => {
    const own = `https://${host}/keys/k/${kid.version}`;
    vaults.intercept = () => ({ status: 200, body: JSON.stringify({ kid: own, value: 'AAAA' }) });
    expect(await wrapper.wrap(identity, kid, key32())).toMatchObject({ kind: 'integrity', cause: 'wrongLength' });
  });

  it('401 twice costs two fresh tokens and is a refusal', async () => {
    vaults.intercept = () => ({ status: 401, body: '' });
    const result = await wrapper.unwrap(identity, kid, new Uint8Array(256));
    expect(result).toMatchObject({ kind: 'refusal', cause: 'unauthorized', status: 401 });
    expect(audiences).toHaveLength(2);
  });

  it('an identity that is refused a token', async () => {
    token = () => Promise.resolve({ outcome: 'refused', reason: 'The principal is gone.' });
    expect(await wrapper.unwrap(identity, kid, new Uint8Array(256))).toMatchObject({
      kind: 'refusal',
      cause: 'noIdentity',
      message: 'The principal is gone.',
    });
  });

  it('a host that nobody has', async () => {
    where = { where: 'absent' };
    expect(await wrapper.unwrap(identity, kid, new Uint8Array(256))).toMatchObject({
      kind: 'refusal',
      cause: 'noSuchHost',
    });
    expect(vaults.calls).toEqual([]);
  });

  it('a vault, a token or a resolver that never answers ends at the time limit', async () => {
    wrapper = createVaultKeyWrapper({ edge: vaults.edge, access, timeoutMs: 300 });
    vaults.intercept = () => ({ status: 0, hang: true });
    const bytes = new Uint8Array(256);
    expect(await wrapper.unwrap(identity, kid, bytes)).toMatchObject({ kind: 'outage', cause: 'timeout' });
    token = () => new Promise(() => undefined);
    expect(await wrapper.unwrap(identity, kid, bytes)).toMatchObject({ kind: 'outage', cause: 'timeout' });
    wrapper = createVaultKeyWrapper({
      edge: vaults.edge,
      access: { ...access, resolve: () => new Promise(() => undefined) },
      timeoutMs: 100,
    });
    expect(await wrapper.unwrap(identity, kid, bytes)).toMatchObject({ kind: 'outage', cause: 'timeout' });
  });

  it.each(['https://evil.example', 'https://azure.net.evil.example', 'https://contoso.vault.azure.net'])(
    'a challenge for %s gets no token',
    async (resource) => {
      vaults.resource = resource;
      const result = await wrapper.unwrap(identity, kid, new Uint8Array(256));
      expect(result).toMatchObject({ outcome: 'failed', kind: 'outage' });
      expect(audiences).toEqual([]);
    },
  );

  it('a listener that is not ours', async () => {
    const other = await ScriptedVaults.listen();
    wrapper = createVaultKeyWrapper({ edge: { ...vaults.edge, port: other.edge.port }, access, timeoutMs: 5000 });
    expect(await wrapper.unwrap(identity, kid, new Uint8Array(256))).toMatchObject({ cause: 'unreachable' });
    expect(audiences).toEqual([]);
    await other.close();
  });
});

describe('no proxy, no name look-up', () => {
  const names = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy', 'http_proxy', 'all_proxy'];
  let connections = 0;
  const trap = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });

  afterEach(() => {
    vi.unstubAllEnvs();
    trap.close();
  });

  it('goes to our listener, whatever the environment says', async () => {
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as AddressInfo;
    for (const name of names) vi.stubEnv(name, `http://127.0.0.1:${port}`);
    vaults.addVault('no-such-name-anywhere.vault.azure.net', [identity]);
    kid = vaults.addKey('no-such-name-anywhere.vault.azure.net', 'k');
    expect((await wrapper.unwrap(identity, kid, await wrapped())).outcome).toBe('unwrapped');
    const { name } = kid;
    const description = await wrapper.describe(identity, { vaultHost: hostName(kid.vaultHost), name });
    expect(description.outcome).toBe('described');
    expect(connections).toBe(0);
  });
});
