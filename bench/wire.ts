import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import type { Kustody } from '../src/testing/public.ts';
import { startKustody } from '../src/testing/testing.ts';
import { defaultSeed, seed } from '../src/server/seed.ts';
import type { KustoClient } from './kusto-client.ts';
import { kustoClient } from './kusto-client.ts';
import { openLocalCluster } from './local-cluster.ts';
import { processesUnder, residentMb } from './processes.ts';
import type { BenchRow } from './row.ts';
import { quantile, timed } from './row.ts';
import { sampleRows } from './sample-rows.ts';

const eightRows = 'range x from 1 to 8 step 1 | extend y = x * 2, s = strcat("row ", x)';
const scans = 8;
const bigRows = Math.min(sampleRows, 10_000_000);
const bigTable = `.set-or-replace Big <| range i from 1 to ${bigRows} step 1 | extend g = hash(i, 1000), s = strcat("row ", hash(i))`;

/** Keeps the cluster busy. @returns what ends that, with the number of scans that ran to their end */
async function runScans(client: KustoClient): Promise<() => Promise<number>> {
  let isRunning = true;
  let finished = 0;
  const scan = async (index: number): Promise<void> => {
    for (let turn = 0; isRunning; turn += 1) {
      await client.query(`Big | where g != ${index * 1000 + turn} | summarize count(), max(s), avg(i) by g | count`);
      finished += 1;
    }
  };
  const running = Promise.all(Array.from({ length: scans }, (_value, index) => scan(index)));
  await pause(500);
  return async () => {
    isRunning = false;
    await running;
    return finished;
  };
}

async function unwrapper(k: Kustody): Promise<() => Promise<number>> {
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  const key = await new KeyClient(k.cluster?.vaultUri ?? '', credential, k.azureOptions).getKey(
    k.cluster?.keyName ?? '',
  );
  const client = new CryptographyClient(key.id ?? '', credential, k.azureOptions);
  const { result } = await client.wrapKey('RSA-OAEP-256', randomBytes(32));
  return () =>
    timed(async () => {
      await client.unwrapKey('RSA-OAEP-256', result);
    });
}

/** @returns its address */
async function secondCluster(k: Kustody): Promise<string> {
  const ports = {
    port: Number(new URL(k.endpoints.control).port),
    proxyPort: Number(new URL(k.endpoints.proxy).port),
    kustoPort: 0,
  };
  const environment = { ...k, ...ports, caCertificate: k.ca, vaults: [], clusters: [] };
  return (await seed(environment, { ...defaultSeed, cluster: 'neighbour', key: 'microsoftManaged' })).clusterUri;
}

async function p50(count: number, measure: () => Promise<number>): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) times.push(await measure());
  return quantile(times, 0.5);
}

export const wireRows: readonly BenchRow[] = [
  {
    id: 'rest-answer',
    ratio: 'what HTTPS adds to the engine for an answer of 8 rows, p50, over 25 ms',
    rule: 'atMost',
    floor: 1,
    aim: 0.2,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      const client = await kustoClient(k);
      const local = await openLocalCluster();
      const [ours, engine]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 20; turn += 1) {
        await client.query(eightRows);
        await local.query(eightRows);
      }
      for (let turn = 0; turn < 200; turn += 1) {
        ours.push(
          await timed(async () => {
            await client.query(eightRows);
          }),
        );
        engine.push(
          await timed(async () => {
            await local.query(eightRows);
          }),
        );
      }
      await local.close();
      const [wire, alone] = [quantile(ours, 0.5), quantile(engine, 0.5)];
      return { ratio: (wire - alone) / 25, detail: `${wire.toFixed(1)} ms, engine ${alone.toFixed(1)} ms` };
    },
  },
  {
    id: 'unwrap-scans',
    ratio: `unwrapKey by the official client beside ${scans} running scans, p50, over idle`,
    rule: 'atMost',
    floor: 20,
    aim: 5,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      const client = await kustoClient(k);
      await client.command(bigTable);
      const unwrap = await unwrapper(k);
      await p50(20, unwrap);
      const idle = await p50(100, unwrap);
      const stop = await runScans(client);
      const busy = await p50(100, unwrap);
      const finished = await stop();
      return {
        ratio: busy / idle,
        detail: `${busy.toFixed(1)} ms, idle ${idle.toFixed(1)} ms; ${finished} scans of ${bigRows} rows ended`,
      };
    },
  },
  {
    id: 'neighbour',
    ratio: `point lookup in one cluster beside ${scans} running scans in another, p50, over idle`,
    rule: 'atMost',
    floor: 5,
    aim: 3,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      const heavy = await kustoClient(k);
      await heavy.command(bigTable);
      const light = await kustoClient(k, await secondCluster(k));
      await light.command('.set-or-replace Few <| range i from 1 to 1000 step 1 | extend s = strcat("row ", i)');
      const lookup = (): Promise<number> =>
        timed(async () => {
          await light.query('Few | where i == 517');
        });
      await p50(20, lookup);
      const idle = await p50(100, lookup);
      const stop = await runScans(heavy);
      const busy = await p50(100, lookup);
      const finished = await stop();
      return {
        ratio: busy / idle,
        detail: `${busy.toFixed(1)} ms, idle ${idle.toFixed(1)} ms; ${finished} scans of ${bigRows} rows ended`,
      };
    },
  },
  {
    id: 'fairness',
    ratio: `point lookup beside ${scans} running scans in the same cluster, p50, over idle`,
    rule: 'atMost',
    floor: 3,
    aim: 2,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      const client = await kustoClient(k);
      await client.command(bigTable);
      await client.command('.set-or-replace Few <| range i from 1 to 1000 step 1 | extend s = strcat("row ", i)');
      const lookup = (): Promise<number> =>
        timed(async () => {
          await client.query('Few | where i == 517');
        });
      await p50(20, lookup);
      const idle = await p50(100, lookup);
      const stop = await runScans(client);
      const times: number[] = [];
      for (let index = 0; index < 100; index += 1) times.push(await lookup());
      const finished = await stop();
      const busy = quantile(times, 0.5);
      return {
        ratio: busy / idle,
        detail: `${busy.toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms, idle ${idle.toFixed(1)} ms; ${finished} scans of ${bigRows} rows ended`,
      };
    },
  },
  {
    id: 'idle-memory',
    ratio: 'resident memory of a cluster process at rest after a query over 150 MB',
    rule: 'atMost',
    floor: 1,
    aim: 0.8,
    run: async () => {
      await using k = await startKustody({ cluster: true });
      await (await kustoClient(k)).query(eightRows);
      await pause(2_000);
      const [pid] = processesUnder(process.pid, 'cluster-process.cjs').toSorted(
        (a, b) => residentMb(b) - residentMb(a),
      );
      if (pid === undefined) throw new Error('The cluster has a process.');
      const parsers = processesUnder(pid, 'kql-process.js').map((parser) => residentMb(parser));
      const megabytes = residentMb(pid);
      return {
        ratio: megabytes / 150,
        detail: `${Math.round(megabytes)} MB; its parser process ${parsers.map(Math.round).join(', ')} MB besides`,
      };
    },
  },
];
