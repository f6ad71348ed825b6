import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { PassedNode } from '../../http/dial-node.ts';
import { dialNode } from '../../http/dial-node.ts';
import type { Log } from '../../http/logging.ts';
import type { NodeCredentials } from '../../http/node-authority.ts';
import { certificateEndMs } from '../../http/node-authority.ts';
import { NodeLink } from '../../http/node-link.ts';
import { secureTo } from '../../http/node-tls.ts';
import type { StartTimer } from '../../http/timer.ts';
import { MovingLink } from '../supervisor/moving-link.ts';
import type { NodeFrame } from '../supervisor/remote-process.ts';
import { keepRenewed } from './keep-renewed.ts';

export interface ReadingLinkOptions {
  /** What this node proves with to the one that serves. @throws when that has made no root, or the state does not answer */
  readonly own: () => Promise<NodeCredentials>;
  readonly startTimer: StartTimer;
  readonly monotonicMs: () => number;
  /** Certificates go by it. */
  readonly wallMs: () => number;
  readonly randomBytes: RandomBytes;
  readonly log: Pick<Log, 'event' | 'failure'>;
  readonly version: string;
}

/** A process here, and the node that serves, which supervises it. */
interface Ends {
  readonly host: HostName;
  readonly node: PassedNode;
  readonly received: (frame: NodeFrame) => void;
  /** Called once. */
  readonly closed: () => void;
}

const dialMs = 2_000;
/** For what a next link waits for: a state and a node that live answer at once. */
const answerMs = 10_000;

class LinkNotRenewedError extends Error {
  override readonly name = 'LinkNotRenewedError';
  constructor(readonly code: 'NODE_NOT_REACHED' | 'NO_LATER_CERTIFICATE' | 'NOT_CONTINUED' | 'NO_ANSWER') {
    super('A process that reads has no next link.');
  }
}

/** The way of one process here to the node that serves. Its certificate ends and the process goes on: well before that another link takes its place, with a
 * new certificate, which the other end holds against the same as any other. Until it has, the one before carries everything.
 * @returns undefined when that node is not reached @throws when one of the two does not take the other */
export async function openReadingLink(
  { host, node, received, closed }: Ends,
  options: ReadingLinkOptions,
): Promise<MovingLink | undefined> {
  const { startTimer, randomBytes, version } = options;
  const first = await connectTo(node, options, await options.own());
  if (first === undefined) return undefined;
  const reading = newGuid(randomBytes);
  const link: NodeLink = new NodeLink(first.socket, {
    startTimer,
    received: (frame) => words.heard(link, frame as NodeFrame),
    closed: () => words.ended(link),
  });
  const words: MovingLink = new MovingLink(link, {
    received,
    closed: () => {
      stop();
      closed();
    },
  });
  const renew = (endsAt: number): Promise<number> => continueOn(words, { reading, node, endsAt }, options);
  const stop = keepRenewed(first.goodUntilMs, renew, { ...options, host });
  words.send({ kind: 'reads', host, version, reading });
  return words;
}

interface Connected {
  readonly socket: TLSSocket;
  /** Of this end's certificate, milliseconds since 1970. */
  readonly goodUntilMs: number;
}

async function connectTo(
  node: PassedNode,
  { startTimer }: Pick<ReadingLinkOptions, 'startTimer'>,
  own: NodeCredentials,
): Promise<Connected | undefined> {
  if (node.node === undefined) return undefined;
  const socket = await new Promise<Socket | undefined>((resolve) =>
    dialNode(node, { startTimer, dialMs }, { to: 'reader', clientAddress: '::1' }, resolve),
  );
  if (socket === undefined) return undefined;
  return { socket: await secureTo(socket, own, node.node), goodUntilMs: certificateEndMs(own.cert) };
}

interface Continued {
  readonly reading: Guid;
  readonly node: PassedNode;
  /** Of the certificate of the link before. */
  readonly endsAt: number;
}

/** @returns when the certificate of the next link ends, once all goes over that
 * @throws when there is none: then nothing has changed, or the words have ended, too */
async function continueOn(
  words: MovingLink,
  { reading, node, endsAt }: Continued,
  options: ReadingLinkOptions,
): Promise<number> {
  const { startTimer } = options;
  const own = await answered(options.own(), startTimer);
  if (certificateEndMs(own.cert) <= endsAt) throw new LinkNotRenewedError('NO_LATER_CERTIFICATE');
  const next = await connectTo(node, options, own);
  if (next === undefined) throw new LinkNotRenewedError('NODE_NOT_REACHED');
  let isMoving = false;
  return new Promise((resolve, reject) => {
    const link: NodeLink = new NodeLink(next.socket, {
      startTimer,
      received: (received) => {
        const frame = received as NodeFrame;
        if (isMoving) words.heard(link, frame);
        else if (frame.kind === 'follows' && words.moveTo(link, () => resolve(next.goodUntilMs))) isMoving = true;
        else link.close();
        cancel();
      },
      closed: () => {
        cancel();
        reject(new LinkNotRenewedError('NOT_CONTINUED'));
        if (isMoving) words.ended(link);
      },
    });
    const cancel = startTimer(answerMs, () => link.close());
    link.send({ kind: 'continues', reading } satisfies NodeFrame);
  });
}

function answered<T>(answer: Promise<T>, startTimer: StartTimer): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = startTimer(answerMs, () => reject(new LinkNotRenewedError('NO_ANSWER')));
    answer.then(resolve, reject).finally(cancel);
  });
}
