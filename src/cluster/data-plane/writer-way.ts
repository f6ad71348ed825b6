import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { parseHost } from '../../http/request-target.ts';
import type { Log } from '../../http/logging.ts';
import type { Edge } from '../messages/vault-calls.ts';
import { kustoError, oneApiError } from './errors/kusto-error.ts';
import { answerWith, endToEnd, followerTicketHeader, headersOf } from './forward-followed.ts';
import { nobody } from './kusto-app.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { isCountedTogether } from './requests/request-capacity.ts';
import { classifiedAs, heldData } from './request-limits.ts';
import type { KustoRequest } from './requests/request-body.ts';

const connectionsMax = 256;
const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });

/** To the cluster's own process, on the node that serves, which has the certificate of this host. */
const wayTo = (writer: Edge, host: string): RequestOptions => ({
  ...{ host: writer.address, port: writer.port, servername: host, ca: writer.ca, agent, rejectUnauthorized: true },
});

/** Whether a process that only reads may answer: a query of a client, at the engine's own name. */
export const isReadable = ({ url = '', headers }: IncomingMessage): boolean =>
  /^\/v[12]\/rest\/query(\?|$)/.test(url) && headers[followerTicketHeader] === undefined;

/** Has the cluster's own process answer a request that nobody has read yet. */
export function passToWriter(
  { writer, host, log, timestamp }: { writer: Edge; host: string; log: Log; timestamp: () => string },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const outgoing = httpsRequest({
    ...wayTo(writer, host),
    ...{ method: request.method, path: request.url ?? '/' },
    headers: { ...endToEndOf(request), host },
  });
  response.once('close', () => outgoing.destroy());
  outgoing.on('response', (answer) => {
    answer.on('error', () => response.destroy());
    answer.on('aborted', () => response.destroy());
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer));
    answer.pipe(response);
  });
  outgoing.on('error', (error) => {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    log.failure('other process not reached', error);
    const unreached = notReached();
    const body = JSON.stringify(
      oneApiError(unreached, { timestamp: timestamp(), clientRequestId: '', activityId: nobody }),
    );
    const about = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) };
    response.writeHead(unreached.status, { ...about, 'retry-after': '1', connection: 'close' });
    response.end(body);
  });
  request.pipe(outgoing);
}

const endToEndOf = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hopByHop.has(name)));

/** RFC 9110, 7.6.1; and what was settled with the client already. */
const hopByHop: ReadonlySet<string> = new Set([
  ...[
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
    'host',
  ],
]);

const notReached = () =>
  kustoError('unavailable', 'The node that serves the cluster is not reached. Try again in a moment.');

/** Whether the cluster's own process has answered in place of this one, which only reads: commands, all requests of a cluster that follows others,
 * queries while the catalog cannot be read here, and those of a workload group whose requests somebody wants counted, since it counts all of them.
 * @throws KustoError `unavailable` */
export async function answeredByWriter(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  kind: 'query' | 'command',
  sent: KustoRequest,
): Promise<boolean> {
  const { writer } = ports.settings;
  if (writer === undefined) return false;
  const mayRead = kind === 'query' && (admitted.access.followed ?? []).length === 0;
  if (mayRead && admitted.isCatalogRead && !(await isCounted(ports, admitted, sent))) return false;
  const { request, reply } = admitted;
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const host = parseHost(request.headers.host ?? '') ?? ports.settings.hosts[0] ?? '';
  const to = { ...wayTo(writer, host), headers: { ...headersOf(request), host } };
  await answerWith(ports, admitted, to, gone.signal);
  return true;
}

async function isCounted(ports: DataPlanePorts, admitted: AdmittedRequest, sent: KustoRequest): Promise<boolean> {
  const data = await heldData(ports);
  if (data === undefined) return true;
  const group = await classifiedAs(ports, admitted, { ...sent, kind: 'query' }, data);
  return isCountedTogether(data.workloadGroup(group), group, admitted.access.machines);
}
