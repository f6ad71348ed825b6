import type { TLSSocket } from 'node:tls';
import { deserialize, serialize } from 'node:v8';
import type { StartTimer } from './timer.ts';

export interface NodeLinkLimits {
  readonly frameBytesMax: number;
  /** Without a word, which each end sends more often, the other one is out of reach. */
  readonly silenceMs: number;
  readonly aliveMs: number;
}

export const defaultNodeLinkLimits: NodeLinkLimits = {
  frameBytesMax: 256 * 1024 * 1024,
  silenceMs: 5_000,
  aliveMs: 1_000,
};

export interface NodeLinkOptions {
  readonly startTimer: StartTimer;
  readonly received: (frame: unknown) => void;
  /** Called once. */
  readonly closed: () => void;
  readonly limits?: NodeLinkLimits;
}

const lengthBytes = 4;
/** An empty frame. */
const alive = Buffer.alloc(lengthBytes);

/** Values from one node to another and back, in their order: each is its length in 4 bytes, then what structured clone makes of it. */
export class NodeLink {
  readonly #socket: TLSSocket;
  readonly #options: NodeLinkOptions;
  readonly #limits: NodeLinkLimits;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #isClosed = false;
  #cancelSilence: () => void = () => undefined;
  #cancelAlive: () => void = () => undefined;

  constructor(socket: TLSSocket, options: NodeLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = options.limits ?? defaultNodeLinkLimits;
    socket.setNoDelay(true);
    socket.on('data', (piece: Buffer) => this.#read(piece));
    socket
      .on('error', () => this.close())
      .on('end', () => this.close())
      .on('close', () => this.close());
    this.#heard();
    this.#stayAlive();
  }

  /** @param done told when it is on its way, or why it is not */
  send(frame: unknown, done: (error: Error | null) => void = () => undefined): void {
    if (this.#isClosed) {
      done(new Error('The connection to the other node has ended.'));
      return;
    }
    const bytes = serialize(frame);
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32BE(bytes.length);
    this.#socket.write(Buffer.concat([length, bytes]), (error) => done(error ?? null));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelSilence();
    this.#cancelAlive();
    this.#socket.destroySoon();
    this.#options.startTimer(this.#limits.aliveMs, () => this.#socket.destroy());
    this.#options.closed();
  }

  #heard(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#options.startTimer(this.#limits.silenceMs, () => {
      this.#socket.destroy();
      this.close();
    });
  }

  #stayAlive(): void {
    this.#cancelAlive = this.#options.startTimer(this.#limits.aliveMs, () => {
      this.#socket.write(alive);
      this.#stayAlive();
    });
  }

  #read(piece: Buffer): void {
    if (this.#isClosed) return;
    this.#heard();
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    for (;;) {
      if (this.#bytes < lengthBytes) return;
      const length = this.#whole(lengthBytes).readUInt32BE();
      if (length > this.#limits.frameBytesMax) {
        this.close();
        return;
      }
      if (this.#bytes < lengthBytes + length) return;
      const frame = this.#whole(lengthBytes + length).subarray(lengthBytes, lengthBytes + length);
      const rest = this.#pieces.splice(0)[0]?.subarray(lengthBytes + length);
      if (rest !== undefined && rest.length > 0) this.#pieces.push(rest);
      this.#bytes -= lengthBytes + length;
      if (length > 0) this.#options.received(deserialize(frame));
    }
  }

  /** @returns the first pieces as one that has so many bytes at least */
  #whole(count: number): Buffer {
    if ((this.#pieces[0]?.length ?? 0) < count) this.#pieces.unshift(Buffer.concat(this.#pieces.splice(0)));
    return this.#pieces[0] ?? Buffer.alloc(0);
  }
}
