import type { Socket } from 'node:net';
import { parseTraceparent } from '../../http/tracing/trace-context.ts';
import type { Tracer } from '../../http/tracing/tracer.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { HostName } from '../../base/names.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';
import { Channel } from '../messages/channel.ts';
import type { ShutdownReason, SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import { readReply } from '../messages/supervisor-replies.ts';
import type { Rested } from '../messages/rest.ts';
import type { HandedSocket } from '../messages/handed-socket.ts';
import { isTakenSocket } from '../messages/handed-socket.ts';
import type { ProcessPort } from './process-port.ts';
import { forkedProcess } from './process-port.ts';
import { SocketsOnTheWay } from './sockets-on-the-way.ts';

/** What a process may ask tokens for while a call is in flight: nothing else than the call itself names. */
export interface VaultGrant {
  readonly identity: Guid;
  readonly host: HostName;
  /** Whose key it is, as far as the call names it. */
  readonly clusterId?: Guid;
}

export interface ClusterProcessOptions {
  readonly script: string;
  /** Where compiled functions of its program are kept; without it, it compiles them itself. */
  readonly startUpFiles?: string | undefined;
  /** A file of root certificates that sources are trusted by, besides the public ones. */
  readonly extraRoots?: string | undefined;
  readonly monotonic: MonotonicClock;
  readonly vaultTimeoutMs: number;
  readonly output: 'ignore' | 'inherit';
  /** The process; default: a new child. */
  readonly port?: ProcessPort | undefined;
  /** Undefined: nobody traces. */
  readonly tracer?: Tracer | undefined;
}

/** Who a process works for: first nobody, then perhaps preflights, then at most one cluster for the rest of its life. Or visits to keys
 * from the beginning to its end. */
export interface ProcessOwner {
  readonly configure: SupervisorCalls['configure'];
  /** Answers what the process asks. */
  readonly serve: (operation: string, body: unknown, grants: readonly VaultGrant[]) => Promise<unknown>;
  /** Called once, when the process is gone. @param wanted it was ended by `end` */
  readonly onExit: (wanted: boolean) => void;
}

export interface Silence {
  readonly call: SupervisorCall;
  readonly seconds: number;
}

const grantsOf: { readonly [Call in SupervisorCall]: (body: SupervisorCalls[Call]) => readonly VaultGrant[] } = {
  configure: () => [],
  describe: ({ identity, key, clusterId }) => [
    { identity, host: key.vaultHost, ...(clusterId === undefined ? {} : { clusterId }) },
  ],
  preflight: (body) => [{ identity: body.key.identity, host: body.key.vaultHost }],
  open: (body) => currentGrants(body.current),
  make: (body) => [targetGrant(body.target)],
  rewrap: ({ current, target }) => [
    ...currentGrants(current),
    { ...targetGrant(target), clusterId: current.clusterId },
  ],
  replace: ({ current, target, database }) => [
    ...[current, database?.current].flatMap((one) => (one === undefined ? [] : currentGrants(one))),
    ...[target, database?.target].flatMap((one) => (one === undefined ? [] : [targetGrant(one)])),
  ],
  adopt: () => [],
  forget: () => [],
  makeDatabaseKey: (body) => [targetGrant(body.target)],
  openDatabaseKey: (body) => currentGrants(body.current),
  lockDatabase: () => [],
  forgetDatabaseKey: () => [],
  serveData: () => [],
  serveLocalhost: () => [],
  inventory: () => [],
  runScript: () => [],
  addRows: () => [],
  endedRequests: () => [],
  shownRequests: () => [],
  cancelRequest: () => [],
  endedElsewhere: () => [],
  flushQueue: () => [],
  findExtent: () => [],
  upkeep: () => [],
  rest: () => [],
  putBack: () => [],
  databaseBytes: () => [],
  drain: () => [],
  shutDown: () => [],
};

const currentGrants = ({ identities, kid, clusterId }: SupervisorCalls['open']['current']): readonly VaultGrant[] =>
  identities.map((identity) => ({ identity, host: kid.vaultHost, clusterId }));

const targetGrant = (target: SupervisorCalls['make']['target']): VaultGrant => ({
  identity: target.identity,
  host: target.kid.vaultHost,
});

/** Vault calls that one operation makes one after the other, at most; each has its own time limit. */
const vaultCallsMax = 6;
const patienceMs = 5_000;
/** What the time of a call depends on: `vault`, calls of a vault that have their own limits, or nothing at all; `data`, how much the cluster
 * holds or is given. Whatever waits for data that is being opened is of the second kind. */
const timeOf: Readonly<Record<SupervisorCall, 'vault' | 'data'>> = {
  ...{ configure: 'vault', describe: 'vault', preflight: 'vault', open: 'vault', make: 'vault', rewrap: 'vault' },
  ...{ replace: 'data', adopt: 'vault', forget: 'vault' },
  ...{ makeDatabaseKey: 'vault', openDatabaseKey: 'data', lockDatabase: 'vault', forgetDatabaseKey: 'vault' },
  ...{ serveData: 'data', serveLocalhost: 'vault', inventory: 'data', findExtent: 'data' },
  ...{ runScript: 'data', addRows: 'data', endedRequests: 'vault', flushQueue: 'data' },
  ...{ shownRequests: 'vault', cancelRequest: 'vault', endedElsewhere: 'vault' },
  ...{ upkeep: 'data', rest: 'vault', putBack: 'data', databaseBytes: 'vault', drain: 'data', shutDown: 'vault' },
};
/** A process that has said nothing of such a call for so long is stuck, and is ended. */
const silenceMs = 10 * 60_000;
/** Of one call, whatever is heard of it: what is tried over and over makes itself heard, too. */
const callMs = 60 * 60_000;
/** A process that is busy goes without a word. */
const shutdownGraceMs = 500;
/** So long the system may take to tell of the end of a process that takes nothing any more. */
const goneMs = 500;

/** One running child process and the calls to it. Once ended it stays ended. */
export class ClusterProcess {
  readonly #port: ProcessPort;
  readonly #channel: Channel;
  readonly #options: ClusterProcessOptions;
  readonly #grants = new Set<VaultGrant>();
  readonly #onTheWay = new SocketsOnTheWay();
  readonly #exited: Promise<void>;
  #owner: ProcessOwner | undefined;
  #wanted = false;
  #gone = false;
  /** Calls and connections that it was given. */
  #given = 0;
  #neededAt: number;
  /** Whether it ever had a connection of a client. */
  wasConnected = false;
  /** Set when it is ended because a call had no answer for too long: that call, and how long it waited. */
  silence: Silence | undefined;
  /** Generation of the key it holds, as far as its answers tell. */
  holds: number | undefined;
  /** Databases with a key of their own that it was told of: whether it holds the key. */
  readonly databases = new Map<Guid, 'open' | 'locked'>();

  constructor(options: ClusterProcessOptions) {
    this.#options = options;
    this.#neededAt = options.monotonic.now();
    this.#port = options.port ?? forkedProcess(options);
    this.#channel = new Channel({
      send: (message) => {
        this.#port.send(message as object, (error) => {
          if (error !== null) this.#channel.close('The cluster process is gone.');
        });
      },
      serve: (operation, body, trace) => {
        invariant(this.#owner !== undefined, 'a process that belongs to nobody asks nothing');
        const { serve } = this.#owner;
        const work = (): Promise<unknown> => serve(operation, body, [...this.#grants]);
        const { tracer } = options;
        if (tracer === undefined || trace === undefined || operation === 'log') return work();
        return tracer.run(parseTraceparent(trace), () => tracer.step(`main ${operation.slice(0, 40)}`, work));
      },
      ...(options.tracer && { trace: () => options.tracer?.traceparent }),
    });
    this.#port.onMessage((message) => {
      if (isTakenSocket(message)) this.#onTheWay.taken(message.id);
      else this.#channel.receive(message);
    });
    this.#exited = new Promise((resolve) => {
      const gone = (): void => {
        if (this.#gone) return;
        this.#gone = true;
        this.holds = undefined;
        this.#channel.close('The cluster process ended.');
        // What it said last is read before the channel ends.
        this.#port.whenRead(() => this.#onTheWay.giveBack());
        this.#owner?.onExit(this.#wanted);
        resolve();
      };
      this.#port.onExit(gone);
    });
  }

  /** To be called while nothing is in flight, and no more once a cluster owns it. */
  assign(owner: ProcessOwner): void {
    const before = this.#owner?.configure;
    const isFree = before === undefined || (before.clusterId === undefined && !before.visitsKeys);
    invariant(isFree && this.idle, 'a process belongs to one cluster');
    this.#owner = owner;
    void this.call('configure', owner.configure).catch(() => undefined); // what follows tells
  }

  get pid(): number | undefined {
    return this.#port.pid;
  }

  get ended(): boolean {
    return this.#gone || this.#wanted;
  }

  get idle(): boolean {
    return this.#channel.inFlight === 0;
  }

  /** @throws ChannelClosedError when the process ends first, or takes so long that it was ended */
  async call<Call extends SupervisorCall>(
    operation: Call,
    body: SupervisorCalls[Call],
  ): Promise<SupervisorReplies[Call]> {
    this.#given += 1;
    const grants = grantsOf[operation](body);
    for (const grant of grants) this.#grants.add(grant);
    const watch = this.#watch(operation);
    try {
      return readReply[operation](await this.#channel.call(operation, body, watch.heard));
    } finally {
      watch.end();
      for (const grant of grants) this.#grants.delete(grant);
    }
  }

  /** Ends the process when nothing is heard of a call for too long. What it asks us for the call's sake is a sign of life of it. */
  #watch(operation: SupervisorCall): { readonly heard: () => void; readonly end: () => void } {
    const { monotonic, vaultTimeoutMs } = this.#options;
    const limitMs = timeOf[operation] === 'data' ? silenceMs : vaultTimeoutMs * vaultCallsMax + patienceMs;
    const began = monotonic.now();
    let heardAt = began;
    const look = (): void => {
      const now = monotonic.now();
      const left = Math.min(heardAt + limitMs, began + callMs) - now;
      if (left > 0) {
        cancel = monotonic.after(left, look);
        return;
      }
      if (!this.ended) this.silence ??= { call: operation, seconds: Math.round((now - heardAt) / 1000) };
      this.#port.kill();
    };
    let cancel = monotonic.after(limitMs, look);
    return { heard: () => (heardAt = monotonic.now()), end: () => cancel() };
  }

  /** Gives a client's connection away: once it is taken, only that process can read or write it.
   * @returns false when it ends before it takes it, which then is as it was */
  async handOver(socket: Socket, message: Omit<HandedSocket, 'kind' | 'id'>): Promise<boolean> {
    const { sendSocket } = this.#port;
    if (this.ended || sendSocket === undefined) return false;
    this.needed();
    this.#given += 1;
    this.wasConnected = true;
    return new Promise((settle) => {
      const id = this.#onTheWay.add(socket, settle);
      const handed: HandedSocket = { ...message, kind: 'socket', id };
      sendSocket(handed, socket, (error) => {
        if (error === null) return;
        this.#channel.close('The cluster process is gone.');
        // Whoever has a connection back asks for a process at once, and is not to find this one.
        const soon = new Promise<void>((resolve) => void this.#options.monotonic.after(goneMs, resolve));
        void Promise.race([this.#exited, soon]).then(() => this.#onTheWay.giveBack());
      });
    });
  }

  /** Somebody is about to give it something to do. */
  needed(): void {
    this.#neededAt = this.#options.monotonic.now();
  }

  /** Ends it if nobody has needed it for so long. Between its answer and its end nobody can have given it anything: then it stays.
   * @returns undefined when it stays */
  async rest(idleMs: number): Promise<Rested | undefined> {
    if (!this.#isFree() || this.#options.monotonic.now() - this.#neededAt < idleMs) return undefined;
    const given = this.#given + 1; // the question
    const reply = await this.call('rest', { idleMs }).catch(() => undefined);
    if (reply?.outcome !== 'idle' || this.#given !== given || !this.#isFree()) return undefined;
    await this.end();
    return reply;
  }

  #isFree(): boolean {
    return !this.ended && this.idle;
  }

  /** Has it take no connection any more. Resolves when none of its answers is under way, or it is gone. */
  async drain(): Promise<void> {
    if (!this.ended) await this.call('drain', {}).catch(() => undefined);
  }

  /** Ends it with everything it holds: at once, or after the moment that it takes to tell its clients why. Resolves when it is gone. */
  async end(reason?: ShutdownReason): Promise<void> {
    if (reason !== undefined && !this.ended) {
      this.#wanted = true; // nobody gives it anything more to do
      await this.#tellWhy(reason);
    }
    this.#wanted = true;
    this.#channel.close('The cluster process was ended.');
    this.#port.kill();
    await this.#exited;
  }

  async #tellWhy(reason: ShutdownReason): Promise<void> {
    let cancel: () => void = () => undefined;
    const enough = new Promise<void>((resolve) => {
      cancel = this.#options.monotonic.after(shutdownGraceMs, resolve);
    });
    const told = this.call('shutDown', reason).catch(() => undefined); // it is gone already
    await Promise.race([told, this.#exited, enough]);
    cancel();
  }
}
