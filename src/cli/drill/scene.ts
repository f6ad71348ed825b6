import { isJsonObject } from '../../base/json.ts';
import type { Json } from '../../base/json.ts';
import { seed } from '../../server/seed.ts';
import type { DrillInstance, Send } from './drill-instance.ts';
import { senderOf } from './drill-instance.ts';
import { required } from './outcome.ts';
import type { Recorder } from './recorder.ts';
import { recording } from './recorder.ts';

/** A cluster with rows, under one version of a customer's key, with another version to rotate to. */
export interface Scene {
  readonly instance: DrillInstance;
  readonly send: Send;
  readonly recorder: Recorder;
  readonly clusterHost: string;
  readonly clusterPath: string;
  readonly vault: string;
  readonly vaultHost: string;
  readonly vaultPath: string;
  readonly identityPath: string;
  readonly keyName: string;
  /** In use, and the one to rotate to. */
  readonly versions: readonly [string, string];
  readonly region: string;
}

const names = { resourceGroup: 'drill', cluster: 'drill', database: 'db', vault: 'drill-keys', region: 'eastus' };
export const database = names.database;
export const table = 'Readings';

const armHost = 'management.azure.com';
export const armVersions = {
  kusto: 'api-version=2024-04-13',
  vault: 'api-version=2023-02-01',
  identity: 'api-version=2023-01-31',
} as const;
export const keysVersion = 'api-version=7.4';

export async function makeScene(instance: DrillInstance): Promise<Scene> {
  const { environment } = instance;
  const made = await seed(environment, { ...names, key: 'customer' });
  const recorder = recording(senderOf(environment));
  const { send } = recorder;
  const keyName = made.keyName ?? '';
  const vaultHost = `${names.vault}.vault.azure.net`;
  const group = `/subscriptions/${environment.subscriptionId}/resourceGroups/${names.resourceGroup}/providers`;
  const identityPath = `${group}/Microsoft.ManagedIdentity/userAssignedIdentities/${names.cluster}-identity`;
  const first = versionIn(
    required(await send({ host: vaultHost, method: 'GET', path: `/keys/${keyName}?${keysVersion}` })).value,
  );
  const base = {
    ...{ instance, send, recorder, vault: names.vault, vaultHost, identityPath, keyName, region: names.region },
    clusterHost: new URL(made.clusterUri).hostname,
    clusterPath: `${group}/Microsoft.Kusto/clusters/${names.cluster}`,
    vaultPath: `${group}/Microsoft.KeyVault/vaults/${names.vault}`,
  };
  // This version and no other: a cluster that follows the latest one would leave it by itself.
  required(await rotateTo({ ...base, versions: [first, first] }, first));
  const body = { kty: 'RSA', key_size: 2048 };
  const path = `/keys/${keyName}/create?${keysVersion}`;
  const second = versionIn(required(await send({ host: vaultHost, method: 'POST', path, body })).value);
  const scene: Scene = { ...base, versions: [first, second] };
  await fill(scene);
  recorder.take();
  return scene;
}

async function fill(scene: Scene): Promise<void> {
  for (const command of [
    `.create table ${table} (Device: string, Celsius: real)`,
    `.alter table ${table} policy streamingingestion enable`,
    `.set-or-append ${table} <| range n from 1 to 1000 step 1 | project Device = strcat('pump-', n % 10), Celsius = n / 10.0`,
  ]) {
    required(await kusto(scene, 'mgmt', command));
  }
}

export const kusto = ({ send, clusterHost }: Scene, kind: 'mgmt' | 'query', csl: string): ReturnType<Send> =>
  send({ host: clusterHost, method: 'POST', path: `/v1/rest/${kind}`, body: { db: database, csl } });

export const arm = (
  { send }: Pick<Scene, 'send'>,
  method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  apiVersion: string,
  body?: Json,
): ReturnType<Send> =>
  send({ host: armHost, method, path: `${path}?${apiVersion}`, ...(body === undefined ? {} : { body }) });

export const rotateTo = (scene: Scene, keyVersion: string): ReturnType<Send> =>
  arm(scene, 'PATCH', scene.clusterPath, armVersions.kusto, {
    properties: {
      keyVaultProperties: {
        keyName: scene.keyName,
        keyVaultUri: `https://${scene.vaultHost}/`,
        keyVersion,
        userIdentity: scene.identityPath,
      },
    },
  });

/** Follows an operation of the resource manager, which takes no time here. @param url of `Azure-AsyncOperation` */
export function operationAt({ send }: Scene, url: string): ReturnType<Send> {
  const { pathname, search } = new URL(url);
  return send({ host: armHost, method: 'GET', path: `${pathname}${search}` });
}

function versionIn(key: unknown): string {
  const kid = isJsonObject(key) && isJsonObject(key['key']) ? key['key']['kid'] : undefined;
  const version = typeof kid === 'string' ? kid.split('/').at(-1) : undefined;
  if (version === undefined) throw new Error('The vault named no key version.');
  return version;
}
