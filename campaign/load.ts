import { setTimeout as pause } from 'node:timers/promises';
import type { LocalAnswer } from '../src/server/local-request.ts';
import { sendLocal } from '../src/server/local-request.ts';
import { localToken } from '../src/server/local-client.ts';
import { defaultSeed, seed } from '../src/server/seed.ts';
import { descendantsOf, residentBytes } from '../tests/support/process-tree.ts';
import type { CampaignPart, PartResult } from './part.ts';
import { countOf, quantile } from './part.ts';
import type { RealServer } from './real-server.ts';
import { startRealServer } from './real-server.ts';

/** Until then caches fill and code is compiled: what the processes have in the minute after it is what they may have at the end. Of a short
 * time, its first half and a sixth. */
const warmSecondsMax = 120;
const windowSecondsMax = 60;
const judgedFromSeconds = 60;
/** That much more is garbage that nobody has collected yet. */
const growthMax = 0.15;
const sampleMs = 500;
const answerBytesMax = 64 * 1024 * 1024;

/** Many clients at once, and mixed work for a while. */
export const load: CampaignPart = {
  id: 'load',
  promise:
    'however many come at once, each is answered by 200 or 429 and nobody is cut off; and memory stays what it is',
  run: measure,
};

async function measure(say: (line: string) => void): Promise<PartResult> {
  const clients = countOf('KUSTODY_CAMPAIGN_CLIENTS', 500);
  const seconds = countOf('KUSTODY_CAMPAIGN_LOAD_SECONDS', 20);
  const server = await startRealServer();
  try {
    const cluster = await openCluster(server);
    const crowd = await crowded(cluster, clients, say);
    const mixed = await mixedWork(server, cluster, seconds, say);
    return { figures: [...crowd.figures, ...mixed.figures], missed: [...crowd.missed, ...mixed.missed] };
  } finally {
    await server.close();
  }
}

type Cluster = Awaited<ReturnType<typeof openCluster>>;

/** Each request comes on a connection of its own. */
async function openCluster({ environment }: RealServer) {
  const { clusterUri } = await seed(environment, defaultSeed);
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const edge = { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate };
  const send = (path: string, body: string, more: { readonly token?: string; readonly timeoutMs?: number } = {}) =>
    sendLocal(edge, {
      ...{ host: new URL(clusterUri).hostname, method: 'POST', path, body: Buffer.from(body), answerBytesMax },
      headers: { authorization: `Bearer ${more.token ?? token}`, accept: 'application/json' },
      timeoutMs: more.timeoutMs ?? 300_000,
    });
  const text = (path: string) => (csl: string) => send(path, JSON.stringify({ db: defaultSeed.database, csl }));
  const cluster = {
    send,
    query: text('/v2/rest/query'),
    command: text('/v1/rest/mgmt'),
    ingest: (rows: string) => send(`/v1/rest/ingest/${defaultSeed.database}/Load?streamFormat=csv`, rows),
    count: async (): Promise<number> => {
      const { body } = await text('/v1/rest/query')('Load | count');
      const { Tables: tables } = JSON.parse(body.toString()) as { Tables: { Rows: number[][] }[] };
      return tables[0]?.Rows[0]?.[0] ?? NaN;
    },
  };
  for (const csl of [
    '.create table Load (N: long, Text: string)',
    '.alter table Load policy streamingingestion enable',
    '.create materialized-view Last on table Load { Load | summarize arg_max(N, Text) by Group = N % 100 }',
  ])
    await cluster.command(csl);
  return cluster;
}

/** All at once, three times over: queries, commands and rows to be kept. */
async function crowded(cluster: Cluster, clients: number, say: (line: string) => void): Promise<PartResult> {
  const seen = new Map<string, number>();
  const missed: string[] = [];
  let kept = 0;
  let withoutHint = 0;
  for (let round = 0; round < 3; round += 1) {
    await Promise.all(
      Array.from({ length: clients }, async (_client, number) => {
        const kind = number % 4;
        const asked =
          kind === 0
            ? cluster.ingest(`${number},round ${round}`)
            : kind === 1
              ? cluster.command('.show tables')
              : cluster.query(kind === 2 ? `print ${number}` : 'Load | summarize count() by Text');
        const answer = await asked.catch((error: unknown) => String(error));
        const name = typeof answer === 'string' ? answer : String(answer.status);
        seen.set(name, (seen.get(name) ?? 0) + 1);
        if (kind === 0 && name === '200') kept += 1;
        if (typeof answer !== 'string' && answer.status === 429 && answer.headers['retry-after'] === undefined)
          withoutHint += 1;
      }),
    );
    say(`round ${round + 1}: ${[...seen].map(([name, count]) => `${count} × ${name}`).join(', ')}`);
  }
  const others = [...seen].filter(([name]) => name !== '200' && name !== '429');
  for (const [name, count] of others) missed.push(`${count} of ${3 * clients} requests: ${name}`);
  if (withoutHint > 0) missed.push(`${withoutHint} answers 429 without Retry-After`);
  const found = await cluster.count();
  if (found !== kept) missed.push(`${kept} rows were acknowledged, ${found} are there`);
  const told = ['200', '429'].map((name) => `${seen.get(name) ?? 0} × ${name}`).join(', ');
  return { figures: [`${clients} clients at once, three times: ${told}; ${kept} rows acknowledged and found`], missed };
}

