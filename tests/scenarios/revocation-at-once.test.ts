import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/cli/drill/actions.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { required } from '../../src/cli/drill/outcome.ts';
import { arm, armVersions, keysVersion, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { startServerFixture } from '../support/server-fixture.ts';

// In the real server with real processes, while the clock stands still and periodic checks are an hour away: what Kustody changes
// itself has bitten when the change is acknowledged, and is mended when its undoing is.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let scene: Scene;

beforeAll(async () => {
  const keys = { keyCacheSeconds: 7200, keyOutageGraceSeconds: 7200, keyRecheckSeconds: 3600, vaultTimeoutMs: 5_000 };
  fixture = await startServerFixture({ keys });
  scene = await makeScene(await drillInstance(fixture.server));
});
afterAll(() => fixture[Symbol.asyncDispose]());

interface Change {
  readonly title: string;
  readonly take: (scene: Scene) => Promise<unknown>;
  readonly giveBack: (scene: Scene) => Promise<unknown>;
}

const patchVault = async (properties: object): Promise<void> => {
  required(await arm(scene, 'PATCH', scene.vaultPath, armVersions.vault, { properties } as never));
};
const allowOperations = async (key_ops: readonly string[]): Promise<void> => {
  const path = `/keys/${scene.keyName}/${scene.versions[0]}?${keysVersion}`;
  required(await scene.send({ host: scene.vaultHost, method: 'PATCH', path, body: { key_ops } }));
};

const cryptoUser = 'e147488a-f6f5-4113-8e2d-b22465e65bf6';
const accessAdministrator = '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9';
const assignmentAt = (scope: string): string =>
  `${scope}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-00000000000${scope === '' ? 3 : 1}`;
const assignment = (): string => assignmentAt(scene.vaultPath);
const assignRole = (): Promise<void> => assignRoleAt(scene.vaultPath);
async function assignRoleAt(scope: string): Promise<void> {
  const identity = required(await arm(scene, 'GET', scene.identityPath, armVersions.identity)).value as {
    properties: { principalId: string };
  };
  const { subscriptionId } = fixture.environment;
  const roleDefinitionId = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`;
  const properties = { roleDefinitionId, principalId: identity.properties.principalId };
  required(await arm(scene, 'PUT', assignmentAt(scope), 'api-version=2022-04-01', { properties }));
}

/** The administrator elevates their access, and lets the scene's own application give roles at `/`. */
async function openRoot(): Promise<void> {
  const { environment, send } = fixture;
  const { principalName = '', password = '' } = environment.user ?? {};
  const cli = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
  const signedIn = await send({
    ...{ host: 'login.microsoftonline.com', method: 'POST', path: `/${environment.tenantId}/oauth2/v2.0/token` },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      ...{ grant_type: 'password', client_id: cli, username: principalName, password },
      scope: 'https://management.azure.com/.default',
    }).toString(),
  });
  const { access_token: token } = signedIn.body as { access_token: string };
  const ask = async (method: string, path: string, body?: object): Promise<void> => {
    const { status, text } = await send({ host: 'management.azure.com', method, path, token, body });
    expect(status, text).toBeLessThan(300);
  };
  await ask('POST', '/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01');
  const own = '/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000002';
  const properties = { roleDefinitionId: accessAdministrator, principalId: environment.objectId };
  await ask('PUT', `${own}?api-version=2022-04-01`, { properties });
}

const changes: readonly Change[] = [
  ...ways.filter(({ bites }) => bites === 'refusal'),
  {
    title: 'the public network refused',
    take: () => patchVault({ publicNetworkAccess: 'Disabled' }),
    giveBack: () => patchVault({ publicNetworkAccess: 'Enabled' }),
  },
  {
    title: 'a firewall that denies',
    take: () => patchVault({ networkAcls: { defaultAction: 'Deny', bypass: 'AzureServices' } }),
    giveBack: () => patchVault({ networkAcls: { defaultAction: 'Allow', bypass: 'AzureServices' } }),
  },
  {
    title: 'key operations of the version taken away',
    take: () => allowOperations(['sign', 'verify']),
    giveBack: () => allowOperations(['wrapKey', 'unwrapKey']),
  },
  {
    title: 'roles decide, and there is none',
    take: () => patchVault({ enableRbacAuthorization: true }),
    giveBack: assignRole,
  },
  {
    title: 'the role assignment deleted',
    take: async () => void required(await arm(scene, 'DELETE', assignment(), 'api-version=2022-04-01')),
    giveBack: assignRole,
  },
  {
    title: 'the role at / deleted, which was there in place of the one on the vault',
    take: async () => {
      await openRoot();
      await assignRoleAt('');
      required(await arm(scene, 'DELETE', assignment(), 'api-version=2022-04-01'));
      expect(await countRows(scene)).toMatchObject({ rows: 1000 });
      required(await arm(scene, 'DELETE', assignmentAt(''), 'api-version=2022-04-01'));
    },
    giveBack: assignRole,
  },
  {
    title: 'access policies decide again',
    take: async () => void required(await arm(scene, 'DELETE', assignment(), 'api-version=2022-04-01')),
    giveBack: () => patchVault({ enableRbacAuthorization: false }),
  },
];

describe('a change made in Kustody', () => {
  it.each(changes.map((change): [string, Change] => [change.title, change]))(
    '%s: no row after the answer, all rows after the answer to its undoing',
    async (_, { take, giveBack }) => {
      expect(await countRows(scene)).toMatchObject({ rows: 1000 });
      await take(scene);
      expect((await countRows(scene)).outcome).toMatchObject({
        kind: 'refused',
        status: 503,
        error: 'ClusterSuspended',
      });
      await giveBack(scene);
      expect(await countRows(scene)).toMatchObject({ rows: 1000 });
    },
  );
});
