import { EdgeAddressError } from '../http/edge.ts';
import { isLoopbackAddress } from '../http/loopback.ts';
import type { Log } from '../http/logging.ts';
import { readSignedAddress } from '../http/advertised-address.ts';
import { machineTime } from '../clock/host-time.ts';
import { ReadingNode } from '../cluster/reading-node/reading-node.ts';
import type { TakeConnection } from '../http/passer.ts';
import { Passer } from '../http/passer.ts';
import { startSystemTimer } from '../http/timer.ts';
import type { RootKey } from '../state/root-key.ts';
import type { AdvertisedNode } from '../state/postgres/take-over.ts';
import { removeStandbyFile, writeStandbyFile } from './control-file.ts';
import { firstPorts } from './kept-ports.ts';
import type { ServerAddress, ServerPorts, ServerSettings } from './settings.ts';
import { nodeThatWaits } from './node-links.ts';
import type { ServingPorts, WaitingNode } from './state-place.ts';
import { listenUnready } from '../http/unready-listener.ts';
import { systemRandomBytes } from '../base/random.ts';
import { StateFormatTooOldError } from '../state/formats/state-formats.ts';
import { StandbyEndedError } from './standby-ended.ts';
import { version } from './version.ts';

/** One of them is in a part that is loaded with the first state in PostgreSQL. */
const isFormatError = (error: unknown): error is Error =>
  error instanceof StateFormatTooOldError || (error instanceof Error && error.name === 'StateFormatTooNewError');

/** 32 bytes that every node of an instance has, and nobody else: they prove who passes a connection on. */
export const nodesKey = (rootKey: RootKey): Buffer => rootKey.derive('nodes that pass connections 1');

/** What a node does while another serves. With an address that it advertises it listens where it would serve, and passes connections on to the
 * one that does. It opens no record of the state, so it has no key of TLS, and nothing that a connection says is in the clear here. */
export class StandingBy {
  readonly #settings: ServerSettings;
  readonly #log: Log;
  readonly #key: Buffer | undefined;
  readonly #passer: Passer | undefined;
  /** Absent: all connections are passed on. */
  readonly #reading: ReadingNode | undefined;
  readonly #ended: Promise<never>;
  #end: (error: unknown) => void = () => undefined;
  #listening: Promise<ServerPorts> | undefined;
  #withinPort = 0;
  #self: WaitingNode | undefined;

