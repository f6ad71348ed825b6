import { randomBytes } from 'node:crypto';
import { setTimeout as after } from 'node:timers/promises';
import { ClientSecretCredential } from '@azure/identity';
import { createHttpHeaders, createPipelineRequest } from '@azure/core-rest-pipeline';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { SecretClient } from '@azure/keyvault-secrets';
import type { Kustody } from '../src/testing/public.ts';
import { startKustody } from '../src/testing/testing.ts';
import type { Load } from './load.ts';
import { perSecond, rsaPerSecond, startBare } from './load.ts';
import type { BenchRow, Measured } from './row.ts';
import { quantile, timed } from './row.ts';

const apiVersion = '7.4';
const rounds = 5;
/** Of each side in each round; wrk takes whole ones. */
const seconds = 2;
/** Before: until then Node.js still compiles what is measured, on the processors that are measured. */
const warmSeconds = 6;
const armScope = 'https://management.azure.com/.default';
const vaultScope = 'https://vault.azure.net/.default';

interface Scene {
  readonly k: Kustody;
  readonly port: number;
  readonly vault: string;
  readonly key: string;
  readonly token: (scope: string) => Promise<string>;
}

async function withScene(work: (scene: Scene) => Promise<Measured>): Promise<Measured> {
  await using k = await startKustody({ cluster: true });
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  return await work({
    k,
    port: Number(new URL(k.endpoints.control).port),
    vault: new URL(k.cluster?.vaultUri ?? '').hostname,
    key: k.cluster?.keyName ?? '',
    token: async (scope) => (await credential.getToken(scope)).token,
  });
}

async function unwrapLoad({ k, vault, key, token }: Scene): Promise<Load> {
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  const current = await new KeyClient(k.cluster?.vaultUri ?? '', credential, k.azureOptions).getKey(key);
  const client = new CryptographyClient(current.id ?? '', credential, k.azureOptions);
  const { result } = await client.wrapKey('RSA-OAEP-256', randomBytes(32));
  return {
    method: 'POST',
    address: `${vault}/keys/${key}/${current.properties.version ?? ''}/unwrapkey?api-version=${apiVersion}`,
    token: await token(vaultScope),
    body: JSON.stringify({ alg: 'RSA-OAEP-256', value: Buffer.from(result).toString('base64url') }),
  };
}

const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Both sides in turns, so that a slow moment hits both: the median of what the rounds say. */
async function inTurns(ours: () => Promise<number>, bare: () => Promise<number>, name: string): Promise<Measured> {
  const pairs: { readonly ours: number; readonly bare: number }[] = [];
  for (let round = 0; round < rounds; round += 1) pairs.push({ bare: await bare(), ours: await ours() });
  const shown = (side: 'ours' | 'bare'): string => `${Math.round(median(pairs.map((pair) => pair[side])))}/s`;
  return {
    ratio: median(pairs.map((pair) => pair.ours / pair.bare)),
    detail: `${shown('ours')}, ${name} ${shown('bare')}`,
  };
}

type MakeLoad = (scene: Scene) => Promise<Load>;

interface Comparison {
  readonly id: string;
  readonly what: string;
  readonly floor: number;
  readonly aim: number;
  readonly load: MakeLoad;
}

const againstBare = ({ id, what, floor, aim, load }: Comparison): BenchRow => ({
  ...{ id, rule: 'atLeast', floor, aim, apart: true },
  ratio: `${what} a second over those of an HTTPS server that does nothing`,
  run: () =>
    withScene(async (scene) => {
      const asked = await load(scene);
      await perSecond(scene.port, asked, warmSeconds);
      const bare = await startBare();
      const askBare = (time: number): Promise<number> =>
        perSecond(bare.port, { method: 'GET', address: 'localhost/' }, time);
      try {
        await askBare(warmSeconds);
        return await inTurns(
          () => perSecond(scene.port, asked, seconds),
          () => askBare(seconds),
          'bare',
        );
      } finally {
        bare.stop();
      }
    }),
});

const againstRsa = ({ id, what, floor, aim, load }: Comparison): BenchRow => ({
  ...{ id, rule: 'atLeast', floor, aim, apart: true },
  ratio: `${what} a second over the RSA operations of all processors (openssl speed)`,
  run: () =>
    withScene(async (scene) => {
      const asked = await load(scene);
      await perSecond(scene.port, asked, warmSeconds);
      return inTurns(
        () => perSecond(scene.port, asked, seconds),
        () => Promise.resolve(rsaPerSecond()),
        'openssl',
      );
    }),
});

