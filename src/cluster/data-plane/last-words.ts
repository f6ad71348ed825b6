import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { readStorageHost } from '../../database/queued/storage-accounts.ts';
import type { OpenConnections } from '../../http/open-connections.ts';
import type { PlaneAnswer } from '../../http/plane-failure.ts';
import { endWithAnswer } from '../../http/raw-answer.ts';
import type { StartTimer } from '../../http/timer.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { KustoErrorKind } from './errors/kusto-error.ts';
import { kustoError } from './errors/kusto-error.ts';
import { errorAnswer } from './kusto-app.ts';
import type { ExpectedRequests } from './expected-requests.ts';
import { StorageError, storageErrorAnswer } from './storage/storage-errors.ts';

export interface LastWordsPorts {
  readonly connections: OpenConnections;
  readonly expected: ExpectedRequests;
  /** Requests that have no whole answer yet. */
  readonly answering: ReadonlySet<ServerResponse>;
  readonly startTimer: StartTimer;
  readonly randomBytes: RandomBytes;
  /** ISO 8601 */
  readonly timestamp: () => string;
}

export interface Ending {
  readonly kind: KustoErrorKind;
  /** For whoever may not be known: it names nothing but the cluster. */
  readonly text: string;
}

/** Less than the supervisor waits before it ends the process. */
const requestsMs = 400;

/** Before the process of a cluster ends: nothing is answered but why. Requests under way and those that are to be expected get their answer from
 * whoever serves them, which fails by then; who has not said all of a request after a while is told what ends it.
 * Resolves when nobody is left to be told. The supervisor waits for it half a second, and what comes of later requests is its own to say. */
export async function tellLast(ports: LastWordsPorts, ending: Ending): Promise<void> {
  const { connections, expected, answering, startTimer } = ports;
  if (!connections.closing) connections.startClosing(() => undefined);
  let cancel: () => void = () => undefined;
  const enough = new Promise<void>((resolve) => (cancel = startTimer(requestsMs, resolve)));
  const answered = async (): Promise<void> => {
    await expected.settled();
    while (answering.size > 0) await Promise.all([...answering].map((response) => once(response, 'close')));
  };
  await Promise.race([answered(), enough]);
  cancel();
  const waiting = [...answering].filter((response) => !response.headersSent).map(({ req }) => req.socket);
  const told = [...waiting, ...expected.halfAsked()].map((socket) => tell(ports, socket, ending));
  await Promise.all(told);
}

async function tell(ports: LastWordsPorts, socket: Socket, ending: Ending): Promise<void> {
  if (!socket.writable) return;
  const said = Promise.race([once(socket, 'finish'), once(socket, 'close')]);
  socket.on('error', () => socket.destroy());
  endWithAnswer(socket, answerFor(ports, socket, ending), ports.startTimer);
  await said.catch(() => undefined);
}

function answerFor(ports: LastWordsPorts, socket: Socket, { kind, text }: Ending): PlaneAnswer {
  const { connections, timestamp, randomBytes } = ports;
  const time = timestamp();
  const stored = readStorageHost(connections.tunnelName(socket) ?? '');
  if (stored === undefined) return errorAnswer(kustoError(kind, text), undefined, time);
  return storageErrorAnswer(new StorageError('ServerBusy'), stored.service, { requestId: newGuid(randomBytes), time });
}
