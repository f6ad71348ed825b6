import type { FastifyRequest } from 'fastify';
import { invariant } from '../base/invariant.ts';
import { toIso } from '../clock/clock.ts';
import type { Plane } from '../http/plane.ts';
import { parseAuthority } from '../http/request-target.ts';
import type { KustoPlanePorts } from './kusto-plane.ts';
import { createKustoApp, isKustoError } from './wire/kusto-app.ts';
import { KustoError, kustoError } from './wire/kusto-error.ts';
import { authenticate } from './wire-access.ts';
import type { ServedCluster } from './wire-access.ts';

const bodyBytesMax = 16 * 1024 * 1024;

/** Answers for clusters that do not serve now. Nothing here has any row of any cluster. */
export function createNotServedApp(ports: KustoPlanePorts): Pick<Plane, 'name' | 'handle'> & Partial<Plane> {
  const clusterOf = async (request: FastifyRequest): Promise<ServedCluster> => {
    const host = parseAuthority(request.headers.host ?? '')?.host;
    const cluster = host === undefined ? undefined : await ports.clusters.find(host);
    invariant(cluster !== undefined, 'the edge hands over what was claimed');
    return cluster;
  };
  const { app, toPlane } = createKustoApp({
    log: ports.log,
    randomBytes: ports.randomBytes,
    bodyBytesMax,
    timestamp: () => toIso(ports.clock.now()),
    authenticate: async (request) => {
      const caller = await authenticate(ports, await clusterOf(request), request.headers.authorization);
      if ('outcome' in caller) throw new KustoError(caller.kind, caller.message, undefined, caller.challenge);
    },
    translate: isKustoError,
  });
  app.all('/*', async (request) => {
    throw whyNotServed(await clusterOf(request));
  });
  return toPlane(() => undefined);
}

function whyNotServed(cluster: ServedCluster): KustoError {
  const { suspension, name } = cluster;
  if (suspension !== undefined) return kustoError('suspended', `The cluster '${name}' is suspended: ${suspension.reason}`);
  if (cluster.state === 'Stopped') return kustoError('stopped', `The cluster '${name}' is stopped. Start it to reach its data.`);
  return kustoError('unavailable', `The cluster '${name}' is being started (${cluster.state}). Try again in a moment.`);
}