/** What people do to a cluster, the heavy and the refused among it. */
const kinds: readonly ((cluster: Cluster, number: number) => Promise<LocalAnswer>)[] = [
  (cluster, number) => cluster.query(`print ${number}`),
  (cluster, number) => cluster.query(`Load | where N % 7 == ${number % 7} | summarize count(), max(Text) by N % 3`),
  (cluster) =>
    cluster.query('range x from 1 to 20000 step 1 | extend s = tostring(x), d = parse_json(strcat("[", x, "]"))'),
  (cluster) => cluster.query('print array_length(series_fir(range(1, 20000, 1), range(1, 1500, 1), false, false))'),
  (cluster) => cluster.query('Last | summarize count(), max(N)'),
  (cluster) => cluster.command('.show tables details'),
  (cluster, number) => cluster.ingest(Array.from({ length: 50 }, (_, row) => `${number + row},text ${row}`).join('\n')),
  (cluster, number) => cluster.command(`.set-or-replace Copy <| Load | take ${number % 100}`),
  (cluster) => cluster.command('.clear table Load data'),
  // Refused: by size, by grammar, by name, by token.
  (cluster, number) => cluster.query(`print ${number} // ${'x'.repeat(4_000_000)}`),
  (cluster, number) => cluster.query(`NoSuchTable${number} | where '${'y'.repeat(10_000)}' == ''`),
  (cluster, number) => cluster.send('/v2/rest/query', JSON.stringify({ db: `no${number}`, csl: 'print 1' })),
  (cluster, number) => cluster.send('/v2/rest/query', '{}', { token: `nobody${number}` }),
  // Gone before the answer.
  (cluster, number) =>
    cluster.send(
      '/v2/rest/query',
      JSON.stringify({ db: 'logs', csl: `range x from 1 to 100000000 step 1 | where x % 3 == ${number % 3} | count` }),
      {
        timeoutMs: 50,
      },
    ),
];

async function mixedWork(
  { processId }: RealServer,
  cluster: Cluster,
  seconds: number,
  say: (line: string) => void,
): Promise<PartResult> {
  const until = performance.now() + seconds * 1000;
  const seen = new Map<string, number>();
  const worker = async (first: number): Promise<void> => {
    for (let number = first; performance.now() < until; number += 1) {
      const kind = number % kinds.length;
      const answer = await kinds[kind]?.(cluster, number).catch((error: unknown) => error);
      const isGone = kind === kinds.length - 1;
      const name = isGone ? 'gone' : answer instanceof Error ? answer.message : String((answer as LocalAnswer).status);
      seen.set(name, (seen.get(name) ?? 0) + 1);
    }
  };
  const samples: number[] = [];
  const watch = async (): Promise<void> => {
    while (performance.now() < until) {
      samples.push([processId, ...descendantsOf(processId)].reduce((sum, pid) => sum + residentBytes(pid), 0));
      await pause(sampleMs);
    }
  };
  await Promise.all([watch(), ...Array.from({ length: 12 }, (_, index) => worker(index))]);
  say([...seen].map(([name, count]) => `${count} × ${name}`).join(', '));
  const requests = [...seen.values()].reduce((sum, count) => sum + count, 0);
  const memory = judged(samples, seconds);
  const wrong = [...seen].filter(([name]) => !['200', '400', '401', '429', 'gone'].includes(name));
  return {
    figures: [`${seconds} s of mixed work: ${requests} requests; ${memory.figure}`],
    missed: [...wrong.map(([name, count]) => `mixed work: ${count} × ${name}`), ...memory.missed],
  };
}

/** @param samples of all processes together, in bytes, from the beginning on */
function judged(
  samples: readonly number[],
  seconds: number,
): { readonly figure: string; readonly missed: readonly string[] } {
  const mebibytes = (from: number, to: number): number => {
    const at = (second: number): number => Math.round((samples.length * second) / seconds);
    return quantile(samples.slice(at(from), at(to)), 0.5) / 1024 ** 2;
  };
  const [warmSeconds, windowSeconds] = [
    Math.min(warmSecondsMax, Math.round(seconds / 2)),
    Math.min(windowSecondsMax, Math.round(seconds / 6)),
  ];
  if (seconds < judgedFromSeconds)
    return { figure: `all processes ${mebibytes(0, seconds).toFixed(0)} MiB (too short to judge growth)`, missed: [] };
  const [early, late] = [
    mebibytes(warmSeconds, warmSeconds + windowSeconds),
    mebibytes(seconds - windowSeconds, seconds),
  ];
  const growth = late / early - 1;
  return {
    figure: `all processes ${early.toFixed(0)} MiB after ${warmSeconds} s, ${late.toFixed(0)} MiB at the end (${(100 * growth).toFixed(1)} %)`,
    missed: growth > growthMax ? [`memory grew by ${(100 * growth).toFixed(0)} %`] : [],
  };
}
