import type { Socket } from 'node:net';
import type { HostName } from '../../base/names.ts';
import { parseHostName } from '../../base/names.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { PassedNode } from '../../http/dial-node.ts';
import { releaseSocket, takeBackSocket } from '../../http/release-socket.ts';
import { LocalReader } from './local-reader.ts';
import type { OwnParts } from './own-parts.ts';
import type { ReadingLinkOptions } from './reading-link.ts';
import { openReadingLink } from './reading-link.ts';

export interface ReadingNodeOptions extends ReadingLinkOptions {
  readonly parts: OwnParts;
}

/** So long a client waits for a cluster that is being opened here; then the node that serves answers. */
const openMs = 15_000;
/** A name that was refused is not asked for again so soon. */
const refusedMs = 3_000;
const namesMax = 1_000;
const readersMax = 100;

interface Reading {
  readonly reader: LocalReader;
  /** Resolves with whether it takes connections. */
  readonly serves: Promise<boolean>;
}

/** What a node that stands by does with clients of clusters: it has a process of its own for each cluster that is asked for, whose supervisor is the node
 * that serves. Between the two this one only carries what they say to each other, sealed on the way. It opens no record of the state. */
export class ReadingNode {
  readonly #options: ReadingNodeOptions;
  readonly #readings = new Map<HostName, Reading>();
  readonly #refused = new RecentMap<HostName, number>(namesMax);
  #node: PassedNode | undefined;
  #isClosed = false;

  constructor(options: ReadingNodeOptions) {
    this.#options = options;
  }

  /** Who serves now. What was read for another ends. */
  passTo(node: PassedNode | undefined): void {
    const before = this.#node;
    this.#node = node;
    if (before !== undefined && before.id !== node?.id) this.#endAll();
  }

  /** @returns whether a process here has the connection */
  async take(socket: Socket, name: string, head: Buffer): Promise<boolean> {
    const host = parseHostName(name);
    if (host === undefined || !host.endsWith('.kusto.windows.net') || host.startsWith('ingest-')) return false;
    const reading = this.#reading(host);
    if (reading === undefined || !(await this.#inTime(reading.serves)) || socket.destroyed) return false;
    const unread = releaseSocket(socket);
    const taken = await reading.reader.handOver(socket, { host, head: Buffer.concat([head, unread]), greeting: '' });
    if (!taken) takeBackSocket(socket, unread);
    return taken;
  }

  /** Ends all of it. */
  close(): void {
    this.#isClosed = true;
    this.#endAll();
  }

  #endAll(): void {
    for (const { reader } of this.#readings.values()) reader.end();
    this.#readings.clear();
    this.#refused.clear();
  }

  #reading(host: HostName): Reading | undefined {
    const known = this.#readings.get(host);
    if (known !== undefined) return known;
    const node = this.#node;
    const { monotonicMs, parts } = this.#options;
    const refusedAt = this.#refused.get(host);
    if (refusedAt !== undefined && monotonicMs() - refusedAt < refusedMs) return undefined;
    if (node === undefined || this.#isClosed || this.#readings.size >= readersMax) return undefined;
    const reader = new LocalReader({ ...this.#options, parts });
    const serves = this.#open(node, host, reader).catch((error: unknown) => {
      this.#options.log.failure('reader-not-opened', error);
      return false;
    });
    const reading: Reading = { reader, serves };
    this.#readings.set(host, reading);
    const forget = (): void => {
      if (this.#readings.get(host) === reading) this.#readings.delete(host);
    };
    reader.onEnd(forget);
    void serves.then((isServing) => {
      if (isServing) return;
      this.#refused.set(host, monotonicMs());
      reader.end();
      forget();
    });
    return reading;
  }

  async #open(node: PassedNode, host: HostName, reader: LocalReader): Promise<boolean> {
    const link = await openReadingLink(
      { host, node, received: (frame) => reader.received(frame), closed: () => reader.lost() },
      this.#options,
    );
    if (link === undefined) return false;
    reader.reach(link);
    return reader.serves;
  }

  #inTime(serves: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.startTimer(openMs, () => resolve(false));
      void serves.then(resolve).finally(cancel);
    });
  }
}
