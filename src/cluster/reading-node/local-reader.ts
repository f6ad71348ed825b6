import type { Socket } from 'node:net';
import type { Log } from '../../http/logging.ts';
import type { StartTimer } from '../../http/timer.ts';
import type { HandedSocket } from '../messages/handed-socket.ts';
import { isTakenSocket } from '../messages/handed-socket.ts';
import type { ProcessPort } from '../supervisor/process-port.ts';
import { forkedProcess } from '../supervisor/process-port.ts';
import type { NodeFrame } from '../supervisor/remote-process.ts';
import { SocketsOnTheWay } from '../supervisor/sockets-on-the-way.ts';
import type { OwnParts } from './own-parts.ts';
import { Localized } from './own-parts.ts';

export interface LocalReaderOptions {
  readonly parts: OwnParts;
  readonly startTimer: StartTimer;
  readonly log: Pick<Log, 'event' | 'failure'>;
}

interface Link {
  send(frame: NodeFrame, done?: (error: Error | null) => void): void;
  close(): void;
}

/** For the words of a process that ends without the node that supervises it. */
const lastWordsMs = 500;

/** A process of a cluster on this node, which the node that serves supervises. It goes with the link between the two. */
export class LocalReader {
  /** Whether it takes connections: known once, when it does or when it will not. */
  readonly serves: Promise<boolean>;
  readonly #options: LocalReaderOptions;
  readonly #localized: Localized;
  readonly #onTheWay = new SocketsOnTheWay();
  #link: Link | undefined;
  #process: ProcessPort | undefined;
  #settle: (serves: boolean) => void = () => undefined;
  #onEnd: () => void = () => undefined;
  #isOver = false;
  #isEnding = false;

  constructor(options: LocalReaderOptions) {
    this.#options = options;
    this.#localized = new Localized(options.parts);
    this.serves = new Promise((resolve) => (this.#settle = resolve));
  }

  reach(link: Link): void {
    this.#link = link;
    if (this.#isOver) link.close();
  }

  /** Called once, as soon as it takes nothing any more. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  received(frame: NodeFrame): void {
    if (frame.kind === 'serves') this.#settle(true);
    if (frame.kind === 'kill') this.#kill();
    if (frame.kind !== 'message' || this.#isOver || this.#isEnding) return;
    try {
      const message = this.#localized.message(frame.message);
      this.#process ??= this.#start();
      this.#process.send(message as object, (error) => {
        if (error !== null) this.#kill();
      });
    } catch (error) {
      this.#options.log.failure('reader-not-opened', error);
      this.#kill();
    }
  }

  /** The node that serves is out of reach, or has ended: who waits for an answer here is told. */
  lost(): void {
    if (this.#isOver || this.#isEnding) return;
    this.#isEnding = true;
    this.#ended();
    const reason = { kind: 'instanceStopped' } as const;
    this.#process?.send({ kind: 'call', id: 0, operation: 'shutDown', body: reason }, () => undefined);
    this.#options.startTimer(lastWordsMs, () => this.#kill());
  }

  end(): void {
    this.lost();
  }

  /** Gives a client's connection to it. @returns false when it ends before it takes it, which then is as it was */
  handOver(socket: Socket, message: Omit<HandedSocket, 'kind' | 'id'>): Promise<boolean> {
    const sendSocket = this.#process?.sendSocket;
    if (sendSocket === undefined || this.#isOver || this.#isEnding) return Promise.resolve(false);
    return new Promise((settle) => {
      const id = this.#onTheWay.add(socket, settle);
      sendSocket({ ...message, kind: 'socket', id }, socket, (error) => {
        if (error !== null) this.#onTheWay.giveBack();
      });
    });
  }

  #start(): ProcessPort {
    const { processScript: script, startUpFiles, extraRoots } = this.#options.parts;
    const started = forkedProcess({ script, startUpFiles, extraRoots, output: 'ignore' });
    this.#options.log.event('reader-process-started', { pid: started.pid ?? 0 });
    started.onMessage((message) => {
      if (isTakenSocket(message)) this.#onTheWay.taken(message.id);
      else this.#link?.send({ kind: 'message', message });
    });
    started.onExit(() => this.#gone());
    return started;
  }

  #kill(): void {
    if (this.#process === undefined) this.#gone();
    else this.#process.kill();
  }

  #gone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ended();
    const link = this.#link;
    link?.send({ kind: 'exit' }, () => link.close());
    const giveBack = (): void => this.#onTheWay.giveBack();
    if (this.#process === undefined) giveBack();
    else this.#process.whenRead(giveBack);
  }

  #ended(): void {
    this.#settle(false);
    this.#onEnd();
    this.#onEnd = () => undefined;
  }
}