  /** @throws EdgeAddressError */
  constructor(settings: ServerSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    const { advertise, rootKey, statePlace, stop, listen, allowRemote } = settings;
    this.#ended = new Promise((_, reject) => (this.#end = reject));
    this.#ended.catch(() => undefined);
    stop?.addEventListener('abort', () => this.#end(new StandbyEndedError()));
    if (advertise === undefined || rootKey === undefined || statePlace?.standsBy !== true) return;
    if (!allowRemote && !isLoopbackAddress(listen.host)) throw new EdgeAddressError(listen.host);
    this.#key = nodesKey(rootKey);
    const { reads, scripts, geoipDatabase, memoryDirectory } = settings;
    const reading =
      reads !== true
        ? undefined
        : new ReadingNode({
            key: this.#key,
            own: nodeThatWaits(() => this.#self, rootKey),
            ...{ startTimer: startSystemTimer, monotonicMs: () => machineTime.monotonic(), log, version },
            parts: {
              processScript: scripts.clusterProcess,
              parserScript: scripts.kqlProcess,
              ...{ startUpFiles: scripts.startUpFiles, parserSnapshots: scripts.startUpFiles },
              extraRoots: scripts.extraRoots,
              ...{ geoipDatabase, memoryDirectory, withinPort: () => this.#withinPort },
            },
          });
    this.#reading = reading;
    const take: TakeConnection | undefined = reading && ((socket, name, head) => reading.take(socket, name, head));
    this.#passer = new Passer({ key: this.#key, startTimer: startSystemTimer, log, take });
  }

  get ports(): Pick<ServingPorts, 'waits' | 'looked' | 'pause' | 'ended'> {
    return {
      ended: this.#ended,
      waits: (host) => this.#wait(host),
      looked: (node, self) => this.#look(node, self),
      pause: (milliseconds) =>
        Promise.race([new Promise<void>((resolve) => setTimeout(resolve, milliseconds)), this.#ended]),
    };
  }

  /** Its turn has come: the ports are free. @returns where to listen, which is where it has */
  async turn(): Promise<ServerSettings> {
    const ports = await this.#listening;
    this.#reading?.close();
    if (ports === undefined) return this.#settings;
    await this.#passer?.stopListening();
    removeStandbyFile(this.#settings.dataDirectory);
    const { listen, kusto, proxy } = this.#settings;
    return {
      ...this.#settings,
      listen: { ...listen, port: ports.port },
      kusto: { ...kusto, port: ports.kustoPort },
      proxy: { ...proxy, port: ports.proxyPort },
    };
  }

  /** The state did not open. One of several nodes that does not know its format stays, is not ready and says why, until it is stopped; it holds
   * nothing of the state. @returns why this node ends */
  async refused(error: unknown, wallClock: () => number): Promise<unknown> {
    if (this.#settings.statePlace?.standsBy !== true || !isFormatError(error)) return error;
    const { listen } = await this.turn();
    this.#log.failure('state-format-not-known', error);
    const unready = await listenUnready({
      listen: { host: listen.host, port: listen.port === 'kept' ? firstPorts.port : listen.port },
      ...{ code: error.name.replace(/Error$/, ''), reason: error.message },
      ...{ wallClock, randomBytes: systemRandomBytes },
    }).catch(() => undefined);
    if (unready === undefined) return error; // the ports are somebody else's
    this.#settings.onUnready?.(error.message, unready.port);
    const ended: unknown = await this.#ended.catch((why: unknown) => why);
    await unready.close();
    return ended;
  }

  /** It serves: what has waited comes to itself. */
  serves(text: string, port: number): void {
    const { host } = this.#settings.listen;
    const self = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    this.#passer?.passTo({ id: 'self', host: self, port, advertised: text });
  }

  /** Ends what it passes on. @param graceMs so long that may go on to its own end */
  async close(graceMs: number): Promise<void> {
    removeStandbyFile(this.#settings.dataDirectory);
    this.#reading?.close();
    await this.#passer?.close(graceMs);
  }

  #wait(host: string | undefined): void {
    this.#log.event('standing-by', host === undefined ? {} : { host });
    if (this.#passer === undefined) {
      this.#settings.onStandBy?.(host);
      return;
    }
    this.#listening = this.#listen(this.#passer);
    this.#listening.then((ports) => {
      writeStandbyFile(this.#settings.dataDirectory, { pid: process.pid, port: ports.port });
      this.#log.event('passing-on', { ...ports });
      this.#settings.onStandBy?.(host, ports);
    }, this.#end);
  }

  async #listen(passer: Passer): Promise<ServerPorts> {
    const { listen, kusto, proxy } = this.#settings;
    const at = ({ host, port }: ServerAddress, first: number) => ({ host, port: port === 'kept' ? first : port });
    if (this.#reading !== undefined) this.#withinPort = await passer.listenWithin();
    const ports = await passer.listen({
      tls: at(listen, firstPorts.port),
      kusto: at(kusto, firstPorts.kustoPort),
      proxy: at(proxy, firstPorts.proxyPort),
    });
    return { port: ports.tls, kustoPort: ports.kusto, proxyPort: ports.proxy };
  }

  #look(node: AdvertisedNode | undefined, self: WaitingNode): void {
    this.#self = self;
    if (this.#key === undefined) return;
    const read = node && readSignedAddress(this.#key, node.text);
    const to = node &&
      read && { id: node.id, node: node.node, host: read.host, port: read.port, advertised: read.text };
    this.#passer?.passTo(to);
    this.#reading?.passTo(to);
  }
}
