import type { FastifyReply, FastifyRequest } from 'fastify';
import { invariant } from '../../../base/invariant.ts';
import { toIso } from '../../../clock/clock.ts';
import type { Caller } from '../../../authz/caller.ts';
import type { Plane } from '../../../http/plane.ts';
import { parseAuthority } from '../../../http/request-target.ts';
import { SealedRecordError } from '../../../state/record-seal.ts';
import type { RandomBytes } from '../../../base/random.ts';
import type { Log } from '../../../http/logging.ts';
import type { ProductVersion } from './suspended-commands.ts';
import { databasesWhileSuspended, versionTable } from './suspended-commands.ts';
import { shutdownText } from '../../data-plane/shutdown-reason.ts';
import { createKustoApp, isKustoError } from '../../data-plane/kusto-app.ts';
import { KustoError, kustoError } from '../../data-plane/errors/kusto-error.ts';
import { readRequestBody, readRequestQuery } from '../../data-plane/requests/request-body.ts';
import type { KustoRequest } from '../../data-plane/requests/request-body.ts';
import { accessOf, authenticate } from './request-access.ts';
import type { RequestAccessPorts } from './request-access.ts';
import type { ServedCluster } from '../served-clusters.ts';

export interface NotServedPorts extends RequestAccessPorts {
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  readonly version: ProductVersion;
}

const bodyBytesMax = 16 * 1024 * 1024;

interface Admitted {
  readonly cluster: ServedCluster;
  readonly caller: Caller;
}

/** Answers for clusters that do not serve now. Nothing here has any row of any cluster: sign-in metadata, `.show version` and
 * `.show databases` are all there is. */
export function createNotServedApp(ports: NotServedPorts): Pick<Plane, 'name' | 'handle'> & Partial<Plane> {
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const clusterOf = async (request: FastifyRequest): Promise<ServedCluster> => {
    const host = parseAuthority(request.headers.host ?? '')?.host;
    const cluster = host === undefined ? undefined : await ports.clusters.find(host);
    // It was there when the edge asked.
    if (cluster === undefined) throw kustoError('unavailable', 'The cluster does not exist any more.');
    return cluster;
  };
  const { app, toPlane } = createKustoApp({
    log: ports.log,
    randomBytes: ports.randomBytes,
    bodyBytesMax,
    closing: true, // the next connection may already go to the cluster's own process
    timestamp: () => toIso(ports.clock.now()),
    authenticate: async (request) => {
      const cluster = await clusterOf(request);
      const caller = await authenticate(ports, cluster, request.headers.authorization);
      if ('outcome' in caller) throw new KustoError(caller.kind, caller.message, undefined, caller.challenge);
      request.sender = caller;
      if (cluster.networkRefusal !== undefined) throw kustoError('forbidden', cluster.networkRefusal);
      admitted.set(request, { cluster, caller });
    },
    translate: (error) => (error instanceof SealedRecordError ? damaged(error) : isKustoError(error)),
  });
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const found = admitted.get(request);
    invariant(found !== undefined, 'a request reaches its handler after authentication');
    const sent = commandOf(request);
    const text = found.cluster.suspension === undefined ? undefined : commandAnswer(ports, found, sent?.text ?? '');
    if (text !== undefined) return reply.type('application/json; charset=utf-8').send(text);
    throw whyNotServed(found.cluster, sent?.options.onlyIfRunning === true);
  };
  app.all('/*', answer);
  return toPlane(() => undefined);
}

/** Whoever asks is not known yet: the log names the record, the answer only the kind. */
const damaged = ({ table }: SealedRecordError): KustoError =>
  kustoError('damaged', `The cluster does not serve: a record of it (${table}) is not what was written.`);

/** @returns undefined when the request is no command or query, or makes no sense */
function commandOf(request: FastifyRequest): KustoRequest | undefined {
  const [path = '', query = ''] = request.url.split('?', 2);
  if (!/^\/v[12]\/rest\/(query|mgmt)\/?$/i.test(path)) return undefined;
  try {
    if (request.method === 'GET') return readRequestQuery(new URLSearchParams(query));
    return readRequestBody(request.body instanceof Uint8Array ? request.body : undefined);
  } catch {
    return undefined;
  }
}

function commandAnswer(ports: NotServedPorts, { cluster, caller }: Admitted, text: string): string | undefined {
  const command = text.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  if (command === '.show version') return versionTable(ports.version);
  if (command !== '.show databases' && command !== '.show cluster databases') return undefined;
  return databasesWhileSuspended(cluster, accessOf(cluster, caller));
}

function whyNotServed(cluster: ServedCluster, onlyIfRunning: boolean): KustoError {
  const { suspension, name } = cluster;
  const kind = onlyIfRunning ? 'suspendedStrict' : undefined;
  if (suspension !== undefined)
    return kustoError(kind ?? 'suspended', shutdownText(name, { kind: 'suspended', reason: suspension.reason }));
  if (cluster.state === 'Stopped' || cluster.state === 'Stopping')
    return kustoError(kind ?? 'stopped', shutdownText(name, { kind: 'stopped' }));
  return kustoError(
    'unavailable',
    `The cluster '${name}' is being started (state ${cluster.state}). Try again in a moment.`,
  );
}
