import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Guid } from '../../base/guid.ts';
import { parseHostName } from '../../base/names.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { machineTime } from '../../clock/host-time.ts';
import type { CatalogStore, StoredCatalogRecord } from '../../database/catalog/catalog-store.ts';
import { emptyCatalog } from '../../database/catalog/empty-catalog.ts';
import { ClusterKey } from '../../encryption/cluster-key.ts';
import { silentLog } from '../../http/logging.ts';
import { startSystemTimer } from '../../http/timer.ts';
import type { AllowedRequest, CallMain } from '../messages/data-plane-calls.ts';
import type { DataPlaneSettings } from '../messages/supervisor-calls.ts';
import { openDataPlane } from '../data-plane/data-plane.ts';
import { dataKeysOf } from './data-keys.ts';
import { DataHolder } from './data-holder.ts';
import { DatabaseKeyring } from './database-keyring.ts';
import { openClusterHost } from './open-cluster-host.ts';

const hosts = [parseHostName('warm-up.kusto.windows.net')].filter((name) => name !== undefined);
const database = 'db';
/** What most clusters are asked first: a path and a text. */
const requests = [
  ['v1/rest/mgmt', '.create table T (Text: string, Number: long, At: datetime)'],
  ['v1/rest/mgmt', '.ingest inline into table T <| a,1,2026-01-01'],
  ['v1/rest/mgmt', '.show tables'],
  ['v1/rest/query', 'T | where Number > 0 | summarize count() by Text'],
  ['v2/rest/query', 'print 1'],
] as const;
/** A machine on which all of them take longer compiles them in each start. */
const answeredMsMax = 120_000;

/** Does in this process what the process of a cluster does first: opens data, with a key and a store that end with it, and answers a few
 * requests, about a row that is nobody's. What is compiled by then need not be in later starts. What was opened stays so until the process ends.
 * @param parserScript `dist/kql-process.js`
 * @throws Error when one is not answered as a cluster would */
export async function serveNobody(parserScript: string): Promise<void> {
  // Nobody else may enter it, so nobody else sends requests.
  const directory = mkdtempSync(join(tmpdir(), 'kustody-warm-up-'));
  try {
    const clusterId = newGuid(systemRandomBytes);
    const settings = settingsIn(directory, clusterId, parserScript);
    const served = openClusterHost({
      ...{ settings, data: emptyData(clusterId), blobs: { directory: join(directory, 'blobs') }, log: silentLog },
      ...{ startTimer: startSystemTimer, cacheUsed: () => undefined },
      containerAccess: () => Promise.reject(new Error('There is no container.')),
    });
    await openDataPlane({ settings, host: served, log: silentLog, call: callOf(newGuid(systemRandomBytes)) });
    const signal = AbortSignal.timeout(answeredMsMax);
    for (const [path, csl] of requests) await ask(`${settings.listenPath}-plain`, signal, path, csl);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function settingsIn(directory: string, clusterId: Guid, parserScript: string): DataPlaneSettings {
  const storage = { storageHosts: [], storageAccounts: [], memoryDirectory: undefined };
  return {
    ...{ clusterId, clusterName: 'warm-up', hosts, ...storage },
    ...{ chainPem: '', privateKeyPem: '', listenPath: join(directory, 'listen') },
    ...{ parserScript, parserSnapshots: undefined, geoipDatabase: undefined },
    version: { version: 'warm-up', builtAt: 0n },
  };
}

function emptyData(clusterId: Guid): DataHolder {
  const databaseKeys = new DatabaseKeyring();
  const key = ClusterKey.create(clusterId, systemRandomBytes);
  const keys = dataKeysOf(1, key, { randomBytes: systemRandomBytes, databaseKeys });
  const store = memoryStore();
  void store.commit([emptyCatalog({ clusterId, keys, randomBytes: systemRandomBytes })]);
  return new DataHolder({
    ...{ clusterId, store, databaseKeys, randomBytes: systemRandomBytes },
    current: () => ({ generation: 1, key }),
    pause: () => Promise.resolve(),
  });
}

function memoryStore(): CatalogStore {
  const records = new Map<string, StoredCatalogRecord>();
  let version = 0;
  return {
    load: (after = '') =>
      Promise.resolve([...records.values()].filter(({ id }) => id > after).sort((a, b) => (a.id < b.id ? -1 : 1))),
    get: (id) => Promise.resolve(records.get(id)),
    commit: (writes) => {
      const versions = writes.map(({ id, put }) => {
        version += 1;
        if (put === null) records.delete(id);
        else records.set(id, { id, version, sealed: put });
        return version;
      });
      return Promise.resolve({ outcome: 'committed', versions });
    },
    beside: () => {
      throw new Error('Nobody changes the custody of this one.');
    },
  };
}

/** The main process, which allows everything. */
function callOf(someone: Guid): CallMain {
  const databases = [{ databaseId: newGuid(systemRandomBytes), name: database, roles: ['Admin'] as const }];
  const allowed = (): AllowedRequest => ({
    ...{ outcome: 'allowed', clusterRoles: ['AllDatabasesAdmin'], principals: [], databases },
    ...{ streamingIngestEnabled: true, purgeEnabled: false, machines: { coresPerNode: 2, nodes: 1 } },
    caller: { objectId: someone, tenantId: someone, displayName: 'nobody', fqn: 'aadapp=nobody', memberOf: [] },
    ...{ now: machineTime.now(), leaseMs: 600_000 },
  });
  return (operation) => {
    if (operation === 'authorize') return Promise.resolve(allowed() as never);
    if (operation === 'log') return Promise.resolve(null as never);
    return Promise.reject(new Error(`Nobody answers ${operation}.`));
  };
}

function ask(socketPath: string, signal: AbortSignal, path: string, csl: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: hosts[0], authorization: 'Bearer nobody', 'content-type': 'application/json' };
    const sent = request({ socketPath, path: `/${path}`, method: 'POST', headers, signal }, (answer) => {
      answer.resume().on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`${csl} was answered with ${answer.statusCode ?? 'nothing'}.`));
      });
    });
    sent.on('error', reject);
    sent.end(JSON.stringify({ db: database, csl }));
  });
}
