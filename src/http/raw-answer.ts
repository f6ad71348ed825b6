import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { headerName } from './named-response.ts';
import type { PlaneAnswer } from './plane-failure.ts';
import type { StartTimer } from './timer.ts';

/** Writes a whole answer on a connection that has no response object, then ends it. What the peer still sends is read and
 * dropped for a moment: closing at once would reset the connection and could take the answer with it. */
export function endWithAnswer(socket: Duplex, answer: PlaneAnswer, startTimer: StartTimer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const { head, body } = serializeAnswer(answer);
  socket.removeAllListeners('data');
  const cancel = startTimer(1_000, () => socket.destroy());
  socket.once('close', cancel);
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]));
  socket.resume();
}

export const textAnswer = (status: number, text: string): PlaneAnswer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: `${text}\n`,
});

export function serializeAnswer(answer: PlaneAnswer): { readonly head: string; readonly body: Buffer } {
  const { type, body } = encodeBody(answer.body);
  const headers = { ...type, ...answer.headers, 'content-length': body.length, connection: 'close' };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((item: string | number | undefined) =>
      item === undefined ? [] : [`${headerName(name)}: ${String(item).replace(/[\r\n]/g, ' ')}`],
    ),
  );
  const status = `HTTP/1.1 ${answer.status} ${answer.reason ?? STATUS_CODES[answer.status] ?? ''}`;
  return { head: `${[status, ...lines].join('\r\n')}\r\n\r\n`, body };
}

function encodeBody(body: PlaneAnswer['body']): { readonly type: Record<string, string>; readonly body: Buffer } {
  if (body === undefined) return { type: {}, body: Buffer.alloc(0) };
  if (body instanceof Uint8Array) return { type: {}, body: Buffer.from(body) };
  if (typeof body === 'string') return { type: {}, body: Buffer.from(body) };
  return { type: { 'content-type': 'application/json; charset=utf-8' }, body: Buffer.from(JSON.stringify(body)) };
}