async function secretLoad(scene: Scene): Promise<Load> {
  const { k, vault, token } = scene;
  const { value = [] } = await arm(scene, 'GET', '/providers/Microsoft.KeyVault/vaults', '2023-02-01');
  const found = value.find(({ name }) => `${name}.vault.azure.net` === vault);
  const group = found?.id.split('/')[4] ?? '';
  const policy = { tenantId: k.tenantId, objectId: k.objectId, permissions: { secrets: ['get', 'set'] } };
  const path = `/resourceGroups/${group}/providers/Microsoft.KeyVault/vaults/${found?.name ?? ''}/accessPolicies/add`;
  await arm(scene, 'PUT', path, '2023-02-01', { properties: { accessPolicies: [policy] } });
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  await new SecretClient(`https://${vault}`, credential, k.azureOptions).setSecret('measured', 'a value');
  return {
    method: 'GET',
    address: `${vault}/secrets/measured?api-version=${apiVersion}`,
    token: await token(vaultScope),
  };
}

const tokenLoad: MakeLoad = ({ k }) =>
  Promise.resolve({
    method: 'POST',
    address: `login.microsoftonline.com/${k.tenantId}/oauth2/v2.0/token`,
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: k.clientId, client_secret: k.clientSecret },
      scope: vaultScope,
    }).toString(),
  });

const deployed = 100;
const identities = '2023-01-31';

interface ArmAnswer {
  readonly properties?: { readonly provisioningState?: string };
  readonly value?: readonly { readonly id: string; readonly name: string }[];
}

/** What the resource manager is asked by PUT or GET. @returns its answer @throws Error for one that is no success */
async function arm({ k, token }: Scene, method: 'PUT' | 'GET', path: string, version: string, body?: object) {
  const request = createPipelineRequest({
    url: `https://management.azure.com/subscriptions/${k.subscriptionId}${path}?api-version=${version}`,
    method,
    headers: createHttpHeaders({
      authorization: `Bearer ${await token(armScope)}`,
      'content-type': 'application/json',
    }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { status, bodyAsText } = await k.azureOptions.httpClient.sendRequest(request);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${bodyAsText ?? ''}`);
  return JSON.parse(bodyAsText ?? '{}') as ArmAnswer;
}

const deployment: BenchRow = {
  ...{ id: 'arm-deployment', rule: 'atMost', floor: 2, aim: 1, apart: true },
  ratio: `time of a deployment of ${deployed} resources over that of as many PUT, one after the other`,
  run: () =>
    withScene(async (scene) => {
      const group = '/resourceGroups/measured';
      await arm(scene, 'PUT', group, '2021-04-01', { location: 'eastus' });
      const type = 'Microsoft.ManagedIdentity/userAssignedIdentities';
      const times: { readonly ours: number; readonly bare: number }[] = [];
      for (let round = 0; round < 3; round += 1) {
        const bare = await timed(async () => {
          for (let index = 0; index < deployed; index += 1)
            await arm(scene, 'PUT', `${group}/providers/${type}/single-${round}-${index}`, identities, {
              location: 'eastus',
            });
        });
        const name = `[format('deployed-${round}-{0}', copyIndex())]`;
        const copy = { name: 'all', count: deployed };
        const template = {
          $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
          contentVersion: '1.0.0.0',
          resources: [{ type, apiVersion: identities, name, location: 'eastus', copy }],
        };
        const path = `${group}/providers/Microsoft.Resources/deployments/round-${round}`;
        const ours = await timed(async () => {
          await arm(scene, 'PUT', path, '2022-09-01', { properties: { mode: 'Incremental', template } });
          for (;;) {
            const state = (await arm(scene, 'GET', path, '2022-09-01')).properties?.provisioningState;
            if (state === 'Succeeded') return;
            if (state === 'Failed') throw new Error('The deployment failed.');
            await after(20);
          }
        });
        times.push({ ours, bare });
      }
      return {
        ratio: median(times.map(({ ours, bare }) => ours / bare)),
        detail: `${Math.round(median(times.map(({ ours }) => ours)))} ms, PUT ${Math.round(median(times.map(({ bare }) => bare)))} ms`,
      };
    }),
};

export const vaultRows: readonly BenchRow[] = [
  againstRsa({ ...{ id: 'vault-unwrap', what: 'unwrapKey', floor: 0.45, aim: 0.65 }, load: unwrapLoad }),
  againstBare({
    ...{ id: 'vault-get-key', what: 'GET key', floor: 0.25, aim: 0.5 },
    load: async ({ vault, key, token }) => ({
      method: 'GET',
      address: `${vault}/keys/${key}?api-version=${apiVersion}`,
      token: await token(vaultScope),
    }),
  }),
  againstBare({ ...{ id: 'vault-get-secret', what: 'GET secret', floor: 0.25, aim: 0.5 }, load: secretLoad }),
  againstRsa({ ...{ id: 'entra-tokens', what: 'tokens', floor: 0.4, aim: 0.6 }, load: tokenLoad }),
  againstBare({
    ...{ id: 'arm-get', what: 'GET of the clusters of a subscription', floor: 0.1, aim: 0.3 },
    load: async ({ k, token }) => ({
      method: 'GET',
      address: `management.azure.com/subscriptions/${k.subscriptionId}/providers/Microsoft.Kusto/clusters?api-version=2024-04-13`,
      token: await token(armScope),
    }),
  }),
  deployment,
];
