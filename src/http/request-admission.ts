import { STATUS_CODES } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseHost } from './request-target.ts';
import type { HostName } from '../base/names.ts';
import type { EdgeContext } from './edge-context.ts';
import { lookUpHost } from './plane-lookup.ts';
import type { Plane } from './plane.ts';
import type { ConnectionFailureKind } from './plane-failure.ts';
import { connectionFailures } from './plane-failure.ts';
import { endWithAnswer, serializeAnswer, textAnswer } from './raw-answer.ts';

/** Hands an admitted request to its plane. A plane that throws is a bug of ours. */
export function handToPlane(
  context: EdgeContext,
  plane: Plane,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  try {
    plane.handle(request, response);
  } catch (error) {
    answerBug(context, error, response);
  }
}

/** Answers in the edge's own voice; the connection ends with it, since what follows on it cannot be trusted.
 * @param reason the phrase of the status line; without it the usual one */
export function refuse(response: ServerResponse, status: number, text: string, reason?: string): void {
  const { body } = serializeAnswer(textAnswer(status, text));
  response.writeHead(status, reason ?? STATUS_CODES[status], {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    connection: 'close',
  });
  response.end(body);
}

export function answerBug(context: EdgeContext, error: unknown, response: ServerResponse): void {
  context.log.failure('edge failed', error);
  if (response.headersSent) response.destroy();
  else refuse(response, 500, 'An internal error occurred.');
}

/** Node tells of an unreadable request by an error with a code. */
const failureByCode = new Map<string, ConnectionFailureKind>([
  ['HPE_HEADER_OVERFLOW', 'headersTooLarge'],
  ['ERR_HTTP_REQUEST_TIMEOUT', 'requestTimeout'],
]);

/** @returns the plane that serves a name now */
export async function servingPlane(context: EdgeContext, host: HostName | undefined): Promise<Plane | undefined> {
  const found = host === undefined ? undefined : await lookUpHost(context.planes, host);
  return found?.outcome === 'serve' ? found.plane : undefined;
}

type FailingPlane = Pick<Plane, 'name' | 'answerConnectionFailure'>;

/** For `clientError`: says in the shape of the plane that the connection was made to what was wrong with the request. Says nothing
 * where an answer is on its way: the client would take it for a part of that. */
export function createConnectionFailureHandler(
  context: Pick<EdgeContext, 'connections' | 'log' | 'startTimer'>,
  planeOf: (socket: Duplex) => FailingPlane | undefined | Promise<FailingPlane | undefined>,
): (error: NodeJS.ErrnoException, socket: Duplex) => void {
  const answered = new WeakSet<Duplex>();
  const answer = async (kind: ConnectionFailureKind, socket: Duplex): Promise<void> => {
    const plane = await planeOf(socket);
    const { status, text } = connectionFailures[kind];
    context.log.warning('unreadable request', { kind, plane: plane?.name ?? 'none' });
    endWithAnswer(socket, plane?.answerConnectionFailure?.(kind) ?? textAnswer(status, text), context.startTimer);
  };
  return (error, socket) => {
    if (answered.has(socket)) return; // each further piece of the same bad request is reported again
    answered.add(socket);
    const code = error.code ?? '';
    const readable = code.startsWith('HPE_') || failureByCode.has(code);
    if (!readable || !socket.writable || context.connections.isAnswering(socket)) {
      socket.destroy();
      return;
    }
    answer(failureByCode.get(code) ?? 'malformedRequest', socket).catch((failure: unknown) => {
      context.log.failure('edge failed', failure);
      socket.destroy();
    });
  };
}

/** @returns the name in the TLS client hello; a client that sends none, as for an IP address, means this machine */
export const serverNameOf = (servername: string | false | null | undefined): HostName | undefined =>
  parseHost(typeof servername === 'string' && servername !== '' ? servername : 'localhost');
