import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { HostAnswer } from './server-fixture.ts';

/** A client that says of a request as much as it is told to. */
export interface RawClient {
  readonly socket: TLSSocket;
  /** Lets the rest of the handshake go out. */
  readonly goOn: () => void;
  /** Whatever comes until the other side closes. @throws what the connection broke of */
  readonly heard: Promise<string>;
}

/** @param heldAfter so many pieces of the client's part of the handshake go out, the first one only by half if it is 0.5 */
export async function rawClient(
  { host, port, ca }: { readonly host: string; readonly port: number; readonly ca: string },
  heldAfter = Infinity,
): Promise<RawClient> {
  const under = connectTcp(port, '127.0.0.1');
  await once(under, 'connect');
  const { way, goOn } = held(under, heldAfter);
  const socket = connectTls({ socket: way, servername: host, ca, ALPNProtocols: ['http/1.1'] });
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  const heard = new Promise<string>((resolve, reject) => {
    socket.once('error', (error: Error) => (pieces.length > 0 ? resolve(textOf(pieces)) : reject(error)));
    for (const event of ['end', 'close']) socket.once(event, () => resolve(textOf(pieces)));
  });
  heard.catch(() => undefined);
  return { socket, goOn, heard };
}

const textOf = (pieces: readonly Buffer[]): string => Buffer.concat(pieces).toString('latin1');

function held(under: Socket, heldAfter: number): { readonly way: Duplex; readonly goOn: () => void } {
  let left = heldAfter;
  const waiting: (() => void)[] = [];
  const write = (piece: Buffer, done: (error?: Error | null) => void): void => {
    if (left >= 1) under.write(piece, done);
    else if (left > 0) {
      const half = piece.length >> 1;
      under.write(piece.subarray(0, half));
      waiting.push(() => under.write(piece.subarray(half), done));
    } else waiting.push(() => under.write(piece, done));
    left = Math.max(0, left - 1);
  };
  const way = new Duplex({
    read: () => under.resume(),
    write: (piece: Buffer, _encoding, done) => write(piece, done),
    final: (done) => void under.end(done),
    destroy: (error, done) => {
      under.destroy();
      done(error);
    },
  });
  under.on('data', (piece: Buffer) => way.push(piece) || under.pause());
  under.once('end', () => way.push(null));
  under.once('error', (error) => way.destroy(error));
  const goOn = (): void => {
    left = Infinity;
    for (const send of waiting.splice(0)) send();
  };
  return { way, goOn };
}

/** @returns status and code of a refusal, as far as there is an answer */
export function outcomeOf({ status, body }: Pick<HostAnswer, 'status' | 'body'>): string {
  if (status === 200) return '200';
  return `${status} ${(body as { error?: { code?: string } } | undefined)?.error?.code ?? 'nothing'}`;
}

/** The same of what came on a connection. */
export function outcomeOfText(text: string): string {
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
  if (status === undefined) return text === '' ? 'closed' : 'unreadable';
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return status === '200' ? '200' : `${status} ${code ?? 'nothing'}`;
}
