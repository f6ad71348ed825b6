import { afterAll, beforeAll, expect, it } from 'vitest';
import type { VaultFixture } from '../../support/vault-fixture.ts';
import { startVaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
const version = '?api-version=7.4';
const lists = [
  '/keys',
  '/keys/one/versions',
  '/keys/two/versions',
  '/secrets',
  '/secrets/one/versions',
  '/deletedkeys',
];

beforeAll(async () => {
  vault = await startVaultFixture();
  for (const name of ['first', 'second']) {
    vault.addVault(name);
    const post = async (method: string, path: string, body?: object): Promise<void> => {
      const { status } = await vault.raw(method, `${path}${version}`, { vault: name, ...(body && { body }) });
      expect({ path, status }).toEqual({ path, status: 200 });
    };
    for (const key of ['one', 'one', 'two', 'two', 'gone-one', 'gone-two'])
      await post('POST', `/keys/${key}/create`, { kty: 'EC' });
    for (const key of ['gone-one', 'gone-two']) await post('DELETE', `/keys/${key}`);
    for (const secret of ['one', 'one', 'two']) await post('PUT', `/secrets/${secret}`, { value: 'x' });
  }
});
afterAll(() => vault.close());

async function tokenOf(path: string, name = 'first'): Promise<string> {
  const { json } = await vault.raw('GET', `${path}${version}&maxresults=1`, { vault: name });
  const token = new URL((json as { nextLink: string }).nextLink).searchParams.get('$skiptoken');
  if (token === null) throw new Error(`${path} has no second page.`);
  return token;
}

const withToken = async (path: string, token: string, name = 'first') => {
  const query = `${version}&maxresults=1&$skiptoken=${encodeURIComponent(token)}`;
  const { status, json } = await vault.raw('GET', `${path}${query}`, { vault: name });
  return { status, json };
};
const refused = { status: 400, json: { error: { code: 'BadParameter' } } };

it('a token goes on with its own list, and with no other one of the vault or of another', async () => {
  for (const path of lists) {
    const token = await tokenOf(path);
    expect(await withToken(path, token)).toMatchObject({ status: 200, json: { value: [{}] } });
    for (const other of lists)
      if (other !== path) expect({ path, other, ...(await withToken(other, token)) }).toMatchObject(refused);
    expect({ path, ...(await withToken(path, token, 'second')) }).toMatchObject(refused);
  }
});

it.each(lists)('a token of %s that was changed is refused', async (path) => {
  const token = await tokenOf(path);
  const bytes = Buffer.from(token, 'base64url');
  const flipped = (at: number): string =>
    Buffer.from(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))).toString('base64url');
  const plain = (text: string): string => Buffer.from(text).toString('base64url');
  const changed = [
    ...[flipped(0), flipped(16), flipped(bytes.length - 1), token.slice(0, -4), `${token}AAAA`, `${token}=`],
    ...[plain(bytes.subarray(16).toString()), plain('../other'), plain('one'), '', 'A'.repeat(5_000)],
  ];
  for (const one of changed) expect({ one, ...(await withToken(path, one)) }).toMatchObject(refused);
});
