import { request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { FastifyRequest } from 'fastify';
import type { FollowedAccess } from '../messages/data-plane-calls.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { commandTimeoutMs, queryTimeoutMs } from './requests/request-options.ts';
import type { KustoRequest } from './requests/request-body.ts';
import { withLimits } from './request-limits.ts';

/** Names the follower that a request comes through: what the main process has given it for this one request. */
export const followerTicketHeader = 'x-kustody-follower';

/** Commands about how the cluster follows, whichever database they are sent to. */
const aboutFollowing = /^\.\s*[a-z]+\s+follower\b/i;
/** Commands that tell what is in the database of the request. The leader's process has the last word on what they may tell. */
const tellsOfDatabase = /^\.\s*show\s+(database|tables?|materialized-views?|functions?|schema)\b/i;
/** What they tell there is the leader's, not the follower's: what is hot by the leader's policies, too. */
const tellsOfLeader = /\b((tables?|materialized-views?)\b.*\bdetails|identity|extents?|metadata|mappings?)\b/is;

/** Sends a request about a followed database to the process of its leader, which reads the rows with the leader's key and for as long as that may be
 * used. Nothing is copied: rows pass through this process as they go out.
 * @returns whether the request was about one; if not, it is for this cluster
 * @throws KustoError `forbidden` | `readOnlyDatabase` | `notBuilt` */
export async function forwardFollowed(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  sent: KustoRequest,
  kind: 'query' | 'command',
): Promise<boolean> {
  const text = withoutComments(sent.text);
  if (kind === 'command' && aboutFollowing.test(text)) return false;
  const followed = followedNamed(admitted, sent.database);
  if (followed === undefined) return false;
  if (kind === 'command' && !tellsOfDatabase.test(text)) {
    if (/^\.\s*show\b/i.test(text)) return false;
    throw readOnly(followed);
  }
  if (kind === 'command' && tellsOfLeader.test(text))
    throw kustoError('notBuilt', 'This command is not built in Kustody for a database that follows another cluster.');
  const timeoutMs = sent.options.timeoutMs ?? (kind === 'query' ? queryTimeoutMs : commandTimeoutMs);
  await withLimits(ports, admitted, timeoutMs, { ...sent, kind }, (signal) =>
    forward(ports, admitted, followed, signal),
  );
  return true;
}

/** @throws KustoError for a database that takes no rows here */
export function refuseToWriteFollowed(admitted: AdmittedRequest, database: string): void {
  const followed = followedNamed(admitted, database);
  if (followed !== undefined) throw readOnly(followed);
}

/** @throws KustoError `forbidden` for who has no role in it */
function followedNamed({ access }: AdmittedRequest, database: string): FollowedAccess | undefined {
  const wanted = database.toLowerCase();
  const followed = access.followed?.find(({ name }) => name.toLowerCase() === wanted);
  if (followed !== undefined && followed.roles.length === 0)
    throw kustoError(
      'forbidden',
      `Principal '${access.caller.fqn}' is not authorized to perform this operation on database '${followed.name}'.`,
    );
  return followed;
}

const readOnly = ({ name }: FollowedAccess): Error =>
  kustoError(
    'readOnlyDatabase',
    `Request is invalid and cannot be processed: Database '${name}' follows another cluster (ReadOnlyFollowing), and nothing in it can be changed here.`,
  );

const withoutComments = (text: string): string => text.replace(/^(?:\s|\/\/[^\n]*(?:\n|$))+/, '');

async function forward(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  { leaderId }: FollowedAccess,
  signal: AbortSignal,
): Promise<void> {
  const route = await ports.call('route', { leaderId });
  if (route.outcome === 'refused') throw kustoError('unavailable', route.message);
  const headers = { ...headersOf(admitted.request), host: route.host, [followerTicketHeader]: route.ticket };
  const to = {
    socketPath: route.listenPath,
    servername: route.host,
    ca: route.rootPem,
    agent: false as const,
    headers,
  };
  await answerWith(ports, admitted, to, signal);
}

/** Has another process answer the request: what it says is passed on as it comes, as long as this one may answer. @param to its way, and headers
 * @throws KustoError `unavailable` before anything was said */
export async function answerWith(
  ports: Pick<DataPlanePorts, 'lease' | 'log'>,
  { request, reply }: AdmittedRequest,
  to: RequestOptions,
  signal: AbortSignal,
): Promise<void> {
  const outgoing = httpsRequest({ ...to, signal, method: request.method, path: request.raw.url ?? '/' });
  outgoing.on('error', () => undefined); // whoever waits for the answer hears of it
  outgoing.end(request.body instanceof Uint8Array ? request.body : undefined);
  try {
    const answer = await answerTo(ports, outgoing, signal);
    await ports.lease.require();
    reply.hijack();
    reply.raw.writeHead(answer.statusCode ?? 502, endToEnd(answer));
    await passOn(ports, answer, reply.raw, signal);
  } finally {
    outgoing.destroy();
  }
}

async function answerTo(
  ports: Pick<DataPlanePorts, 'log'>,
  outgoing: ClientRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  try {
    const [answer] = (await once(outgoing, 'response', { signal })) as [IncomingMessage];
    return answer;
  } catch (error) {
    signal.throwIfAborted();
    ports.log.failure('other process not reached', error);
    throw kustoError('unavailable', 'The process that is to answer this does not. Try again in a moment.');
  }
}

async function passOn(
  ports: Pick<DataPlanePorts, 'lease' | 'log'>,
  answer: IncomingMessage,
  to: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      await ports.lease.require();
      if (!to.write(chunk)) await once(to, 'drain', { signal });
    }
    to.end();
  } catch (error) {
    // The status is out: a connection that breaks is the only way left to say that the answer is not whole.
    ports.log.failure('answer broke off', error);
    to.destroy();
  }
}

/** Of what the client sent, what the leader's process reads. */
export function headersOf({ headers }: FastifyRequest): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(
    ([name]) =>
      ['authorization', 'accept', 'accept-encoding', 'content-type'].includes(name) || name.startsWith('x-ms-'),
  );
  return Object.fromEntries(kept);
}

/** Headers that are not about the connection between the two processes. */
export const endToEnd = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !['connection', 'keep-alive', 'transfer-encoding', 'date'].includes(name),
    ),
  );
