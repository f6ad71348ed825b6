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
const assignment = (): string =>
  `${scene.vaultPath}/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001`;
async function assignRole(): Promise<void> {
  const identity = required(await arm(scene, 'GET', scene.identityPath, armVersions.identity)).value as {
    properties: { principalId: string };
  };
  const { subscriptionId } = fixture.environment;
  const roleDefinitionId = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`;
  const properties = { roleDefinitionId, principalId: identity.properties.principalId };
  required(await arm(scene, 'PUT', assignment(), 'api-version=2022-04-01', { properties }));
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
