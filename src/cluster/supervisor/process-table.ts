import type { Guid } from '../../base/guid.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import { ChannelClosedError } from '../messages/channel.ts';
import type { ShutdownReason } from '../messages/supervisor-calls.ts';
import type { Rested } from '../messages/rest.ts';
import { removeSpillDirectory } from './spill-directory.ts';
import type { ClusterProcessOptions, ProcessOwner } from './cluster-process.ts';
import { ClusterProcess } from './cluster-process.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { KeyVisits } from './key-visits.ts';
import { createProcessServices } from './process-services.ts';
import type { HeldByProcess } from './process-state.ts';
import { CatalogFeeds } from './catalog-feeds.ts';
import type { ReaderServiceParts } from './reader-services.ts';
import { createReaderServices } from './reader-services.ts';
import type { RemoteProcess } from './remote-process.ts';
import { askReaders, tellOwn } from './requests-elsewhere.ts';

const firstDelayMs = 250;
const delayMsMax = 30_000;
/** A process that ran so long starts again with a clean record. */
const steadyMs = 60_000;
const preflightIdleMs = 20_000;

/** Each cluster has a part of its own, which its process has for itself. */
const partOf = ({ blobs }: ClusterKeysOptions, clusterId: Guid | undefined): BlobPlace | undefined =>
  blobs === undefined || clusterId === undefined ? undefined : blobsAt(blobs).partOf(clusterId);

interface Crashes {
  readonly count: number;
  readonly startedAt: number;
  readonly notBefore: number;
}

/** The running processes: one per cluster, started when first needed, and one without keys for preflights. That one becomes the next
 * cluster's, since a cluster is mostly made right after the preflight of its key, and starting takes longest.
 * A process that dies by itself is reported, after a pause that doubles while it keeps dying. The pause is real time: it
 * protects the machine. */
