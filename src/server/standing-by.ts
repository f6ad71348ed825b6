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
import type { AdvertisedNode, ReadRecord } from '../state/postgres/take-over.ts';
import { removeStandbyFile, writeStandbyFile } from './control-file.ts';
import { firstPorts } from './kept-ports.ts';
import type { ServerAddress, ServerPorts, ServerSettings } from './settings.ts';
import { nodeThatWaits } from './node-links.ts';
import type { RootKeys } from './root-key-beside.ts';
import type { ServingPorts, WaitingNode } from './state-place.ts';
import { stateIdOf, whyClosed } from '../state/sealed/check-record.ts';
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
  /** While the root key is rotated there are two: the node that serves has one of them, or both. */
  readonly #keys: readonly Buffer[];
  readonly #rootKeys: RootKeys | undefined;
  #closed: string | undefined;
  readonly #passer: Passer | undefined;
  /** Absent: all connections are passed on. */
  readonly #reading: ReadingNode | undefined;
  readonly #ended: Promise<never>;
  #end: (error: unknown) => void = () => undefined;
  #listening: Promise<ServerPorts> | undefined;
  #withinPort = 0;
  #self: WaitingNode | undefined;
  /** It does not reach where extents are kept. */
  #isCutOff = false;

  /** @throws EdgeAddressError */
  constructor(settings: ServerSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
    const { advertise, rootKey, oldRootKey, statePlace, stop, listen, allowRemote } = settings;
    this.#rootKeys = rootKey && { rootKey, otherRootKey: oldRootKey };
    this.#keys = [];
    this.#ended = new Promise((_, reject) => (this.#end = reject));
    this.#ended.catch(() => undefined);
    stop?.addEventListener('abort', () => this.#end(new StandbyEndedError()));
    if (advertise === undefined || rootKey === undefined || statePlace?.standsBy !== true) return;
    if (!allowRemote && !isLoopbackAddress(listen.host)) throw new EdgeAddressError(listen.host);
    this.#keys = [rootKey, ...(oldRootKey === undefined ? [] : [oldRootKey])].map(nodesKey);
    const { reads, scripts, geoipDatabase, memoryDirectory } = settings;
    const reading =
      reads !== true
        ? undefined
        : new ReadingNode({
            own: nodeThatWaits(() => this.#self, { rootKey, otherRootKey: oldRootKey }),
            ...{ startTimer: startSystemTimer, randomBytes: systemRandomBytes, log, version },
            ...{ monotonicMs: () => machineTime.monotonic(), wallMs: () => machineTime.now() },
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
    this.#passer = new Passer({ startTimer: startSystemTimer, log, take });
  }

  get ports(): Pick<ServingPorts, 'waits' | 'looked' | 'rootKeys' | 'pause' | 'ended'> {
    return {
      ended: this.#ended,
      rootKeys: (read) => this.#namesOfKeys(read),
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

  /** Whether this node could not serve now: another one's turn it is. One that does not reach the extents reads none either: its clients are passed
   * on meanwhile, as those of a node without readers.
   * @returns why not */
  async hindered(
    isDue: boolean,
    reachesBlobs: ((isDue: boolean) => Promise<string | undefined>) | undefined,
  ): Promise<string | undefined> {
    const why = await reachesBlobs?.(isDue);
    this.#isCutOff = why !== undefined;
    return why ?? this.#hinderedByKeys();
  }

  /** Whether the root keys of this node open the state as it is now: one that is being sealed under another root key, or was, is served by nodes
   * that have that one.
   * @returns why not */
  async #hinderedByKeys(): Promise<string | undefined> {
    const read = this.#self?.read;
    if (read === undefined || this.#rootKeys === undefined) return undefined;
    let why: string | undefined;
    try {
      why = await whyClosed({ get: read }, { ...this.#rootKeys, randomBytes: systemRandomBytes });
    } catch {
      return undefined; // the connection has ended: what comes next on another one says so
    }
    if (why !== this.#closed) {
      if (why === undefined) this.#log.event('root-key-opens');
      else this.#log.warning('root-key-opens-nothing', { why, standsBy: true });
    }
    this.#closed = why;
    return why;
  }

  /** It serves: what has waited comes to itself. @param key that it has signed its address with */
  serves(text: string, port: number, key: Uint8Array): void {
    const { host } = this.#settings.listen;
    const self = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
    this.#passer?.passTo({ id: 'self', host: self, port, advertised: text, key });
  }

  /** Ends what it passes on. @param graceMs so long that may go on to its own end */
  async close(graceMs: number): Promise<void> {
    removeStandbyFile(this.#settings.dataDirectory);
    this.#reading?.close();
    await this.#passer?.close(graceMs);
  }

  /** None for a state that is not made yet, or a connection that has ended, as what comes next on it says. */
  async #namesOfKeys(read: ReadRecord): Promise<readonly string[]> {
    if (this.#rootKeys === undefined) return [];
    const { rootKey, otherRootKey } = this.#rootKeys;
    const stateId = await stateIdOf({ get: read }).catch(() => undefined);
    if (stateId === undefined) return [];
    return [rootKey, ...(otherRootKey === undefined ? [] : [otherRootKey])].map((key) =>
      key.nameFor(Buffer.from(stateId, 'hex')),
    );
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
    if (this.#passer === undefined) return;
    const [to] = this.#keys.flatMap((key) => {
      const read = node && readSignedAddress(key, node.text);
      if (node === undefined || read === undefined) return [];
      return [{ id: node.id, node: node.node, host: read.host, port: read.port, advertised: read.text, key }];
    });
    this.#passer.passTo(to);
    this.#reading?.passTo(this.#isCutOff ? undefined : to);
  }
}
