import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '../../src/base/json.ts';
import { findInstance } from '../../src/cli/control-client.ts';
import { callLocal, localToken } from '../../src/server/local-client.ts';
import { serveKustody, temporaryDirectory } from '../support/kustody-command.ts';

/** A whole server takes longer to start than a store, so it is killed a tenth as often. */
const runs = Math.max(2, Math.floor(Number(process.env['KUSTODY_CRASH_RUNS'] ?? 20) / 10));
const deploymentsVersion = '2024-11-01';
const ended = ['Succeeded', 'Failed', 'Canceled'];

const versions: Readonly<Record<string, string>> = {
  'Microsoft.KeyVault/vaults': '2023-07-01',
  'Microsoft.KeyVault/vaults/keys': '2023-07-01',
  'Microsoft.KeyVault/vaults/secrets': '2023-07-01',
  'Microsoft.ManagedIdentity/userAssignedIdentities': '2023-01-31',
};

/** Links of a chain: each is made when the one before is there, so that a kill finds the deployment between any two of them. */
const linksOf = (vault: string): readonly (readonly [type: string, name: string, properties?: JsonObject])[] => [
  ['Microsoft.ManagedIdentity/userAssignedIdentities', 'first'],
  [
    'Microsoft.KeyVault/vaults',
    vault,
    { tenantId: '[subscription().tenantId]', sku: { family: 'A', name: 'standard' }, accessPolicies: [] },
  ],
  ['Microsoft.KeyVault/vaults/keys', `${vault}/one`, { kty: 'RSA', keySize: 4096 }],
  ['Microsoft.KeyVault/vaults/secrets', `${vault}/secret`, { value: 'of the test' }],
  ['Microsoft.ManagedIdentity/userAssignedIdentities', 'second'],
  ['Microsoft.KeyVault/vaults/keys', `${vault}/two`, { kty: 'EC', curveName: 'P-256' }],
  ['Microsoft.ManagedIdentity/userAssignedIdentities', 'last'],
];

/** The links, and between the fourth and the fifth a template of their own for two identities. */
function templateOf(vault: string, run: number): JsonObject {
  const links = linksOf(vault);
  const resources: JsonObject[] = [];
  let before: readonly string[] = [];
  const add = (resource: JsonObject, id: string): void => {
    resources.push({ ...resource, dependsOn: before });
    before = [`[${id}]`];
  };
  for (const [index, [type, name, properties]] of links.entries()) {
    if (index === 4) add(nested(run), "resourceId('Microsoft.Resources/deployments', 'inner')");
    const names = name.split('/').map((part) => `'${part}'`);
    add(linkOf(type, name, run, properties), `resourceId('${type}', ${names.join(', ')})`);
  }
  return template(resources);
}

const template = (resources: readonly JsonObject[]): JsonObject => ({
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources,
});

const linkOf = (type: string, name: string, run: number, properties?: JsonObject): JsonObject => ({
  ...{ type, apiVersion: versions[type] ?? '', name, location: 'eastus', tags: { run: String(run) } },
  ...(properties === undefined ? {} : { properties }),
});

const innerNames = ['inner-1', 'inner-2'];

const nested = (run: number): JsonObject => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2022-09-01',
  name: 'inner',
  properties: {
    mode: 'Incremental',
    template: template(innerNames.map((name) => linkOf('Microsoft.ManagedIdentity/userAssignedIdentities', name, run))),
  },
});

describe('a server that is killed while it deploys', () => {
  it(
    `has made each resource whole or not at all, says that the deployment failed, and takes it again (${runs} kills)`,
    { timeout: 240_000 + runs * 60_000 },
    async () => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'data');
      let server = await serveKustody(data);
      let interrupted = 0;
      for (let run = 0; run < runs; run += 1) {
        const group = `rg-${run}`;
        const client = await connect(data, group, run);
        await client.makeGroup();
        expect((await client.deploy()).status).toBe(201);
        // Of the nine operations that there are, the kill comes after some; the first time at once, when hardly one has begun.
        const seen = run === 0 ? [] : await client.waitUntil(randomInt(0, 10));
        server.process.kill('SIGKILL');
        expect(await server.result).toMatchObject({ signal: 'SIGKILL' });
        server = await serveKustody(data);
        const again = await connect(data, group, run);
        const state = await again.state('main');
        expect(['Failed', 'Succeeded']).toContain(state);
        if (state === 'Failed') interrupted += 1;
        const made = await again.made('main');
        // What was told as made is told after the kill too.
        expect(made.map(({ id }) => id)).toEqual(expect.arrayContaining(seen.map(({ id }) => id)));
        const wholeBefore = await again.wholes(made.map(({ id }) => id));
        await again.noneRuns();
        expect((await again.deploy()).status).toBe(200);
        expect(await again.end('main')).toBe('Succeeded');
        expect(await again.end('inner')).toBe('Succeeded');
        const all = await again.wholes(await again.outputResources());
        expect(all.size).toBe(linksOf('').length + innerNames.length);
        // What was there stayed: no key has a new version, no vault or identity is another.
        for (const [id, whole] of wholeBefore) expect(all.get(id)).toEqual(whole);
      }
      expect(interrupted).toBeGreaterThan(0);
      server.process.kill('SIGTERM');
      expect(await server.result).toMatchObject({ code: 0 });
    },
  );
});

