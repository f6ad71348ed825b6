import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../../tests/support/kustody-command.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { outsideVaultOption, readOutsideVaults } from './outside-vault-option.ts';
import { UserError } from './user-error.ts';

const host = 'contoso.vault.azure.net';
const tenantId = '11111111-1111-4111-8111-111111111111';
const clientId = '22222222-2222-4222-8222-222222222222';
const clientSecret = 'a-secret-that-nobody-prints';
let directory: ReturnType<typeof temporaryDirectory>;

beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => directory[Symbol.dispose]());

const parse = (...texts: readonly string[]): readonly OutsideVaultOption[] => {
  const { parseArg } = outsideVaultOption();
  return texts.reduce<unknown>((before, text) => parseArg?.(text, before), []) as readonly OutsideVaultOption[];
};

function file(content: unknown, mode = 0o600): string {
  const path = join(directory.path, `${Math.abs(JSON.stringify(content).length)}-${mode}.json`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return `${host}=file:${path}`;
}

const read = (texts: readonly string[], env: NodeJS.ProcessEnv = {}) => readOutsideVaults(parse(...texts), env);

const account = { tenantId, clientId, proof: { kind: 'secret', secret: clientSecret } };

describe('--vault', () => {
  it('reads a file of its owner', () => {
    expect(read([file({ tenantId, clientId, clientSecret })])).toEqual([
      { host, account: { ...account, authorityHost: 'login.microsoftonline.com' }, route: {} },
    ]);
  });

  it('takes the variables of a prefix out of the environment, for every vault that names it', () => {
    const env = {
      ...{ KEEP: '1', AZURE_TENANT_ID: tenantId, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: clientSecret },
      ...{ AZURE_AUTHORITY_HOST: 'https://login.chinacloudapi.cn/', AZURE_PROXY: 'http://127.0.0.1:3128' },
    };
    const vaults = read([`${host}=env:AZURE`, 'fabrikam.vault.azure.cn=env:AZURE'], env);
    const found = { ...account, authorityHost: 'login.chinacloudapi.cn' };
    const route = { proxy: { host: '127.0.0.1', port: 3128 } };
    expect(vaults).toEqual([host, 'fabrikam.vault.azure.cn'].map((name) => ({ host: name, account: found, route })));
    expect(env).toEqual({ KEEP: '1' });
  });

  const good = { tenantId, clientId, clientSecret };
  it.each<[string, unknown, RegExp]>([
    ['no JSON', `{"clientSecret": "${clientSecret}"`, /not JSON/],
    ['no object', [clientSecret], /not a JSON object/],
    ['an unknown member', { ...good, secret: 'x' }, /unknown member 'secret'/],
    ['a member of another type', { ...good, clientSecret: 5 }, /clientSecret is not a text/],
    ['no tenant', { clientId, clientSecret }, /tenantId is not a GUID/],
    ['the name of a tenant', { ...good, tenantId: 'contoso.com' }, /tenantId is not a GUID/],
    ['no proof', { tenantId, clientId }, /either clientSecret or clientCertificatePath/],
    ['two proofs', { ...good, clientCertificatePath: '/x' }, /either clientSecret or clientCertificatePath/],
    ['a certificate that is none', { tenantId, clientId, clientCertificatePath: '/dev/null' }, /not a small file/],
    ['an authority over http', { ...good, authorityHost: 'http://login.microsoftonline.com' }, /authorityHost/],
    ['an authority with a path', { ...good, authorityHost: 'https://a.example/b' }, /authorityHost/],
    ['a CA file that is none', { ...good, caFile: '/dev/null' }, /caFile/],
    ['a proxy with a password', { ...good, proxy: 'http://u:p@h:1' }, /proxy is not/],
    ['a proxy over TLS', { ...good, proxy: 'https://h:1' }, /proxy is not/],
    ['identities that are none', { ...good, identities: ['me'] }, /identities are resource ids/],
  ])('refuses %s by name, without what is in it', (_what, content, message) => {
    const attempt = () => read([file(content)]);
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(message);
    expect(attempt).not.toThrow(clientSecret);
  });

  it('refuses a file that others can read, and one that is not there', () => {
    expect(() => read([file({ tenantId, clientId, clientSecret }, 0o644)])).toThrow(/chmod 600/);
    expect(() => read([`${host}=file:/nowhere`])).toThrow(/cannot be read/);
  });

  it.each([
    [clientSecret, /needs a host and a source/],
    [`${host}=${clientSecret}`, /needs a host and a source/],
    ['contoso.managedhsm.azure.net=env:A', /not the host name of a vault/],
    ['evil.example=env:A', /not the host name of a vault/],
    [`${host}=env:A-B`, /no name of variables/],
  ])('refuses %s without repeating a secret', (text, message) => {
    expect(() => parse(text)).toThrow(message);
    expect(() => parse(text)).not.toThrow(clientSecret);
  });

  it('takes several accounts for one host when each stands for other identities', () => {
    const cluster = '/subscriptions/S/resourceGroups/G/providers/Microsoft.Kusto/clusters/c';
    const all = file(good);
    const one = file({ ...good, identities: [cluster] });
    const [, found] = read([all, one]);
    expect(found?.account.identities).toEqual([cluster.toLowerCase()]);
    expect(() => read([all, all])).toThrow(/same identities/);
    expect(() => read([one, one])).toThrow(/same identities/);
    expect(() => read([all, file({ ...good, identities: [cluster], proxy: 'http://h:1' })])).toThrow(
      /different proxies/,
    );
  });
});
