import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Azure } from '../../src/cli/article/azure.ts';
import { azureClientsOf } from '../support/azure-clients.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// Every way to lose a key of a real vault, in virtual time: what the official clients see of it, and that it heals by itself.

const group = 'rg-loss';
const location = 'eastus';
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let azure: Azure;

beforeAll(async () => {
  fixture = await startServerFixture();
  azure = azureClientsOf(fixture);
  await azure.resources.resourceGroups.createOrUpdate(group, { location });
});
afterAll(() => fixture[Symbol.asyncDispose]());

async function control(method: string, path: string, body?: unknown): Promise<void> {
  const { status, text } = await fixture.send({
    ...{ host: 'localhost', method, path, token: fixture.server.controlToken },
    ...(body === undefined ? {} : { body }),
  });
  if (status >= 300) throw new Error(`${path} answered ${status}: ${text}`);
}

const pass = (seconds: number): Promise<void> => control('POST', '/clock/advance', { seconds });

interface Scene {
  readonly cluster: string;
  readonly vault: string;
  readonly vaultUri: string;
  readonly principalId: string;
  readonly key: { readonly keyName: string; readonly keyVersion: string; readonly keyVaultUri: string };
}

const clusterPermissions = { keys: ['get', 'wrapKey', 'unwrapKey'] };

/** A vault with a key, and a cluster whose system-assigned identity uses it. */
async function stage(name: string): Promise<Scene> {
  const { tenantId, objectId } = fixture.environment;
  const cluster = `loss${name}`;
  const vault = `loss-${name}`;
  const { identity } = await azure.kusto.clusters.beginCreateOrUpdateAndWait(group, cluster, {
    location,
    sku: { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 },
    identity: { type: 'SystemAssigned' },
  });
  const principalId = identity?.principalId ?? '';
  const own = { keys: ['create', 'get', 'update', 'delete', 'recover'] };
  const { properties } = await azure.vaults.vaults.createOrUpdate(group, vault, {
    location,
    properties: {
      ...{ tenantId, sku: { family: 'A', name: 'standard' } },
      ...{ enableRbacAuthorization: false, enablePurgeProtection: true },
      accessPolicies: [
        { tenantId, objectId, permissions: own },
        { tenantId, objectId: principalId, permissions: clusterPermissions },
      ],
    },
  });
  const vaultUri = properties.vaultUri ?? '';
  const made = await azure.keysOf(vaultUri).createRsaKey('k', { keySize: 2048 });
  const key = { keyName: 'k', keyVersion: made.properties.version ?? '', keyVaultUri: vaultUri };
  await azure.kusto.clusters.beginUpdateAndWait(group, cluster, { keyVaultProperties: key });
  return { cluster, vault, vaultUri, principalId, key };
}

interface Seen {
  readonly state: string | undefined;
  readonly stateReason: string | undefined;
}

async function seen(scene: Scene): Promise<Seen> {
  const { state, stateReason } = await azure.kusto.clusters.get(group, scene.cluster);
  return { state, stateReason };
}

async function updateError(scene: Scene, keyVaultProperties: object): Promise<{ code: string; details: string }> {
  try {
    await azure.kusto.clusters.beginUpdateAndWait(group, scene.cluster, { keyVaultProperties });
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: unknown };
    return { code, details: `${message} ${JSON.stringify(details)}` };
  }
  throw new Error('the update was expected to be refused');
}

async function changePolicy(scene: Scene, operation: 'add' | 'remove'): Promise<void> {
  const { tenantId } = fixture.environment;
  await azure.vaults.vaults.updateAccessPolicy(group, scene.vault, operation, {
    properties: { accessPolicies: [{ tenantId, objectId: scene.principalId, permissions: clusterPermissions }] },
  });
}

const setEnabled = async ({ vaultUri, key }: Scene, enabled: boolean): Promise<void> => {
  await azure.keysOf(vaultUri).updateKeyProperties(key.keyName, key.keyVersion, { enabled });
};

interface Way {
  readonly take: (scene: Scene) => Promise<unknown>;
  readonly giveBack: (scene: Scene) => Promise<unknown>;
  readonly reason: RegExp;
}

