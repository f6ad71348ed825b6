import { join } from 'node:path';
import { armResources } from '../../src/arm/resource.ts';
import type { Base64Url } from '../../src/base/base64url.ts';
import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { rootKeyFileName } from '../../src/server/data-directory-names.ts';
import type { RewrapSettings } from '../../src/server/moving/cluster-rewrap.ts';
import { withState } from '../../src/server/moving/held-state.ts';
import { sumCatalog, waitsForOpening } from '../../src/server/moving/kept-cluster.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { State, Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import { makeInstance, movedClusters } from './moved-instance.ts';

const table = (name: string): Table<Json> => ({ name, parse: (value) => value });
const [first, second] = movedClusters;
if (first === undefined || second === undefined) throw new Error('There are two clusters.');
export const clusterId = first;

const resourceId = '/subscriptions/s/resourcegroups/g/providers/microsoft.kusto/clusters/one';
const catalogId = (id: string): string => `${clusterId}/${id}`;
const sealed = (text: string): Json => ({
  ...{ format: 1, generation: 1, revision: 1 },
  sealed: Buffer.from(text).toString('base64url'),
});

const keyOf = (more: Json): Json => ({
  ...{ format: 1, clusterId, generation: 1, custody: { kind: 'microsoftManaged' }, stopped: false },
  kid: { vaultHost: 'v.vault.azure.net', name: 'k', version: '0'.repeat(32) },
  wrapped: Buffer.alloc(256, 1).toString('base64url'),
  check: Buffer.alloc(16, 2).toString('base64url'),
  ...(more as object),
});

/** An instance as whoever moves one looks at it, with a cluster `one` that has a name, a key, a database and a catalog. */
export async function makeClusterInstance(directory: string): Promise<void> {
  await makeInstance(directory);
  await inState(directory, async (state) => {
    const there = await state.list(table('cluster-catalog'));
    const key = await state.get(table('cluster-keys'), clusterId);
    await state.commit({
      write: there.map(({ id, version }) => writeRecord<Json>(table('cluster-catalog'), id, version, null)),
    });
    await state.commit({
      write: [
        writeRecord(table('cluster-keys'), clusterId, key?.version ?? null, keyOf({})),
        writeRecord<Json>(table('kusto-cluster-names'), 'one', null, { resourceId, region: 'westeurope' }),
        writeRecord<Json>(table(armResources.name), resourceId, null, {
          ...{ type: 'Microsoft.Kusto/Clusters', id: resourceId, name: 'one', properties: { format: 1, clusterId } },
        }),
        writeRecord<Json>(table(armResources.name), `${resourceId}/databases/db`, null, {
          ...{ properties: { format: 1, databaseId: second } },
        }),
        ...['head', 'a', 'b', 'd/1', 'e/1', 't/1', 'ü'].map((id) =>
          writeRecord<Json>(table('cluster-catalog'), catalogId(id), null, sealed(`first ${id}`)),
        ),
      ],
    });
  });
}

/** Another catalog, and a cluster that was suspended. */
export const changeCluster = (directory: string): Promise<void> =>
  inState(directory, async (state) => {
    const write = async (id: string, value: Json | null) => {
      const found = await state.get(table('cluster-catalog'), catalogId(id));
      return writeRecord<Json>(table('cluster-catalog'), catalogId(id), found?.version ?? null, value);
    };
    const key = await state.get(table('cluster-keys'), clusterId);
    const failure = { outcome: 'failed', kind: 'refusal', cause: 'accessDenied', message: 'no' };
    await state.commit({
      write: [
        await write('head', sealed('later head')),
        await write('a', null),
        await write('later', sealed('later')),
        await write('t/1', sealed('later t/1')),
        await write('t/2', sealed('later t/2')),
        writeRecord(
          table('cluster-keys'),
          clusterId,
          key?.version ?? null,
          keyOf({ suspension: { since: '2026-01-01T00:00:00Z', reason: 'r', failure } }),
        ),
      ],
    });
  });

