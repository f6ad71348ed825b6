import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { PassHeader } from './pass-header.ts';
import { helloBytes, isHello, writePassHeader } from './pass-header.ts';
import type { StartTimer } from './timer.ts';

/** The node that serves, as it has told. */
export interface PassedNode {
  /** Of the serving, not of the machine: another start is another one. */
  readonly id: string;
  /** What it is known by; absent for this one. */
  readonly node?: string;
  readonly host: string;
  readonly port: number;
  /** As it was advertised. */
  readonly advertised: string;
  /** 32 bytes, which only nodes of the instance have: what it has signed that with. */
  readonly key: Uint8Array;
}

export interface DialOptions {
  readonly startTimer: StartTimer;
  /** To reach it and hear its hello. */
  readonly dialMs: number;
}

/** Reaches another node, and proves to be one. @param done called once; without a connection when there is none */
export function dialNode(
  { host, port, advertised, key }: PassedNode,
  { startTimer, dialMs }: DialOptions,
  header: PassHeader,
  done: (remote: Socket | undefined) => void,
): void {
  const remote = connect({ host, port, allowHalfOpen: true, noDelay: true });
  let isOver = false;
  const end = (found?: Socket): void => {
    if (isOver) return;
    isOver = true;
    cancel();
    remote.off('readable', read);
    if (found === undefined) remote.destroy();
    done(found);
  };
  const fail = (): void => end();
  const read = (): void => {
    const hello = remote.read(helloBytes) as Buffer | null;
    if (hello === null) return;
    if (!isHello(hello)) {
      fail();
      return;
    }
    remote.write(writePassHeader(key, hello, advertised, header));
    end(remote);
  };
  const cancel = startTimer(dialMs, fail);
  remote.on('readable', read).on('error', fail).on('end', fail).on('close', fail);
}
