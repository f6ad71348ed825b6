import { setTimeout as pause } from 'node:timers/promises';
import { requireInstance } from '../src/cli/control-client.ts';
import { callLocal, localToken, succeeded } from '../src/server/local-client.ts';
import { defaultSeed, seed } from '../src/server/seed.ts';
import { machineSlowness } from '../scripts/machine-slowness.mjs';
import { commandOf, descendantsOf, residentBytes } from '../tests/support/process-tree.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf, quantile } from './part.ts';
import type { RealServer } from './real-server.ts';
import { startRealServer } from './real-server.ts';

/** From a query to a cluster that rests to the whole answer, on a machine that is no slower than usual. */
const floorMs = 1_500;
/** Whoever does not rest by then, past the time after which it may, never does. */
const restPatienceMs = 120_000;
const rows = 1_000;
const table = 'Readings';
const answerExpected = JSON.stringify([[rows, (rows * (rows + 1)) / 2]]);

/** Many clusters of which each is used once: what they take, what they give back, and how fast they come again. */
export const idle: CampaignPart = {
  id: 'idle',
  promise: `a cluster that nobody uses gives its processes back, and answers again within ${floorMs} ms (more only where all else takes longer, too), if its key still lets it`,
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const count = Math.max(2, countOf('KUSTODY_CAMPAIGN_CLUSTERS', 5));
  // All have to be awake together, on a small machine, too.
  const idleSeconds = 10 + 2 * count;
  const server = await startRealServer(['--cluster-idle', String(idleSeconds)]);
  try {
    const serverBytes = memoryOf(server).all;
    const clusters: IdleCluster[] = [];
    for (let number = 0; number < count; number += 1) clusters.push(await makeCluster(server, number));
    say(`${count} clusters are made`);
    const awake = await memoryAwake(server, clusters);
    say(awake.figure);
    const restedAfter = await rest(server, idleSeconds);
    const resting = memoryOf(server);
    const figures = [
      awake.figure,
      `resting after ${restedAfter.toFixed(0)} s: no process of a cluster; all processes together ${mebibytes(resting.all)} MiB, ` +
        `${mebibytes(resting.all - serverBytes)} more than before the first cluster (${mebibytes((resting.all - serverBytes) / count)} per cluster)`,
    ];
    say(figures[1] ?? '');
    const [revoked, ...others] = clusters;
    const returned = await comeBack(others);
    const refused = revoked === undefined ? { figures: [], missed: [] } : await stayAway(server, revoked);
    return {
      figures: [...figures, ...returned.figures, ...refused.figures],
      missed: [...awake.missed, ...returned.missed, ...refused.missed],
    };
  } finally {
    await server.close();
  }
}

interface IdleCluster {
  readonly name: string;
  /** @returns status and rows; nothing is asked of the server besides */
  read(): Promise<{ readonly status: number; readonly text: string; readonly rows: string }>;
  setKeyEnabled(enabled: boolean): Promise<void>;
}

/** A cluster with a vault and a key of its own. */
async function makeCluster({ environment }: RealServer, number: number): Promise<IdleCluster> {
  const name = `idle${number}`;
  const options = { ...defaultSeed, cluster: name, vault: `${name}-keys` };
  const { clusterUri, vaultUri = '', keyName = '' } = await seed(environment, options);
  const { hostname: host } = new URL(clusterUri);
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const vaultToken = await localToken(environment, 'https://vault.azure.net');
  const post = (path: string, csl: string) =>
    callLocal(environment, { host, method: 'POST', path, token, body: { db: options.database, csl } });
  for (const csl of [`.create table ${table} (N: long)`, `.set-or-append ${table} <| range N from 1 to ${rows} step 1`])
    succeeded(await post('/v1/rest/mgmt', csl));
  return {
    name,
    read: async () => {
      const { status, text, value } = await post('/v1/rest/query', `${table} | summarize count(), sum(N)`);
      const { Tables: tables } = (value ?? {}) as { Tables?: { Rows: unknown[][] }[] };
      return { status, text: text.slice(0, 200), rows: JSON.stringify(tables?.[0]?.Rows) };
    },
    setKeyEnabled: async (enabled) => {
      const path = `/keys/${keyName}?api-version=7.4`;
      const body = { attributes: { enabled } };
      succeeded(
        await callLocal(environment, {
          ...{ host: new URL(vaultUri).hostname, method: 'PATCH', path, body },
          token: vaultToken,
        }),
      );
    },
  };
}

