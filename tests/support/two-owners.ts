import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandomBytes } from '../../src/base/random.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { vaultNames } from '../../src/providers/keyvault/vault-record.ts';
import { rootKeyFileName } from '../../src/server/data-directory-names.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { seed } from '../../src/server/seed.ts';
import type { HostAnswer } from './server-fixture.ts';
import { startServerFixture } from './server-fixture.ts';

/** Two customers in one instance, each with a resource group, a vault with a key, and a cluster with a row under that key. */
export const owners = ['alpha', 'beta'] as const;
export type Owner = (typeof owners)[number];

export type Fixture = Awaited<ReturnType<typeof startServerFixture>>;

export interface TwoOwners extends Disposable {
  readonly directory: string;
  readonly owner: Pick<Fixture['environment'], 'tenantId' | 'subscriptionId' | 'clientId' | 'objectId'>;
  readonly alpha: OwnIds;
  readonly beta: OwnIds;
}

interface OwnIds {
  readonly clusterId: string;
  readonly vaultId: string;
  /** Of the cluster's identity. */
  readonly principalId: string;
}

/** Made by a server that has ended. */
export async function twoOwnersDirectory(): Promise<TwoOwners> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-owners-'));
  const owner = await fill(directory);
  const [alpha, beta] = await idsIn(directory);
  return {
    ...{ directory, owner, alpha, beta },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** As the server's own code reads them. */
async function idsIn(directory: string): Promise<readonly [OwnIds, OwnIds]> {
  const rootKey = openRootKeyFile(join(directory, rootKeyFileName), systemRandomBytes);
  const store = SqliteStateStore.open(directory);
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  const keys = await state.list(clusterKeyTable);
  const names = await state.list(vaultNames);
  await state.close();
  const of = (owner: Owner): OwnIds => {
    const { vaultId } = names.find(({ id }) => id === vaultOf(owner))?.value ?? { vaultId: '' };
    const found = keys.find(({ value }) => value.kid.vaultHost.startsWith(vaultOf(owner)))?.value;
    const principalId = found?.custody.kind === 'customer' ? found.custody.key.identity : '';
    return { clusterId: found?.clusterId ?? '', vaultId, principalId };
  };
  return [of('alpha'), of('beta')];
}

async function fill(directory: string): Promise<TwoOwners['owner']> {
  await using server = await startServerFixture({ dataDirectory: directory });
  for (const owner of owners) {
    await seed(server.environment, {
      ...{ resourceGroup: owner, region: 'eastus', cluster: owner, database: 'db', key: 'customer' },
      vault: vaultOf(owner),
    });
    await made(command(server, owner, '.create table T (n: long)'));
    await made(command(server, owner, '.ingest inline into table T <| 7'));
  }
  const body = { kind: 'operations', takesSeconds: 0 };
  const token = server.server.controlToken;
  await made(server.send({ host: 'localhost', method: 'POST', path: '/faults', token, body }));
  const { tenantId, subscriptionId, clientId, objectId } = server.environment;
  return { tenantId, subscriptionId, clientId, objectId };
}

export const vaultOf = (owner: Owner): string => `${owner}-keys`;
const clusterHost = (owner: Owner): string => `${owner}.eastus.kusto.windows.net`;
const clusterAudience = 'https://kusto.kusto.windows.net';

async function made(answer: Promise<HostAnswer>): Promise<void> {
  const { status, text } = await answer;
  if (status !== 200) throw new Error(`${status} ${text}`);
}

export async function command(server: Fixture, owner: Owner, csl: string): Promise<HostAnswer> {
  const token = await server.tokenFor(clusterAudience);
  const body = { db: 'db', csl };
  return server.send({ host: clusterHost(owner), method: 'POST', path: '/v1/rest/mgmt', token, body });
}

/** What the planes answer; `ok`, or the status with the code of the error. */
export const probes = {
  token: async (server) => (await server.tokenFor(clusterAudience)).length > 0 && 'ok',
  group: (server) => arm(server, '/resourceGroups/alpha', '2021-04-01'),
  groups: (server) => arm(server, '/resourceGroups', '2021-04-01'),
  clusters: (server) => arm(server, '/providers/Microsoft.Kusto/clusters', '2024-04-13'),
  alphaKey: (server) => key(server, 'alpha'),
  betaKey: (server) => key(server, 'beta'),
  alphaRows: (server) => rows(server, 'alpha'),
  betaRows: (server) => rows(server, 'beta'),
} satisfies Record<string, (server: Fixture) => Promise<string | false>>;

export type Probe = keyof typeof probes;

/** @returns what did not answer as it should */
export async function failing(server: Fixture): Promise<Partial<Record<Probe, string>>> {
  const answers: Partial<Record<Probe, string>> = {};
  await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => {
      const answer = await probe(server).catch(() => 'refused');
      if (answer !== 'ok') answers[name as Probe] = String(answer);
    }),
  );
  return answers;
}

export async function arm(server: Fixture, path: string, version: string): Promise<string> {
  const token = await server.tokenFor('https://management.azure.com');
  const whole = `/subscriptions/${server.environment.subscriptionId}${path}?api-version=${version}`;
  return shortOf(await server.send({ host: 'management.azure.com', method: 'GET', path: whole, token }));
}

async function key(server: Fixture, owner: Owner): Promise<string> {
  const token = await server.tokenFor('https://vault.azure.net');
  const path = '/keys/cluster-key?api-version=7.4';
  return shortOf(await server.send({ host: `${vaultOf(owner)}.vault.azure.net`, method: 'GET', path, token }));
}

async function rows(server: Fixture, owner: Owner): Promise<string> {
  const token = await server.tokenFor(clusterAudience);
  const body = { db: 'db', csl: 'T' };
  const headers = { accept: 'application/json' };
  const answer = await server.send({
    host: clusterHost(owner),
    method: 'POST',
    path: '/v1/rest/query',
    token,
    headers,
    body,
  });
  return answer.status === 200 && !answer.text.includes('[[7]]') ? 'other rows' : shortOf(answer);
}

function shortOf({ status, body }: HostAnswer): string {
  if (status === 200) return 'ok';
  const { error } = body as { readonly error?: { readonly code?: string } };
  return `${status} ${error?.code ?? ''}`;
}
