import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { endsWithUs } from '../../base/ends-with-us.ts';
import type { HandedSocket } from '../messages/handed-socket.ts';
import { processCode } from './process-code.ts';

/** A process of a cluster as its supervisor reaches it: a child of this one, or one on another node. */
export interface ProcessPort {
  readonly pid: number | undefined;
  /** @param done told when it is on its way, or why it is not */
  send(message: object, done: (error: Error | null) => void): void;
  /** Gives a connection away. Absent: there is no way for one. */
  readonly sendSocket?: (message: HandedSocket, socket: Socket, done: (error: Error | null) => void) => void;
  onMessage(listener: (message: unknown) => void): void;
  /** Called once, when it is gone, or cannot do anything any more that it needs a lease for. */
  onExit(listener: () => void): void;
  /** Calls back when all that it has said is read: after its end. */
  whenRead(listener: () => void): void;
  kill(): void;
}

interface Program {
  readonly script: string;
  readonly startUpFiles?: string | undefined;
  /** Absolute; read by Node.js for connections that name no roots: those to sources of data. Ways to keys name theirs (`host-route.ts`). */
  readonly extraRoots?: string | undefined;
  readonly output: 'ignore' | 'inherit';
}

/** A new child. Nothing else of our environment: it may carry the root key, client secrets or a proxy. */
export function forkedProcess({ script, startUpFiles, extraRoots, output }: Program): ProcessPort {
  const code = processCode(script, startUpFiles);
  const child = fork(script, code === undefined ? [] : [code], {
    env: { UV_THREADPOOL_SIZE: '16', ...(extraRoots === undefined ? {} : { NODE_EXTRA_CA_CERTS: extraRoots }) },
    execArgv: [],
    cwd: '/',
    serialization: 'advanced',
    stdio: ['ignore', output, output, 'ipc'],
  });
  endsWithUs(child);
  return {
    get pid() {
      return child.pid;
    },
    send: (message, done) => void child.send(message, done),
    sendSocket: (message, socket, done) => void child.send(message, socket, { keepOpen: true }, done),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => {
      child.once('exit', listener);
      child.once('error', listener); // it could not be started
    },
    whenRead: (listener) => {
      if (child.connected) child.once('disconnect', listener);
      else listener();
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