/** Bytes of the server and all that it has started, and of what belongs to clusters alone. */
function memoryOf({ processId }: RealServer) {
  const descendants = descendantsOf(processId);
  const ofClusters = descendants.filter((pid) => /(cluster|kql)-process/.test(commandOf(pid)));
  const sum = (pids: readonly number[]): number => pids.reduce((bytes, pid) => bytes + residentBytes(pid), 0);
  return { all: sum([processId, ...descendants]), clusters: sum(ofClusters), processes: ofClusters.length };
}

async function memoryAwake(server: RealServer, clusters: readonly IdleCluster[]) {
  const answers = await Promise.all(clusters.map((cluster) => cluster.read()));
  const { clusters: bytes, processes, all } = memoryOf(server);
  const missed = clusters.flatMap(({ name }, index) =>
    answers[index]?.rows === answerExpected ? [] : [`${name} answered ${answers[index]?.text}`],
  );
  if (processes < clusters.length)
    missed.push(`only ${processes} processes of ${clusters.length} clusters: some rested before they were measured`);
  return {
    figure: `awake: ${clusters.length} clusters, ${processes} processes, ${mebibytes(bytes / clusters.length)} MiB per cluster; all processes together ${mebibytes(all)} MiB`,
    missed,
  };
}

/** @returns seconds until no cluster had a process
 * @throws Error when some keep theirs */
async function rest(server: RealServer, idleSeconds: number): Promise<number> {
  const started = performance.now();
  for (;;) {
    const { processes } = memoryOf(server);
    const passedMs = performance.now() - started;
    if (processes === 0) return passedMs / 1000;
    if (passedMs > idleSeconds * 1000 + restPatienceMs)
      throw new Error(`after ${(passedMs / 1000).toFixed(0)} s clusters still have ${processes} processes`);
    await pause(500);
  }
}

/** One after the other, each from its rest. Before and after each other processes start, whose work never changes: what a machine that
 * is slow just now takes longer for it, it may take longer for a cluster. */
async function comeBack(clusters: readonly IdleCluster[]): Promise<PartResult> {
  const latencies: number[] = [];
  const slownesses: number[] = [];
  const missed: string[] = [];
  let before = await machineSlowness(1, 2);
  for (const cluster of clusters) {
    const asked = performance.now();
    const answer = await cluster.read();
    const latency = performance.now() - asked;
    latencies.push(latency);
    const after = await machineSlowness(1, 2);
    const slowness = Math.max(1, (before + after) / 2);
    slownesses.push(slowness);
    before = after;
    if (answer.rows !== answerExpected) missed.push(`${cluster.name} came back with ${answer.text}`);
    if (latency > floorMs * slowness)
      missed.push(
        `${cluster.name} answered after ${latency.toFixed(0)} ms, with all else at ${slowness.toFixed(1)} of its time`,
      );
  }
  const [p50, max] = [quantile(latencies, 0.5), quantile(latencies, 1)];
  return {
    figures: [
      `from a query to its answer by a cluster that rested: p50 ${p50.toFixed(0)} ms, max ${max.toFixed(0)} ms of ${latencies.length}; rows as before`,
      `other processes took meanwhile, of their usual time: p50 ${quantile(slownesses, 0.5).toFixed(1)}, max ${quantile(slownesses, 1).toFixed(1)}`,
    ],
    missed,
  };
}

/** Its key is taken away while it rests: its first answer is a refusal, and it has its rows again once the key is back. */
async function stayAway(server: RealServer, cluster: IdleCluster): Promise<PartResult> {
  const missed: string[] = [];
  await cluster.setKeyEnabled(false);
  const { status, text } = await cluster.read();
  if (status !== 503) missed.push(`${cluster.name}, whose key is disabled, answered ${status}: ${text}`);
  await cluster.setKeyEnabled(true);
  await (await requireInstance(server.dataDirectory)).call('POST', '/check-keys');
  const healed = await cluster.read();
  if (healed.rows !== answerExpected)
    missed.push(`${cluster.name}, whose key is back, answered ${healed.status}: ${healed.text}`);
  return {
    figures: [`key disabled while the cluster rested: first answer ${status}; key enabled: rows as before`],
    missed,
  };
}

const mebibytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0);
