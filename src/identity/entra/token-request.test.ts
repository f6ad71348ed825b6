import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EntraError } from './entra-error.ts';
import { basicCredentials, readCredentials, readResource, resourceOfScope } from './token-request.ts';

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const credentials = { grant_type: 'client_credentials', client_id: 'id', client_secret: 'secret' };

function rowOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof EntraError) return error.row;
    throw error;
  }
  return 'none';
}

describe('scopes', () => {
  it.each([
    ['https://management.core.windows.net//.default', 'https://management.core.windows.net/'],
    ['https://management.azure.com/.default', 'https://management.azure.com'],
    ['cfa8b339-82a2-471a-a3c9-0fc0be7a4093/.default', 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093'],
    ['api://1/.default/.default', 'api://1/.default'],
    ['https://vault.azure.net/.default openid offline_access profile', 'https://vault.azure.net'],
    ['openid profile https://vault.azure.net/.default', 'https://vault.azure.net'],
  ])('%s means the resource %s', (scope, resource) => {
    expect(resourceOfScope(scope)).toBe(resource);
  });

  it.each([
    ['User.Read', 'ScopeNotDefault'],
    ['https://graph.microsoft.com/User.Read', 'ScopeNotDefault'],
    ['openid offline_access profile', 'ScopeNotDefault'],
    ['https://graph.microsoft.com/.default User.Read', 'ScopeNotDefault'],
    ['https://graph.microsoft.com/User.Read openid offline_access profile', 'ScopeNotDefault'],
    ['https%3A%2F%2Fgraph.microsoft.com%2F.default', 'ScopeNotDefault'],
    ['https://graph.microsoft.com/.default https://vault.azure.net/.default', 'ScopeOfManyResources'],
    ['https://graph.microsoft.com/.default https://vault.azure.net/.default openid', 'ScopeOfManyResources'],
    ['/.default', 'ScopeFormat'],
    ['vault.azure.net/.default', 'ScopeFormat'],
  ])('%s is refused as %s', (scope, row) => {
    expect(rowOf(() => resourceOfScope(scope))).toBe(row);
  });

  it('give back any URI or GUID they were made of, letter by letter', () => {
    const uri = fc
      .tuple(fc.webUrl({ withQueryParameters: true }), fc.constantFrom('', '/', '//'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(uri, fc.uuid()), (resource) => {
        expect(resourceOfScope(`${resource}/.default`)).toBe(resource);
      }),
    );
  });
});

describe('token requests', () => {
  it('ignore fields they do not know', () => {
    const form = new URLSearchParams({
      ...credentials,
      'x-client-SKU': 'msal.js.node',
      claims: '{}',
      client_info: '1',
    });
    expect(readCredentials(form, undefined)).toEqual({ clientId: 'id', clientSecret: 'secret' });
  });

  it.each([
    ['', 'ParameterMissing'],
    ['grant_type=&client_id=id', 'ParameterMissing'],
    ['grant_type=client_credentials', 'ParameterMissing'],
    ['grant_type=client_credentials&client_id=id', 'CredentialMissing'],
    ['grant_type=client_credentials&client_id=id&client_secret=', 'CredentialMissing'],
    ['grant_type=client_credentials&client_id=id&client_id=id&client_secret=s', 'RequestMalformed'],
    ['grant_type=client_credentials&client_id=id&client_secret=s&x=1&x=1', 'RequestMalformed'],
    [`grant_type=client_credentials&client_id=id&client_secret=${'s'.repeat(1025)}`, 'RequestMalformed'],
    [`grant_type=client_credentials&client_id=${'i'.repeat(257)}&client_secret=s`, 'RequestMalformed'],
    [Array.from({ length: 65 }, (_, n) => `f${n}=1`).join('&'), 'RequestMalformed'],
    ['grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer&client_id=id', 'GrantNotBuilt'],
    ['grant_type=magic&client_id=id', 'GrantUnsupported'],
    ['grant_type=client_credentials&client_id=id&client_assertion=a.b.c', 'ParameterMissing'],
    [`grant_type=client_credentials&client_id=id&client_assertion_type=${jwtBearer}`, 'ParameterMissing'],
    ['grant_type=client_credentials&client_id=id&client_assertion=a.b.c&client_assertion_type=x', 'RequestMalformed'],
    [
      `grant_type=client_credentials&client_id=id&client_secret=s&client_assertion=a.b.c&client_assertion_type=${jwtBearer}`,
      'RequestMalformed',
    ],
    [
      `grant_type=client_credentials&client_id=id&client_assertion=${'a'.repeat(16_385)}&client_assertion_type=${jwtBearer}`,
      'RequestMalformed',
    ],
  ])('%s is refused as %s', (body, row) => {
    expect(rowOf(() => readCredentials(new URLSearchParams(body), undefined))).toBe(row);
  });

  it.each([
    ['', 1, 'ParameterMissing'],
    ['scope=https://vault.azure.net/.default', 1, 'ParameterMissing'],
    ['', 2, 'ScopeMissing'],
    ['resource=https://vault.azure.net', 2, 'ScopeMissing'],
    ['scope=+', 2, 'ScopeMissing'],
  ] as const)('%j of version %i is refused as %s', (body, version, row) => {
    expect(rowOf(() => readResource(new URLSearchParams(body), version))).toBe(row);
  });

  it('take the credentials from HTTP Basic, form-encoded, but not from both places', () => {
    const basic = `Basic ${Buffer.from('id:s%2Be+c~r%3At').toString('base64')}`;
    const grant = new URLSearchParams({ grant_type: 'client_credentials' });
    expect(readCredentials(grant, basic)).toEqual({ clientId: 'id', clientSecret: 's+e c~r:t' });
    grant.set('client_id', 'id');
    expect(readCredentials(grant, basic).clientId).toBe('id');
    grant.set('client_id', 'other');
    expect(rowOf(() => readCredentials(grant, basic))).toBe('RequestMalformed');
    expect(rowOf(() => readCredentials(new URLSearchParams(credentials), basic))).toBe('RequestMalformed');
  });
});

describe('HTTP Basic', () => {
  it('round-trips any credentials', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(text, text, (clientId, clientSecret) => {
        const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
        expect(basicCredentials(`Basic ${Buffer.from(pair).toString('base64')}`)).toEqual({ clientId, clientSecret });
      }),
    );
  });

  it('never throws, whatever the header', () => {
    const base64 = fc.string({ unit: 'binary' }).map((text) => Buffer.from(text).toString('base64'));
    fc.assert(
      fc.property(fc.constantFrom('Basic ', 'basic ', 'Bearer ', ''), fc.oneof(fc.string(), base64), (scheme, rest) => {
        const found = basicCredentials(scheme + rest);
        if (found !== undefined) expect(found.clientId.length * found.clientSecret.length).toBeGreaterThan(0);
      }),
    );
    expect(basicCredentials(`Basic ${Buffer.from('%zz:x').toString('base64')}`)).toBeUndefined();
    expect(basicCredentials('Basic !!!')).toBeUndefined();
    expect(basicCredentials(undefined)).toBeUndefined();
  });
});
