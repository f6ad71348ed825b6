import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { MonotonicClock } from '../../../clock/monotonic-clock.ts';
import { NodeLink } from '../../../http/node-link.ts';
import type { NodeDoor } from '../../../http/node-tls.ts';
import { secureFrom } from '../../../http/node-tls.ts';
import type { Log } from '../../../http/logging.ts';
import type { StartTimer } from '../../../http/timer.ts';
import type { KustoPlane } from './kusto-plane.ts';
import type { NodeFrame } from '../remote-process.ts';
import { RemoteProcess } from '../remote-process.ts';

export interface ReaderDoorParts extends Pick<NodeDoor, 'own' | 'registered' | 'wallMs'> {
  readonly openReader: KustoPlane['openReader'];
  readonly monotonic: Pick<MonotonicClock, 'now' | 'after'>;
  readonly startTimer: StartTimer;
  readonly log: Log;
  readonly version: string;
}

/** @returns takes connections of nodes that read: each is one process of one cluster there, which this node supervises as its own */
export function createReaderDoor(parts: ReaderDoorParts): (socket: Socket) => void {
  const { own, registered, wallMs, openReader, monotonic, startTimer, log, version } = parts;
  const secured = (socket: TLSSocket): void => {
    let process: RemoteProcess | undefined;
    const link = new NodeLink(socket, {
      startTimer,
      closed: () => process?.lost(),
      received: (received) => {
        const frame = received as NodeFrame;
        if (process !== undefined) {
          process.received(frame);
          return;
        }
        if (frame.kind !== 'reads' || frame.version !== version) {
          if (frame.kind === 'reads') log.warning('reader-of-another-version', { version: frame.version.slice(0, 40) });
          link.close();
          return;
        }
        const port = (process = new RemoteProcess(link, monotonic));
        openReader(frame.host, port).then(
          (hosts) => {
            if (hosts === undefined) port.kill();
            else link.send({ kind: 'serves', hosts } satisfies NodeFrame);
          },
          (error: unknown) => {
            log.failure('reader-not-opened', error);
            port.kill();
          },
        );
      },
    });
  };
  return secureFrom({
    ...{ own, registered, secured, wallMs, startTimer, monotonicMs: () => monotonic.now() },
    refused: (code) => log.warning('node refused', { listener: 'nodes', code }),
  });
}
