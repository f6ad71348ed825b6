import { isJsonObject } from '../../base/json.ts';
import type { Json } from '../../base/json.ts';
import type { Bite, WayName } from '../../server/drill-matrix.ts';
import { wayRows } from '../../server/drill-matrix.ts';
import { required } from './outcome.ts';
import type { Scene } from './scene.ts';
import { arm, armVersions, keysVersion, rotateTo } from './scene.ts';

/** One way in which a cluster can lose its key, or nearly. */
export interface Way {
  readonly name: WayName;
  readonly title: string;
  readonly bites: Bite;
  readonly take: (scene: Scene) => Promise<void>;
  readonly giveBack: (scene: Scene) => Promise<void>;
}

const clusterPermissions = { keys: ['get', 'wrapKey', 'unwrapKey'] };

async function changePolicy(scene: Scene, operation: 'add' | 'remove', objectId: string): Promise<void> {
  const { tenantId } = scene.instance.environment;
  const accessPolicies = [{ tenantId, objectId, permissions: clusterPermissions }];
  const path = `${scene.vaultPath}/accessPolicies/${operation}`;
  required(await arm(scene, 'PUT', path, armVersions.vault, { properties: { accessPolicies } }));
}

async function principalId(scene: Scene): Promise<string> {
  const { value } = required(await arm(scene, 'GET', scene.identityPath, armVersions.identity));
  const properties = isJsonObject(value) && isJsonObject(value['properties']) ? value['properties'] : {};
  return typeof properties['principalId'] === 'string' ? properties['principalId'] : '';
}

async function setAttributes({ send, vaultHost, keyName }: Scene, version: string, attributes: Json): Promise<void> {
  const path = `/keys/${keyName}/${version}?${keysVersion}`;
  required(await send({ host: vaultHost, method: 'PATCH', path, body: { attributes } }));
}

async function setEnabled(scene: Scene, versions: readonly string[], enabled: boolean): Promise<void> {
  for (const version of versions) await setAttributes(scene, version, { enabled });
}

const wayOf = (name: WayName): Pick<Way, 'name' | 'title' | 'bites'> => ({ name, ...wayRows[name] });

const outage = (name: WayName, effect: Json): Way => ({
  ...wayOf(name),
  take: ({ instance, vault }) => instance.addFault({ kind: 'vault', vault, effect }),
  giveBack: ({ instance }) => instance.clearFaults(),
});

export const ways: readonly Way[] = [
  {
    ...wayOf('policyRemoved'),
    take: async (scene) => changePolicy(scene, 'remove', await principalId(scene)),
    giveBack: async (scene) => changePolicy(scene, 'add', await principalId(scene)),
  },
  {
    ...wayOf('versionDisabled'),
    take: (scene) => setEnabled(scene, [scene.versions[0]], false),
    giveBack: (scene) => setEnabled(scene, [scene.versions[0]], true),
  },
  {
    ...wayOf('keyDisabled'),
    take: (scene) => setEnabled(scene, scene.versions, false),
    giveBack: (scene) => setEnabled(scene, scene.versions, true),
  },
  {
    ...wayOf('keyDeleted'),
    take: async ({ send, vaultHost, keyName }) => {
      required(await send({ host: vaultHost, method: 'DELETE', path: `/keys/${keyName}?${keysVersion}` }));
    },
    giveBack: async ({ send, vaultHost, keyName }) => {
      const path = `/deletedkeys/${keyName}/recover?${keysVersion}`;
      required(await send({ host: vaultHost, method: 'POST', path }));
    },
  },
  {
    ...wayOf('vaultDeleted'),
    take: async (scene) => {
      required(await arm(scene, 'DELETE', scene.vaultPath, armVersions.vault));
    },
    giveBack: async (scene) => {
      const { tenantId } = scene.instance.environment;
      const properties = { tenantId, sku: { family: 'A', name: 'standard' }, createMode: 'recover' };
      required(await arm(scene, 'PUT', scene.vaultPath, armVersions.vault, { location: scene.region, properties }));
    },
  },
  {
    ...wayOf('identityRemoved'),
    take: async (scene) => {
      required(await arm(scene, 'DELETE', scene.identityPath, armVersions.identity));
    },
    // Made anew it is another principal, which the vault and the cluster have to be told of.
    giveBack: async (scene) => {
      required(await arm(scene, 'PUT', scene.identityPath, armVersions.identity, { location: scene.region }));
      await changePolicy(scene, 'add', await principalId(scene));
      const identity = { type: 'UserAssigned', userAssignedIdentities: { [scene.identityPath]: {} } };
      required(await arm(scene, 'PATCH', scene.clusterPath, armVersions.kusto, { identity }));
    },
  },
  outage('throttled', { status: 429 }),
  outage('down', 'down'),
  {
    ...wayOf('expired'),
    take: (scene) =>
      setAttributes(scene, scene.versions[0], { exp: Math.floor(scene.instance.now() / 1000) + expiresInSeconds }),
    giveBack: async (scene) => {
      const [used] = scene.versions;
      await setAttributes(scene, used, { exp: Math.floor(scene.instance.now() / 1000) + farSeconds });
      required(await rotateTo(scene, used));
    },
  },
];

const expiresInSeconds = 1_800;
/** Beyond the notice of a near expiry. */
const farSeconds = 10 * 366 * 86_400;
