import type { IncomingMessage, ServerResponse } from 'node:http';
import { newGuid } from '../../../base/new-guid.ts';
import type { RandomBytes } from '../../../base/random.ts';
import type { Clock } from '../../../clock/clock.ts';
import { toIso } from '../../../clock/clock.ts';
import type { StorageService } from '../../../database/queued/storage-accounts.ts';
import { StorageError, storageErrorAnswer } from '../../data-plane/storage/storage-errors.ts';

/** What is in the storage accounts of a cluster is sealed under its key: while that is away they are busy, for whoever asks. What the client
 * still sends is not kept. */
export function refuseStorage(
  request: IncomingMessage,
  response: ServerResponse,
  ports: { readonly service: StorageService; readonly randomBytes: RandomBytes; readonly clock: Clock },
): void {
  const about = { requestId: newGuid(ports.randomBytes), time: toIso(ports.clock.now()) };
  const { status, headers, body } = storageErrorAnswer(new StorageError('ServerBusy'), ports.service, about);
  request.on('data', (piece: Buffer) => piece.fill(0));
  const text = typeof body === 'string' ? body : '';
  response.writeHead(status, {
    ...headers,
    ...{ 'x-ms-request-id': about.requestId, 'content-length': Buffer.byteLength(text), connection: 'close' },
  });
  response.end(text);
}
