import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CommandContext } from '../../database/commands/command-context.ts';
import { invariant } from '../../base/invariant.ts';
import { toIso } from '../../clock/clock.ts';
import { admitRequest } from './cluster-session.ts';
import { translateError } from './errors/engine-errors.ts';
import { CapturedBodies } from '../../http/captured-bodies.ts';
import { createKustoApp, pingPath } from './kusto-app.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { readRequestBody, readRequestQuery } from './requests/request-body.ts';
import type { KustoRequest } from './requests/request-body.ts';
import type { Plane } from '../../http/plane.ts';
import { runCommandRequest } from './run-command.ts';
import { followerTicketHeader, forwardFollowed, refuseToWriteFollowed } from './forward-followed.ts';
import { refuseBlocked } from './refuse-blocked.ts';
import { runQueryRequest } from './run-query.ts';
import { ingestRequest } from './ingest.ts';
import { answeredByWriter } from './writer-way.ts';
import type { CatalogChangesReply } from '../messages/catalog-changes.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import type { AskedCatalog } from './cluster-host.ts';
import { isWeak } from './requests/request-options.ts';

/** Texts are at most this long; data after `<|` of a command included. */
const bodyBytesMax = 16 * 1024 * 1024;
/** Of all requests at the same time: what they are read into takes a multiple of it. */
const bodyRoomBytes = 128 * 1024 * 1024;

/** The data plane of one cluster, inside its process. */
/** @param endpoint which of its two names leads there; undefined: both are one, on localhost */
export function createDataPlaneApp(
  ports: DataPlanePorts,
  endpoint: CommandContext['endpoint'],
): Pick<Plane, 'name' | 'handle' | 'answerConnectionFailure'> {
  const admitted = new WeakMap<FastifyRequest, AllowedRequest>();
  const catalogs = new WeakMap<FastifyRequest, TakenCatalog>();
  const { app, toPlane } = createKustoApp({
    log: ports.log,
    randomBytes: ports.randomBytes,
    bodyBytesMax,
    bodyRoomBytes,
    until: ports.lease.ended,
    timestamp: () => toIso(ports.clock.now()),
    authenticate: async (request, reply) => {
      const ticket = ticketOf(request);
      const asked = ports.host.asking?.();
      const access = await admitRequest(ports.call, ports.lease, request.headers.authorization, {
        ...(ticket !== undefined && { ticket }),
        ...(asked && { catalog: asked.call }),
      });
      if (asked !== undefined && access.catalog !== undefined) catalogs.set(request, takenOver(asked, access.catalog));
      ports.clock.tell(access.now);
      request.sender = access.caller;
      // A query that a follower's user sends is seen where they sent it.
      if (access.wantsBodies === true && ticketOf(request) === undefined)
        request.captured = new CapturedBodies(reply.raw);
      admitted.set(request, access);
    },
    translate: (error) => translateError(error, ''),
  });

  const enter = async (request: FastifyRequest, reply: FastifyReply, sent?: KustoRequest): Promise<AdmittedRequest> => {
    const access = admitted.get(request);
    invariant(access !== undefined, 'a request reaches its handler after authentication');
    const catalog = catalogs.get(request);
    const isRecent = sent !== undefined && isWeak(sent.options) && catalog?.isRecent() === true;
    const isThere = isRecent || catalog === undefined || (await catalog.isCurrent);
    const isCatalogRead = isThere && (await refuseBlocked(ports, { access, request }));
    return { access, request, reply, endpoint, isCatalogRead, ...(catalog && { isCurrent: catalog.isCurrent }) };
  };
  const bodyOf = (request: FastifyRequest): KustoRequest =>
    request.method === 'GET' ? readRequestQuery(searchOf(request)) : readRequestBody(bytesOf(request.body));

  const query = async (asked: AdmittedRequest, sent: KustoRequest, version: 'v1' | 'v2'): Promise<void> => {
    requireEngine(endpoint, ports, 'queries');
    if (await answeredByWriter(ports, asked, 'query', sent)) return;
    if (!(await forwardFollowed(ports, asked, sent, 'query'))) await runQueryRequest(ports, asked, sent, version);
  };
  const command = async (asked: AdmittedRequest, sent: KustoRequest): Promise<void> => {
    if (await answeredByWriter(ports, asked, 'command', sent)) return;
    if (endpoint === 'ingestion' || !(await forwardFollowed(ports, asked, sent, 'command')))
      await runCommandRequest(ports, asked, sent);
  };

  app.get(pingPath, (_request, reply) => reply.type('text/plain').send('pong'));
  for (const method of ['GET', 'POST'] as const) {
    app.route({
      method,
      url: '/v2/rest/query',
      handler: async (request, reply) => {
        const sent = bodyOf(request);
        if (isCommand(sent.text)) {
          throw kustoError(
            'badRequest',
            "Request is invalid and cannot be processed: Control commands (starting with a dot '.') do not support api_version=v2",
          );
        }
        await query(await enter(request, reply, sent), sent, 'v2');
      },
    });
    app.route({
      method,
      url: '/v1/rest/query',
      handler: async (request, reply) => {
        const sent = bodyOf(request);
        if (isCommand(sent.text)) await command(await enter(request, reply), sent);
        else await query(await enter(request, reply, sent), sent, 'v1');
      },
    });
  }
  app.post('/v1/rest/mgmt', async (request, reply) => {
    const sent = bodyOf(request);
    if (isCommand(sent.text)) await command(await enter(request, reply), sent);
    else await query(await enter(request, reply, sent), sent, 'v1');
  });
  app.post<{ Params: { database: string; table: string } }>(
    '/v1/rest/ingest/:database/:table',
    async (request, reply) => {
      const { database, table } = request.params;
      const at = { database, table, query: searchOf(request), body: bytesOf(request.body) };
      const into = await enter(request, reply);
      requireEngine(endpoint, ports, 'streaming ingestion');
      refuseToWriteFollowed(into, database);
      await ingestRequest(ports, into, at);
    },
  );
  return toPlane(() => 'serve');
}

interface TakenCatalog {
  readonly isRecent: () => boolean;
  /** As in `AdmittedRequest`. */
  readonly isCurrent: Promise<boolean>;
}

/** Begins at once, whoever waits for it. */
const takenOver = (asked: AskedCatalog, reply: CatalogChangesReply): TakenCatalog => ({
  isRecent: () => asked.isRecent(reply),
  isCurrent: asked.take(reply).then(
    () => true,
    () => false, // the cluster's own process says what is wrong
  ),
});

/** @throws KustoError `badRequest` */
function requireEngine(endpoint: CommandContext['endpoint'], { settings }: DataPlanePorts, what: string): void {
  if (endpoint !== 'ingestion') return;
  throw kustoError(
    'badRequest',
    `Request is invalid and cannot be processed: the endpoint for ingestion takes no ${what}. Use https://${settings.hosts[0] ?? ''}`,
  );
}

const ticketOf = ({ headers }: FastifyRequest): string | undefined => {
  const ticket = headers[followerTicketHeader];
  return typeof ticket === 'string' ? ticket.slice(0, 100) : undefined;
};

/** Commands begin with a dot, after blanks and comments. */
export const isCommand = (text: string): boolean => /^(?:\s|\/\/[^\n]*(?:\n|$))*\./.test(text);

const bytesOf = (body: unknown): Uint8Array | undefined => (body instanceof Uint8Array ? body : undefined);

const searchOf = (request: FastifyRequest): URLSearchParams => {
  const at = request.url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
};
