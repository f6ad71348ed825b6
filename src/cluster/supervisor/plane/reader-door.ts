import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { MonotonicClock } from '../../../clock/monotonic-clock.ts';
import { NodeLink } from '../../../http/node-link.ts';
import type { NodeDoor } from '../../../http/node-tls.ts';
import { secureFrom } from '../../../http/node-tls.ts';
import type { Log } from '../../../http/logging.ts';
import type { StartTimer } from '../../../http/timer.ts';
import type { KustoPlane } from './kusto-plane.ts';
import { MovingLink } from '../moving-link.ts';
import type { NodeFrame } from '../remote-process.ts';
import { RemoteProcess } from '../remote-process.ts';

export interface ReaderDoorParts extends Pick<NodeDoor, 'own' | 'registered' | 'wallMs'> {
  readonly openReader: KustoPlane['openReader'];
  readonly monotonic: Pick<MonotonicClock, 'now' | 'after'>;
  readonly startTimer: StartTimer;
  readonly log: Log;
  readonly version: string;
}

/** @returns takes connections of nodes that read: each is one process of one cluster there, which this node supervises as its own, or the next link of
 * such a process */
export function createReaderDoor(parts: ReaderDoorParts): (socket: Socket) => void {
  const { own, registered, wallMs, openReader, monotonic, startTimer, log, version } = parts;
  /** By the node and what it calls them: no node has those of another. */
  const readings = new Map<string, MovingLink>();

  const begin = (link: NodeLink, name: string, host: string): MovingLink => {
    const words = new MovingLink(link, {
      received: (frame) => process.received(frame),
      closed: () => {
        readings.delete(name);
        process.lost();
      },
    });
    const process = new RemoteProcess(words, monotonic);
    readings.set(name, words);
    openReader(host, process).then(
      (hosts) => {
        if (hosts === undefined) process.kill();
        else words.send({ kind: 'serves', hosts });
      },
      (error: unknown) => {
        log.failure('reader-not-opened', error);
        process.kill();
      },
    );
    return words;
  };

  /** @returns what the link is for; undefined: it is refused */
  const admit = (link: NodeLink, node: string, frame: NodeFrame): MovingLink | undefined => {
    if (frame.kind !== 'reads' && frame.kind !== 'continues') return undefined;
    const name = `${node} ${frame.reading}`;
    const known = readings.get(name);
    if (frame.kind === 'reads') {
      if (frame.version === version) return known === undefined ? begin(link, name, frame.host) : undefined;
      log.warning('reader-of-another-version', { version: frame.version.slice(0, 40) });
      return undefined;
    }
    if (known?.follow(link) !== true) {
      log.warning('reader-link-not-continued');
      return undefined;
    }
    link.send({ kind: 'follows' } satisfies NodeFrame);
    return known;
  };

  const secured = (socket: TLSSocket, node: string): void => {
    let words: MovingLink | undefined;
    const link: NodeLink = new NodeLink(socket, {
      startTimer,
      closed: () => words?.ended(link),
      received: (received) => {
        const frame = received as NodeFrame;
        if (words !== undefined) {
          words.heard(link, frame);
          return;
        }
        words = admit(link, node, frame);
        if (words === undefined) link.close();
      },
    });
  };
  return secureFrom({
    ...{ own, registered, secured, wallMs, startTimer, monotonicMs: () => monotonic.now() },
    refused: (code) => log.warning('node refused', { listener: 'nodes', code }),
  });
}
