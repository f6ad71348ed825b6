import { describe, expect, it } from 'vitest';
import type { ClientEnvironmentInput } from './client-environment.ts';
import { clientEnvironment } from './client-environment.ts';

const input: ClientEnvironmentInput = {
  proxyUrl: 'http://127.0.0.1:8080',
  controlUrl: 'https://localhost:8443',
  controlToken: 'control-token',
  localhostUri: 'https://localhost:8444',
  dataDirectory: '/data',
  tenantId: 't',
  subscriptionId: 's',
  clientId: 'c',
  clientSecret: 'secret',
  trust: {
    extraRootsFile: '/data/extra.pem',
    bundleFile: '/data/bundle.pem',
    javaTrustStoreFile: '/data/trust.jks',
    javaTrustStorePassword: 'changeit',
  },
  azureConfigDirectory: '/data/azure-cli',
  existing: {},
};

describe('client environment', () => {
  it('names proxy, trust and credentials for each family of clients', () => {
    expect(clientEnvironment(input)).toMatchObject({
      HTTPS_PROXY: 'http://127.0.0.1:8080',
      https_proxy: 'http://127.0.0.1:8080',
      HTTP_PROXY: 'http://127.0.0.1:8080',
      http_proxy: 'http://127.0.0.1:8080',
      NO_PROXY: 'localhost,127.0.0.1,::1',
      no_proxy: 'localhost,127.0.0.1,::1',
      NODE_EXTRA_CA_CERTS: '/data/extra.pem',
      REQUESTS_CA_BUNDLE: '/data/bundle.pem',
      SSL_CERT_FILE: '/data/bundle.pem',
      AZURE_TENANT_ID: 't',
      AZURE_CLIENT_ID: 'c',
      AZURE_CLIENT_SECRET: 'secret',
      AZURE_SUBSCRIPTION_ID: 's',
      KUSTODY_DATA_DIR: '/data',
      KUSTODY_CONTROL: 'https://localhost:8443',
    });
  });

  it('removes settings that would lead elsewhere', () => {
    const environment = clientEnvironment({
      ...input,
      existing: { ALL_PROXY: 'http://elsewhere', AZURE_USERNAME: 'me' },
    });
    expect(Object.keys(environment)).toEqual(
      expect.arrayContaining(['ALL_PROXY', 'AZURE_USERNAME', 'IDENTITY_ENDPOINT']),
    );
    expect(environment['ALL_PROXY']).toBeUndefined();
  });

  it.each([
    ['corp.example', 'corp.example,localhost,127.0.0.1,::1'],
    [' corp.example , localhost', 'corp.example,localhost,127.0.0.1,::1'],
    ['example.net,10.0.0.0/8', 'example.net,10.0.0.0/8,localhost,127.0.0.1,::1'],
  ])('keeps what NO_PROXY=%j names', (existing, expected) => {
    expect(clientEnvironment({ ...input, existing: { NO_PROXY: existing } })['NO_PROXY']).toBe(expected);
    expect(clientEnvironment({ ...input, existing: { no_proxy: existing } })['no_proxy']).toBe(expected);
  });

  it.each([
    '*',
    '.azure.net',
    '*.vault.azure.net',
    'v1.vault.azure.net:443',
    '.net',
    'windows.net',
    '169.254.169.254',
    '169.254.0.0/16',
    '0.0.0.0/0',
    'LOGIN.microsoftonline.com',
  ])('drops the NO_PROXY entry %s, which would lead to the real service', (entry) => {
    const environment = clientEnvironment({ ...input, existing: { NO_PROXY: `a.example,${entry}` } });
    expect(environment['NO_PROXY']).toBe('a.example,localhost,127.0.0.1,::1');
  });

  it('adds to the options that Java has already', () => {
    const options = clientEnvironment({ ...input, existing: { JAVA_TOOL_OPTIONS: '-Xmx1g' } })['JAVA_TOOL_OPTIONS'];
    expect(options).toMatch(/^-Xmx1g -Dhttps\.proxyHost=127\.0\.0\.1 -Dhttps\.proxyPort=8080 /);
  });
});