export class ProcessTable {
  readonly #options: ClusterKeysOptions;
  readonly #onCrash: (clusterId: Guid) => void;
  readonly #running = new Map<Guid, ClusterProcess>();
  readonly #crashes = new Map<Guid, Crashes>();
  /** On other nodes. */
  readonly #readers = new Map<Guid, Set<ClusterProcess>>();
  readonly #feeds = new CatalogFeeds();
  readonly #pauses = new Map<Guid, () => void>();
  /** For clusters that have no process running. */
  readonly visits = new KeyVisits(() => this.#startVisitor());
  #spare: ClusterProcess | undefined;
  #preflight: ClusterProcess | undefined;
  #endPreflight: (() => void) | undefined;
  readonly #undrained = new Set<ClusterProcess>();
  #closed = false;

  /** @param onCrash called when a crashed process may start again */
  constructor(options: ClusterKeysOptions, onCrash: (clusterId: Guid) => void) {
    this.#options = options;
    this.#onCrash = onCrash;
    this.#spare = options.spareProcess;
  }

  running(clusterId: Guid): ClusterProcess | undefined {
    return this.#running.get(clusterId);
  }

  /** The processes of a cluster, here and on other nodes, that hold the key of a database of its own. */
  holding(clusterId: Guid, databaseId: Guid): readonly ClusterProcess[] {
    const own = this.#running.get(clusterId);
    const all = [...(own === undefined ? [] : [own]), ...(this.#readers.get(clusterId) ?? [])];
    return all.filter((one) => one.databases.get(databaseId) === 'open');
  }

  /** @throws ChannelClosedError while the process pauses after a crash */
  obtain(clusterId: Guid): ClusterProcess {
    const running = this.#running.get(clusterId);
    if (running !== undefined && !running.ended) return running;
    const now = this.#options.monotonic.now();
    const crashes = this.#crashes.get(clusterId);
    if (this.#closed || (crashes !== undefined && now < crashes.notBefore)) {
      throw new ChannelClosedError('The cluster process is being started again.');
    }
    const started = this.#start();
    this.#assign(started, clusterId, (wanted) => {
      removeSpillDirectory(clusterId);
      if (this.#running.get(clusterId) === started) this.#running.delete(clusterId);
      if (!wanted && !this.#closed) this.#crashed(clusterId, now);
    });
    this.#running.set(clusterId, started);
    this.#options.log.event('cluster-process-started', { clusterId, pid: started.pid ?? 0 });
    return started;
  }

  /** A process on another node, which reads the cluster. It goes when the cluster's own does.
   * @param generation of the key that the cluster's own process holds
   * @throws ChannelClosedError when that one has ended, or holds another one: whoever ends it ends those that there are */
  startReader(
    clusterId: Guid,
    generation: number,
    port: RemoteProcess,
    lease: {
      readonly needed: ReaderServiceParts['needed'];
      /** For how long it may use what it has. */
      readonly leaseMs: (reader: ClusterProcess) => Promise<number>;
    },
  ): ClusterProcess {
    const own = this.#running.get(clusterId);
    if (this.#closed || own?.ended !== false || own.holds !== generation)
      throw new ChannelClosedError('The cluster does not serve now.');
    const reader = new ClusterProcess({ ...this.#processOptions(), port });
    const readers = this.#readers.get(clusterId) ?? new Set();
    this.#readers.set(clusterId, readers.add(reader));
    const gone = (): void => {
      readers.delete(reader);
      if (readers.size > 0 || this.#readers.get(clusterId) !== readers) return;
      this.#readers.delete(clusterId);
      this.#feeds.forget(clusterId);
    };
    const services = createReaderServices({
      ...{ ports: this.#options, clusterId, feeds: this.#feeds },
      needed: lease.needed,
      leaseMs: () => lease.leaseMs(reader),
      lent: (ms) => port.lent(ms),
      ended: (body) => tellOwn(this.#running.get(clusterId), body),
      serve: createProcessServices(this.#options, clusterId),
    });
    this.#assign(reader, clusterId, gone, { services });
    return reader;
  }

  /** A process without keys, for calls that belong to no cluster. It ends when nobody has used it for a while. */
  preflight(): ClusterProcess {
    if (this.#closed) throw new ChannelClosedError('Kustody is stopping.');
    if (this.#preflight === undefined || this.#preflight.ended) {
      this.#preflight = this.#start();
      this.#assign(this.#preflight, undefined, () => undefined);
    }
    const process = this.#preflight;
    this.#endPreflight?.();
    const end = (): void => {
      this.#endPreflight = undefined;
      if (process.idle) void process.end();
      else this.preflight();
    };
    this.#endPreflight = this.#options.monotonic.after(preflightIdleMs, end);
    return process;
  }

  /** @param reason what clients hear that wait for an answer */
  async end(clusterId: Guid, reason?: ShutdownReason): Promise<void> {
    this.#pauses.get(clusterId)?.();
    this.#pauses.delete(clusterId);
    const own = this.#running.get(clusterId);
    const all = [...(own === undefined ? [] : [own]), ...(this.#readers.get(clusterId) ?? [])];
    await Promise.all(all.map((one) => one.end(reason)));
  }

  /** @returns undefined when the cluster has no process, or one that is needed */
  async rest(clusterId: Guid, idleMs: number): Promise<Rested | undefined> {
    const rested = await this.#running.get(clusterId)?.rest(idleMs);
    // Whoever asks one of them is a reason not to rest.
    if (rested !== undefined) for (const reader of this.#readers.get(clusterId) ?? []) void reader.end();
    return rested;
  }

  /** Lets answers under way come to their end, for so long at most; nobody begins a new one. `close` follows.
   * @returns how many processes did not come to an end of theirs: whoever waits there is told when they are closed */
  async drain(graceMs: number): Promise<number> {
    const draining = [...this.#running.values()];
    for (const one of draining) this.#undrained.add(one);
    const drained = draining.map(async (one) => {
      await one.drain();
      this.#undrained.delete(one);
    });
    // Who asks on another node is told to ask again, of whoever serves next.
    const reason = { kind: 'instanceStopped' } as const;
    const readers = [...this.#readers.values()].flatMap((some) => [...some]);
    drained.push(...readers.map((one) => one.drain().then(() => one.end(reason))));
    let cancel = (): void => undefined;
    const enough = new Promise<void>((resolve) => (cancel = this.#options.monotonic.after(graceMs, resolve)));
    await Promise.race([Promise.all(drained), enough]);
    cancel();
    return this.#undrained.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const cancel of this.#pauses.values()) cancel();
    this.#endPreflight?.();
    const readers = [...this.#readers.values()].flatMap((some) => [...some]);
    const all = [...this.#running.values(), ...readers, ...(this.#preflight === undefined ? [] : [this.#preflight])];
    await Promise.all([
      this.visits.end(),
      ...all.map((one) => one.end(this.#undrained.has(one) ? { kind: 'instanceStopped' } : undefined)),
    ]);
  }

  /** @returns one that belongs to no cluster: which runs already, or a new one */
  #start(): ClusterProcess {
    const spare = [this.#preflight, this.#spare].find((one) => one?.ended === false && one.idle);
    if (spare === undefined) return this.#startNew();
    if (spare === this.#spare) this.#spare = undefined;
    if (spare === this.#preflight) {
      this.#preflight = undefined;
      this.#endPreflight?.();
      this.#endPreflight = undefined;
    }
    return spare;
  }

  #startNew(): ClusterProcess {
    return new ClusterProcess(this.#processOptions());
  }

  #processOptions(): ClusterProcessOptions {
    const { settings, processScript, startUpFiles, extraRoots, monotonic, processOutput } = this.#options;
    const { vaultTimeoutMs } = settings;
    return {
      ...{ script: processScript, startUpFiles, extraRoots, monotonic, vaultTimeoutMs },
      output: processOutput ?? 'ignore',
      tracer: this.#options.log.tracer,
    };
  }

  /** Not one that may become a cluster's later: keys of several clusters pass through it. */
  #startVisitor(): ClusterProcess {
    if (this.#closed) throw new ChannelClosedError('Kustody is stopping.');
    const started = this.#startNew();
    this.#assign(started, undefined, () => undefined, { visitsKeys: true });
    return started;
  }

  #assign(
    process: ClusterProcess,
    clusterId: Guid | undefined,
    onExit: (wanted: boolean) => void,
    { visitsKeys = false, services }: { readonly visitsKeys?: boolean; readonly services?: ProcessOwner['serve'] } = {},
  ): void {
    const { edge, settings, log } = this.#options;
    process.assign({
      configure: {
        clusterId,
        visitsKeys,
        edge,
        vaultTimeoutMs: settings.vaultTimeoutMs,
        blobs: partOf(this.#options, clusterId),
        ...(services && { reads: true as const }),
        ...(log.tracer && { sampling: log.tracer.sampling }),
      },
      serve: services ?? this.#servicesOf(process, clusterId),
      onExit: (wanted) => {
        if (process.silence !== undefined)
          log.warning('cluster-process-silent', { ...(clusterId && { clusterId }), ...process.silence });
        onExit(wanted);
      },
    });
  }

  /** Of a process of this node. */
  #servicesOf(process: ClusterProcess, clusterId: Guid | undefined): ProcessOwner['serve'] {
    const serve = createProcessServices(this.#options, clusterId, this.#heldBy(process, clusterId));
    if (clusterId === undefined) return serve;
    const readers = (): Iterable<ClusterProcess> => this.#readers.get(clusterId) ?? [];
    return (operation, body, grants) => askReaders(readers, operation, body) ?? serve(operation, body, grants);
  }

  #heldBy({ databases }: ClusterProcess, clusterId: Guid | undefined): HeldByProcess {
    return {
      databases,
      ...(clusterId !== undefined && { committed: (write) => this.#feeds.note(clusterId, write) }),
    };
  }

  #crashed(clusterId: Guid, startedAt: number): void {
    const now = this.#options.monotonic.now();
    const before = now - startedAt > steadyMs ? 0 : (this.#crashes.get(clusterId)?.count ?? 0);
    const delay = before === 0 ? 0 : Math.min(firstDelayMs * 2 ** (before - 1), delayMsMax);
    this.#crashes.set(clusterId, { count: before + 1, startedAt, notBefore: now + delay });
    this.#options.log.warning('cluster-process-crashed', { clusterId, restartInMs: delay });
    const cancel = this.#options.monotonic.after(delay, () => {
      this.#pauses.delete(clusterId);
      this.#onCrash(clusterId);
    });
    this.#pauses.set(clusterId, cancel);
  }
}
