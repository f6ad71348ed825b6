import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInstance } from '../../src/cli/control-client.ts';
import type { Json } from '../../src/base/json.ts';
import { textMember } from '../../src/base/json.ts';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import type { InstanceEnvironment } from '../../src/server/instance-environment.ts';
import { seed } from '../../src/server/seed.ts';

export const vaultName = 'other-side-keys';
export const vaultHost = `${vaultName}.vault.azure.net`;
export const keyName = 'kek';

const group = (environment: InstanceEnvironment): string =>
  `/subscriptions/${environment.subscriptionId}/resourceGroups/keys`;

async function environmentOf(dataDirectory: string): Promise<InstanceEnvironment> {
  const client = await findInstance(dataDirectory);
  if (client === undefined) throw new Error('no server answers');
  return client.environment();
}

async function call(environment: InstanceEnvironment, method: string, url: string, body?: Json) {
  const { host, pathname, search } = new URL(url);
  const resource = host.endsWith('.vault.azure.net') ? 'https://vault.azure.net' : 'https://management.azure.com';
  const token = await localToken(environment, resource);
  const path = `${pathname}${search}`;
  return callLocal(environment, { host, method, path, token, ...(body === undefined ? {} : { body }) });
}

/** The owner of a vault in a Kustody of its own, who lets an application of his tenant use a key. */
export async function openKeyOwner(dataDirectory: string, vaultNamed = vaultName) {
  const host = `${vaultNamed}.vault.azure.net`;
  let environment = await environmentOf(dataDirectory);
  const vault = `https://management.azure.com${group(environment)}/providers/Microsoft.KeyVault/vaults/${vaultNamed}?api-version=2023-02-01`;
  const put = async (permissions: readonly string[], network: 'Allow' | 'Deny' = 'Allow') => {
    const { tenantId, objectId } = environment;
    const properties = {
      tenantId,
      sku: { family: 'A', name: 'standard' },
      enablePurgeProtection: true,
      accessPolicies: [{ tenantId, objectId, permissions: { keys: [...permissions] } }],
      networkAcls: { bypass: 'None', defaultAction: network, ipRules: [] },
    };
    succeeded(await call(environment, 'PUT', vault, { location: 'eastus', properties }));
  };
  const key = async (method: string, path: string, body?: Json) =>
    succeeded(await call(environment, method, `https://${host}${path}?api-version=7.4`, body));
  succeeded(
    await call(environment, 'PUT', `https://management.azure.com${group(environment)}?api-version=2021-04-01`, {
      location: 'eastus',
    }),
  );
  await put(['all']);
  await key('POST', `/keys/${keyName}/create`, { kty: 'RSA', key_size: 2048 });
  return {
    vaultHost: host,
    environment: () => environment,
    /** After a restart. */
    reopen: async () => {
      environment = await environmentOf(dataDirectory);
    },
    setAccess: put,
    setNetwork: (network: 'Allow' | 'Deny') => put(['all'], network),
    setKeyEnabled: (enabled: boolean) => key('PATCH', `/keys/${keyName}`, { attributes: { enabled } }),
    setVersionEnabled: (kid: string, enabled: boolean) =>
      key('PATCH', new URL(kid).pathname, { attributes: { enabled } }),
    /** Of its newest version. */
    kid: async () => String(((await key('GET', `/keys/${keyName}`))['key'] as { readonly kid?: string }).kid),
    /** @param wrapped base64 @returns base64url, for the owner alone */
    unwrap: async (kid: string, wrapped: string) => {
      const value = Buffer.from(wrapped, 'base64').toString('base64url');
      const answer = await key('POST', `${new URL(kid).pathname}/unwrapkey`, { alg: 'RSA-OAEP-256', value });
      return textMember(answer, 'value');
    },
    /** As anybody could who knows the public key. @returns base64 */
    wrap: async (kid: string, bytes: Buffer) => {
      const body = { alg: 'RSA-OAEP-256', value: bytes.toString('base64url') };
      const answer = await key('POST', `${new URL(kid).pathname}/wrapkey`, body);
      return Buffer.from(textMember(answer, 'value'), 'base64url').toString('base64');
    },
    newVersion: () => key('POST', `/keys/${keyName}/create`, { kty: 'RSA', key_size: 2048 }),
    deleteKey: () => key('DELETE', `/keys/${keyName}`),
    recoverKey: () => key('POST', `/deletedkeys/${keyName}/recover`),
    /** The file that `--vault` names. */
    writeCredential: (path: string, more: Readonly<Record<string, Json>> = {}) => {
      const { tenantId, clientId, clientSecret, proxyPort } = environment;
      const proxy = `http://127.0.0.1:${proxyPort}`;
      const content = { tenantId, clientId, clientSecret, proxy, caFile: join(dataDirectory, 'ca.pem'), ...more };
      writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
    },
  };
}

const names = { resourceGroup: 'app', cluster: 'ours', database: 'db', vault: 'unused', region: 'eastus' };

/** A cluster of another Kustody, with an identity.
 * @param how `make`: it is not there yet, and is made under a Microsoft-managed key. `vaultHost`: where its key is */
export async function openKeyUser(
  dataDirectory: string,
  how: { readonly make?: boolean; readonly cluster?: string; readonly vaultHost?: string } = {},
) {
  const named = { ...names, cluster: how.cluster ?? names.cluster };
  const keyVaultUri = `https://${how.vaultHost ?? vaultHost}/`;
  const client = await findInstance(dataDirectory);
  if (client === undefined) throw new Error('no server answers');
  const environment = await client.environment();
  if (how.make === true) await seed(environment, { ...named, key: 'microsoftManaged' });
  const cluster = `/subscriptions/${environment.subscriptionId}/resourceGroups/app/providers/Microsoft.Kusto/clusters/${named.cluster}`;
  const clusterHost = `${named.cluster}.${named.region}.kusto.windows.net`;
  const post = async (path: string, csl: string) =>
    callLocal(environment, {
      ...{ host: clusterHost, method: 'POST', path, body: { db: named.database, csl } },
      token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    });
  const arm = (method: string, path: string, version: string, body?: Json) =>
    call(environment, method, `https://management.azure.com${path}?api-version=${version}`, body);
  return {
    environment,
    cluster,
    clusterHost,
    /** The last step of the article: a system-assigned identity, the latest version. */
    useKey: (more: Readonly<Record<string, Json>> = {}) =>
      arm('PATCH', cluster, '2024-04-13', {
        properties: { keyVaultProperties: { keyName, keyVaultUri, keyVersion: '', ...more } },
      }),
    show: async () => succeeded(await arm('GET', cluster, '2024-04-13'))['properties'] as Record<string, Json>,
    arm,
    command: async (csl: string) => succeeded(await post('/v1/rest/mgmt', csl)),
    query: (csl: string) => post('/v1/rest/query', csl),
    checkKeys: async () =>
      ((await client.call('POST', '/check-keys')) as { clusters: Record<string, unknown>[] }).clusters,
    advance: (seconds: number) => client.call('POST', '/clock/advance', { seconds }),
  };
}