interface Made {
  readonly id: string;
  readonly type: string;
}

async function connect(data: string, group: string, run: number) {
  const environment = await (await findInstance(data))?.environment();
  if (environment === undefined) throw new Error('no server answers');
  const token = await localToken(environment, 'https://management.azure.com');
  const groupId = `/subscriptions/${environment.subscriptionId}/resourceGroups/${group}`;
  const deployment = (name: string): string => `${groupId}/providers/Microsoft.Resources/deployments/${name}`;
  const send = (method: string, path: string, version: string, body?: Json) =>
    callLocal(environment, {
      ...{ host: 'management.azure.com', method, path: `${path}?api-version=${version}`, token },
      ...(body === undefined ? {} : { body }),
    });
  const read = async <T>(path: string, version = deploymentsVersion): Promise<T> => {
    const answer = await send('GET', path, version);
    expect(answer.status, answer.text).toBe(200);
    return answer.value as T;
  };
  const propertiesOf = async (name: string) =>
    (
      await read<{ properties: { provisioningState: string; outputResources?: readonly { id: string }[] } }>(
        deployment(name),
      )
    ).properties;
  const operations = async (name: string) =>
    (
      await read<{
        value: { properties: { provisioningState: string; targetResource?: { id: string; resourceType: string } } }[];
      }>(`${deployment(name)}/operations`)
    ).value.map(({ properties }) => properties);
  const made = async (name: string): Promise<readonly Made[]> =>
    (await operations(name)).flatMap(({ provisioningState, targetResource }) =>
      provisioningState === 'Succeeded' && targetResource !== undefined
        ? [{ id: targetResource.id, type: targetResource.resourceType }]
        : [],
    );
  const client = {
    made,
    makeGroup: () => send('PUT', groupId, deploymentsVersion, { location: 'eastus' }),
    deploy: () => {
      const body = { properties: { mode: 'Incremental', template: templateOf(`killed-${run}`, run) } };
      return send('PUT', deployment('main'), deploymentsVersion, body);
    },
    state: async (name: string) => (await propertiesOf(name)).provisioningState,
    outputResources: async () => ((await propertiesOf('main')).outputResources ?? []).map(({ id }) => id),
    /** Operations that have succeeded as soon as they are so many, or when the deployment has ended. */
    waitUntil: async (count: number): Promise<readonly Made[]> => {
      for (;;) {
        const hasEnded = ended.includes(await client.state('main'));
        const found = await made('main');
        if (found.length >= count || hasEnded) return found;
      }
    },
    end: async (name: string): Promise<string> => {
      for (;;) {
        const state = await client.state(name);
        if (ended.includes(state)) return state;
      }
    },
    /** Nothing is told as running that nobody goes on with. */
    noneRuns: async (): Promise<void> => {
      const { value } = await read<{ value: readonly { name: string }[] }>(
        `${groupId}/providers/Microsoft.Resources/deployments`,
      );
      for (const { name } of value) {
        expect(ended).toContain(await client.state(name));
        for (const { provisioningState } of await operations(name)) expect(ended).toContain(provisioningState);
      }
    },
    /** What lasts of each resource, by its id; each is one of this run and complete. */
    wholes: async (ids: readonly string[]): Promise<ReadonlyMap<string, unknown>> => {
      const found = new Map<string, unknown>();
      for (const id of ids) {
        const type = typeOf(id);
        if (type === 'Microsoft.Resources/deployments') continue;
        const whole = await read<{ tags: unknown; properties: Readonly<Record<string, unknown>> }>(id, versions[type]);
        expect(whole.tags).toEqual({ run: String(run) });
        const lasting = (lastingBy[type] ?? []).map((property) => whole.properties[property]);
        for (const value of lasting) expect(value).toEqual(expect.stringMatching(/./));
        found.set(id, lasting);
      }
      return found;
    },
  };
  return client;
}

/** What a resource of the type has when all of it was made, and keeps when it is deployed again. Of a secret another deployment makes
 * another version. */
const lastingBy: Readonly<Record<string, readonly string[]>> = {
  'Microsoft.KeyVault/vaults': ['vaultUri'],
  'Microsoft.KeyVault/vaults/keys': ['keyUriWithVersion', 'kty'],
  'Microsoft.KeyVault/vaults/secrets': ['secretUri'],
  'Microsoft.ManagedIdentity/userAssignedIdentities': ['principalId', 'clientId'],
};

/** `Microsoft.KeyVault/vaults/keys` of the id of a key */
function typeOf(id: string): string {
  const [provider = '', ...parts] = (id.split('/providers/').at(-1) ?? '').split('/');
  return [provider, ...parts.filter((_, index) => index % 2 === 0)].join('/');
}
