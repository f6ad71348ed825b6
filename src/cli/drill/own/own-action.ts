import { setTimeout as sleep } from 'node:timers/promises';
import { ClientSecretCredential } from '@azure/identity';
import { connectClients } from '../../../cmk/clients.ts';
import type { CmkClients, ConnectOptions } from '../../../cmk/clients.ts';
import type { Pace } from '../../../cmk/changes.ts';
import type { OwnCluster } from '../../../cmk/drill/own-cluster.ts';
import { lookAtOwn } from '../../../cmk/drill/own-cluster.ts';
import { NotUndone, ownDrill } from '../../../cmk/drill/own-drill.ts';
import { ownWays, privateWays } from '../../../cmk/drill/own-ways.ts';
import { parseClusterId } from '../../../cmk/target.ts';
import type { ResourceId } from '../../../cmk/resource-id.ts';
import { EdgeAgent } from '../../../http/edge-agent.ts';
import { asUserError } from '../../cmk/session.ts';
import { listClusters } from '../../clusters.ts';
import { requireInstance } from '../../control-client.ts';
import { dataDirectoryOf } from '../../options.ts';
import { UserError } from '../../user-error.ts';
import { startWaiting } from '../../waiting.ts';
import { writeFor } from '../../write-for.ts';
import { confirmDrill } from './confirm.ts';
import type { OwnPlan, PlannedWay } from './own-text.ts';
import { changeText, ownDrillPage, ownDrillText, planText } from './own-text.ts';

export interface OwnDrillOptions {
  /** Name or resource id. */
  readonly cluster: string;
  readonly azure: boolean;
  readonly yes: boolean;
  /** Seconds. */
  readonly wait: number;
  readonly only: readonly string[];
  readonly html?: string;
  readonly json: boolean;
  readonly data?: string;
}

interface Place {
  readonly name: string;
  readonly cluster: ResourceId;
  readonly connect: (signal?: AbortSignal) => CmkClients;
  readonly pollMs: number;
}

/** Ctrl+C, a closed terminal and a plain `kill` end the drill, and never its undoing. */
export async function drillOwn(options: OwnDrillOptions): Promise<void> {
  const unknown = options.only.find((name) => Object.hasOwn(privateWays, name));
  if (unknown !== undefined)
    throw new UserError(`'${unknown}' is not done to a cluster of one's own: ${privateWays[unknown] ?? ''}.`);
  const place = options.azure ? onAzure(options) : await here(options);
  try {
    await drillAt(place, options);
  } catch (error) {
    throw asUserError(error);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @param work that is ended by them, and undoes itself what it did */
async function endedBySignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const end = new AbortController();
  const stop = (): void => {
    if (!end.signal.aborted) process.stderr.write('\nInterrupted: undoing what was changed …\n');
    end.abort();
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(end.signal);
  } catch (error) {
    if (error instanceof NotUndone)
      throw new UserError(error.message, error.changes.map(({ byHand }) => byHand).join('\n  '));
    if (end.signal.aborted) throw new UserError('Interrupted; every change was undone.', undefined, 130);
    throw error;
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

async function drillAt(place: Place, options: OwnDrillOptions): Promise<void> {
  const { html, json, wait } = options;
  const own = await lookAtOwn(place.connect(), place.cluster);
  const plan: OwnPlan = { place: place.name, waitSeconds: wait, ...chosen(own, options.only) };
  process.stderr.write(`${planText(own, plan)}\n`);
  if (!(await confirmDrill({ ...options, cluster: own.cluster.name }))) throw new UserError('Nothing was changed.');
  const waiting = startWaiting();
  try {
    const ways = plan.ways.map(({ way }) => way);
    const rows = await endedBySignals((signal) =>
      ownDrill(own, ways, {
        ...{ clients: place.connect(signal), pace: paceOf(signal) },
        ...{ pollMs: place.pollMs, waitMs: wait * 1000 },
        undoing: { clients: place.connect(), pace: paceOf() },
        begins: ({ title }) => waiting.begin(title),
        changes: (change) => {
          waiting.pause();
          process.stderr.write(`${changeText(change)}\n`);
        },
        ended: () => waiting.end(),
      }),
    );
    const ok = rows.every(({ problems }) => problems.length === 0);
    if (!ok) process.exitCode = 1;
    if (html !== undefined) writeFor('--html', html, ownDrillPage(own, plan, rows, new Date().toISOString()));
    const document = { ok, cluster: own.cluster.id, place: place.name, rows, notDone: plan.notDone };
    process.stdout.write(json ? `${JSON.stringify(document, undefined, 2)}\n` : `${ownDrillText(rows)}\n`);
  } finally {
    waiting.end();
  }
}

/** @throws UserError for a way that was asked for and cannot be done to this cluster */
function chosen(own: OwnCluster, only: readonly string[]): Pick<OwnPlan, 'ways' | 'notDone'> {
  const ways: PlannedWay[] = [];
  const notDone: { way: string; why: string }[] = [];
  for (const way of ownWays.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const changes = way.changes(own);
    if (typeof changes !== 'string') ways.push({ way, changes });
    else if (only.length > 0) throw new UserError(`'${way.name}' cannot be done to this cluster: ${changes}.`);
    else notDone.push({ way: way.name, why: changes });
  }
  if (only.length > 0) return { ways, notDone };
  return { ways, notDone: [...notDone, ...Object.entries(privateWays).map(([way, why]) => ({ way, why }))] };
}

const paceOf = (signal?: AbortSignal): Pace => ({
  now: () => new Date(),
  sleep: async (milliseconds) => {
    await sleep(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
});

function onAzure({ cluster }: OwnDrillOptions): Place {
  const id = parseClusterId(cluster);
  if ('problem' in id) throw new UserError(id.problem, 'On Azure a cluster is named by its resource id.');
  return { name: 'Azure', cluster: id.value, connect: connecting({}), pollMs: 10_000 };
}

/** The application of the instance acts, as by `kustody query`. */
async function here({ cluster, data }: OwnDrillOptions): Promise<Place> {
  const client = await requireInstance(dataDirectoryOf({ ...(data === undefined ? {} : { data }) }));
  const { tenantId, clientId, clientSecret, port, caCertificate } = await client.environment();
  const wanted = cluster.toLowerCase();
  const found = (await listClusters(client, false)).find(
    ({ name, resourceId }) => name.toLowerCase() === wanted || resourceId.toLowerCase() === wanted,
  );
  const id = found === undefined ? undefined : parseClusterId(found.resourceId);
  if (id === undefined || 'problem' in id)
    throw new UserError(
      `The instance of ${client.dataDirectory} has no cluster ${cluster}.`,
      'Of a cluster on Azure give the resource id, and --azure.',
    );
  const agent = new EdgeAgent(port, caCertificate);
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, { agent });
  return {
    name: `the instance of ${client.dataDirectory}`,
    cluster: id.value,
    connect: connecting({ agent, credential }),
    pollMs: 1_000,
  };
}

const connecting =
  (options: Pick<ConnectOptions, 'agent' | 'credential'>) =>
  (signal?: AbortSignal): CmkClients =>
    connectClients({ ...options, ...(signal === undefined ? {} : { signal }), now: () => Date.now() });
