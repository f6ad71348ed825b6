import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { StartTimer } from './timer.ts';

/** Of a body that nobody wants, so much more is read and thrown away: whoever is still sending it would lose the answer with the connection. */
export const discardedBytesMax = 64 * 1024 * 1024;
/** So long after the answer is out. */
const discardedMs = 10_000;

/** What a client still sends when it has its answer is read for nobody, since the next request of the connection comes behind it; not for ever: who
 * goes on for too long, or sends too much, loses the connection. */
export function boundLeftover(request: IncomingMessage, response: ServerResponse, startTimer: StartTimer): void {
  // Node throws away what nobody reads by then, and tells nobody how much it is.
  response.once('prefinish', () => {
    const { socket } = request;
    // What came over no connection, as tests send it, has nothing on its way.
    if (request.complete || socket.destroyed || !(socket instanceof Socket)) return;
    const cancel = startTimer(discardedMs, () => socket.destroy());
    let bytes = 0;
    const count = (piece: Uint8Array): void => {
      bytes += piece.byteLength;
      if (bytes > discardedBytesMax) socket.destroy();
    };
    request
      .on('data', count)
      .once('end', cancel)
      .once('close', cancel)
      .on('error', () => undefined)
      .resume();
    request.read(0);
  });
}