const ways: Record<string, Way> = {
  policy: {
    take: (scene) => changePolicy(scene, 'remove'),
    giveBack: (scene) => changePolicy(scene, 'add'),
    reason: /access policy/,
  },
  disabled: {
    take: (scene) => setEnabled(scene, false),
    giveBack: (scene) => setEnabled(scene, true),
    reason: /the key version is disabled/,
  },
  deleted: {
    take: ({ vaultUri }) => azure.keysOf(vaultUri).beginDeleteKey('k'),
    giveBack: ({ vaultUri }) => azure.keysOf(vaultUri).beginRecoverDeletedKey('k'),
    reason: /the key does not exist/,
  },
  vault: {
    take: ({ vault }) => azure.vaults.vaults.delete(group, vault),
    giveBack: async ({ vault }) => {
      const { tenantId } = fixture.environment;
      await azure.vaults.vaults.createOrUpdate(group, vault, {
        location,
        properties: { tenantId, sku: { family: 'A', name: 'standard' }, createMode: 'recover' },
      });
    },
    reason: /the vault does not exist/,
  },
};

describe('a key that is taken away', () => {
  it.each(Object.entries(ways))(
    '%s: suspended within a period, not to be undone by an update, heals',
    async (name, way) => {
      const scene = await stage(name);
      await way.take(scene);
      await pass(30);
      const lost = await seen(scene);
      expect(lost.state).toBe('Unavailable');
      expect(lost.stateReason).toMatch(way.reason);
      expect(lost.stateReason).toContain(scene.vaultUri);
      const refused = await updateError(scene, {});
      expect(refused.details).toContain(scene.vaultUri);
      expect((await seen(scene)).state).toBe('Unavailable');
      await way.giveBack(scene);
      await pass(30);
      expect((await seen(scene)).state).toBe('Running');
      await azure.kusto.clusters.beginUpdateAndWait(group, scene.cluster, { keyVaultProperties: {} });
      expect((await seen(scene)).state).toBe('Running');
    },
  );
});

describe('a vault in trouble', () => {
  const effects = { throttled: { status: 429 }, failing: { status: 503 }, down: 'down' } as const;

  it.each(Object.entries(effects))(
    '%s: the cluster lives on for the grace, then is suspended, then heals',
    async (name, effect) => {
      const scene = await stage(name);
      await control('POST', '/faults', { kind: 'vault', vault: scene.vault, effect });
      try {
        await pass(400); // longer than a cached key lasts
        expect((await seen(scene)).state).toBe('Running');
        await pass(3000);
        expect((await seen(scene)).state).toBe('Running');
        await pass(300);
        expect((await seen(scene)).state).toBe('Unavailable');
      } finally {
        await control('DELETE', '/faults');
      }
      await pass(30);
      expect((await seen(scene)).state).toBe('Running');
    },
  );
});

describe('an expiry date', () => {
  it('that has passed lets a running cluster go on, and the version cannot be set again', async () => {
    const scene = await stage('expired');
    const { now } = await currentTime();
    const expiresOn = new Date(now + 3_600_000);
    await azure.keysOf(scene.vaultUri).updateKeyProperties('k', scene.key.keyVersion, { expiresOn });
    await pass(7200);
    expect((await seen(scene)).state).toBe('Running');
    await azure.kusto.clusters.beginUpdateAndWait(group, scene.cluster, { keyVaultProperties: {} });
    const refused = await updateError(scene, scene.key);
    expect(refused.code).toBe('IdentityDoesNotHaveAccessToKeyVault');
  });
});

describe('Prometheus', () => {
  it('is told how often was asked and how many clusters there are, with the control token', async () => {
    const ask = { host: 'localhost', method: 'GET', path: '/metrics' };
    expect((await fixture.send(ask)).status).toBe(401);
    const clusters = [];
    for await (const { state } of azure.kusto.clusters.list()) if (state === 'Running') clusters.push(state);
    const { status, text } = await fixture.send({ ...ask, token: fixture.server.controlToken });
    expect({ status, wrong: text.split('\n').filter((line) => !metricLine.test(line)) }).toEqual({
      status: 200,
      wrong: [],
    });
    expect(text).toMatch(/^kustody_http_requests_total\{plane="arm",status="200"\} [1-9]\d*$/m);
    expect(text).toMatch(/^kustody_http_request_duration_seconds_count\{plane="control"\} [1-9]\d*$/m);
    expect(text.includes(`kustody_clusters{state="Running"} ${clusters.length}\n`)).toBe(clusters.length > 0);
    const ready = await fixture.send({ ...ask, path: '/readyz' });
    expect({ status: ready.status, body: ready.body }).toEqual({ status: 200, body: { ready: true } });
  });
});

/** Of the text format: a comment, a sample, or the end. */
const metricLine =
  /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})? [0-9.e+-]+|)$/;

async function currentTime(): Promise<{ now: number }> {
  const { body } = await fixture.send({
    ...{ host: 'localhost', method: 'GET', path: '/clock', token: fixture.server.controlToken },
  });
  const { now } = body as { now: string };
  return { now: Date.parse(now) };
}
