import type { ChildProcess, ForkOptions } from 'node:child_process';
import { fork as nodeFork } from 'node:child_process';
import { endsWithUs } from '../../base/ends-with-us.ts';
import { discardStartUpFile } from '../../base/start-up-file.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { FunctionFactsByName } from '../plan/function-facts.ts';
import { KqlError, lowMemory } from '../plan/kql-error.ts';
import { ToldCatalogs } from './catalog-differences.ts';
import { parserFlags, parserSnapshot } from './parser-snapshot.ts';
import type { ParserReply, ParserRequest } from './parser-protocol.ts';
import { processorMs } from './processor-time.ts';

/** One that has not said by then that it takes requests never will: on a machine that is busy with other things a start takes a few seconds. */
const startMsMax = 90_000;
/** So many catalogs a process keeps: versions, and what each principal may see of one. */
const catalogsMax = 8;

export interface ParserProcessOptions {
  /** `dist/kql-process.js`. */
  readonly entry: string;
  /** Where start-up snapshots are kept; without it, starts are plain. */
  readonly snapshots?: string | undefined;
  /** Of Node.js. */
  readonly flags?: readonly string[] | undefined;
  /** What the rows of the engine's functions tell. */
  readonly functions: FunctionFactsByName;
  /** Runs `act` once `ms` have passed on the wall clock, unless cancelled. */
  readonly after: (ms: number, act: () => void) => () => void;
  /** Default: that of Node.js. */
  readonly fork?: (entry: string, args: readonly string[], options: ForkOptions) => ChildProcess;
}

export interface ParserProcessEvents {
  ready(): void;
  replied(reply: ParserReply): void;
  /** It is gone, and nobody has ended it.
   * @param wasReady whether it has ever taken requests: another one would not start either */
  gone(error: KqlError, wasReady: boolean): void;
}

/** A process of the official parser. It answers one request at a time. */
export class ParserProcess {
  /** Snapshots that do not start, by their parsers: left aside from then on. */
  static readonly #withoutSnapshot = new Set<string>();

  readonly #options: ParserProcessOptions;
  readonly #events: ParserProcessEvents;
  readonly #told = new ToldCatalogs(catalogsMax);
  #child: ChildProcess | undefined;
  #isReady = false;

  constructor(options: ParserProcessOptions, events: ParserProcessEvents) {
    this.#options = options;
    this.#events = events;
    this.#child = this.#start();
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  #start(): ChildProcess | undefined {
    const { entry, snapshots, flags = parserFlags, functions, after } = this.#options;
    const plain = flags !== parserFlags || ParserProcess.#withoutSnapshot.has(entry);
    const snapshot = plain ? undefined : parserSnapshot(entry, snapshots);
    const started = this.#forked({
      // A snapshot that does not fit makes Node abort with a long trace; it is not worth showing.
      stdio: ['ignore', 'ignore', snapshot === undefined ? 'inherit' : 'ignore', 'ipc'],
      execArgv: snapshot === undefined ? [...flags] : [...flags, '--snapshot-blob', snapshot],
      env: {},
    });
    if (started === undefined) return undefined;
    endsWithUs(started);
    // Its exit is heard like any other.
    const cancelLimit = after(startMsMax, () => started.kill('SIGKILL'));
    started.on('message', (message) => {
      if (started !== this.#child) return;
      const reply = message as ParserReply;
      if (reply.k !== 'ready') {
        this.#events.replied(reply);
        return;
      }
      cancelLimit();
      this.#isReady = true;
      // Messages arrive in order, so nobody waits for the answer.
      started.send({ id: 0, k: 'functions', functions } satisfies ParserRequest);
      this.#events.ready();
    });
    const gone = (signal: NodeJS.Signals | null): void => {
      if (!this.#isReady) cancelLimit();
      if (started !== this.#child) return;
      // Nobody notices. Where the system has not started it, nothing was read of the snapshot.
      if (snapshot !== undefined && !this.#isReady && started.pid !== undefined) {
        ParserProcess.#withoutSnapshot.add(entry);
        discardStartUpFile(snapshot);
        this.#child = this.#start();
        return;
      }
      this.#child = undefined;
      this.#events.gone(this.#lossOf(signal), this.#isReady);
    };
    started.on('exit', (_code, signal) => gone(signal));
    // One that the system does not start has no exit. One that cannot be told anything is of no use, if it has not ended already.
    started.on('error', () => {
      if (started.pid === undefined) gone(null);
      else started.kill('SIGKILL');
    });
    return started;
  }

  /** @returns undefined when the system has no room for another process, which is told once whoever makes this one has it */
  #forked(options: ForkOptions): ChildProcess | undefined {
    const { fork = nodeFork, entry } = this.#options;
    try {
      return fork(entry, [], options);
    } catch (error) {
      // Of some causes Node.js tells by an event, of others, as of too little memory, by an error.
      if (!(error instanceof Error && 'errno' in error)) throw error;
      queueMicrotask(() => this.#events.gone(this.#lossOf(null), false));
      return undefined;
    }
  }

  #lossOf(signal: NodeJS.Signals | null): KqlError {
    if (!this.#isReady) return new KqlError('internal', 'The parser process does not start.');
    // So V8 ends a process that has no memory left.
    if (signal === 'SIGABRT') return lowMemory('The query needs more memory to compile than it may use');
    return new KqlError('internal', 'The parser process ended.');
  }

  /** Messages arrive in order, and the process has what it was told, as long as it lives. */
  send(request: ParserRequest, about: KqlCatalog): void {
    const catalog = this.#told.difference(about);
    if (catalog !== undefined) this.#child?.send({ id: 0, k: 'catalog', catalog } satisfies ParserRequest);
    this.#child?.send(request);
  }

  /** Of processors, up to now; undefined where that is not known. */
  usedMs(): number | undefined {
    return this.#child?.pid === undefined ? undefined : processorMs(this.#child.pid);
  }

  /** Nothing is heard of it any more. It minds no other signal. */
  end(): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
  }
}