interface FoundCluster {
  readonly digest: string;
  readonly records: number;
  readonly suspended: boolean;
  /** What is kept beside its catalog of the one before, and counts. */
  readonly kept: readonly (readonly [id: string, sealed: unknown])[];
}

/** What the cluster is, as far as a backup of it goes, and whether it is suspended. */
export const clusterIn = async (directory: string): Promise<FoundCluster> => {
  let found: FoundCluster = { digest: '', records: 0, suspended: false, kept: [] };
  await inState(directory, async (state) => {
    const key = await state.get(table('cluster-keys'), clusterId);
    const suspended = typeof key?.value === 'object' && key.value !== null && 'suspension' in key.value;
    const prefix = catalogId('~k/');
    const kept = (await waitsForOpening(state, clusterId))
      ? (await state.list(table('cluster-catalog'), { prefix })).map(
          ({ id, value }) => [id.slice(prefix.length), value] as const,
        )
      : [];
    found = { ...(await sumCatalog(state, clusterId)), suspended, kept };
  });
  return found;
};

/** Another record of the cluster's key, as far as it is said. */
export const changeKey = (directory: string, more: Json): Promise<void> =>
  inState(directory, async (state) => {
    const key = await state.get(table('cluster-keys'), clusterId);
    await state.commit({ write: [writeRecord(table('cluster-keys'), clusterId, key?.version ?? null, keyOf(more))] });
  });

/** `renamed`: another cluster has its name. `database`: there is one more. */
export async function writeState(state: State, what: 'renamed' | 'database'): Promise<void> {
  const resources = table(armResources.name);
  if (what === 'database')
    return state.commit({
      write: [
        writeRecord<Json>(resources, `${resourceId}/databases/new`, null, {
          ...{ properties: { format: 1, databaseId: clusterId } },
        }),
      ],
    });
  const found = await state.get(resources, resourceId);
  const key = keyOf({ clusterId: second });
  const there = await state.get(table('cluster-keys'), second ?? '');
  await state.commit({
    write: [
      writeRecord<Json>(resources, resourceId, found?.version ?? null, {
        ...{
          type: 'Microsoft.Kusto/Clusters',
          id: resourceId,
          name: 'one',
          properties: { format: 1, clusterId: second },
        },
      }),
      writeRecord(table('cluster-keys'), second ?? '', there?.version ?? null, key),
    ],
  });
}

export const nextVersion = '1'.repeat(32);
const nextWrap = Buffer.alloc(256, 5).toString('base64url') as Base64Url;

/** What the instance answers whose cluster has the next version of its key. */
export const askNext: RewrapSettings['ask'] = (_, { kid }) => {
  const next = { kid: `https://v.vault.azure.net/keys/k/${nextVersion}` };
  return Promise.resolve(kid.version === nextVersion ? next : { ...next, wrapped: nextWrap });
};

/** Under which version the key of the cluster is, which wrap it is, and whether all of it is there. */
export const keyIn = async (directory: string): Promise<string> => {
  let found = '';
  await inState(directory, async (state) => {
    const key = await state.get(clusterKeyTable, clusterId);
    found = `${key?.value.kid.version} ${key?.value.wrapped === nextWrap ? 'next' : 'first'}`;
  });
  return found;
};

/** What `changeCluster` makes of what is kept when a cluster is set back. */
export const keptOfLater: FoundCluster['kept'] = [
  ['d/1', sealed('first d/1')],
  ['head', sealed('later head')],
  ['t/1', sealed('later t/1')],
  ['t/2', sealed('later t/2')],
];

export async function inState<T>(directory: string, work: (state: State) => Promise<T>): Promise<T> {
  const store = SqliteStateStore.open(directory);
  try {
    const rootKey = openRootKeyFile(join(directory, rootKeyFileName), systemRandomBytes);
    return await withState(store, rootKey, work);
  } finally {
    await store.close();
  }
}
