import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { endsWithUs } from '../../base/ends-with-us.ts';
import { discardStartUpFile } from '../../base/start-up-file.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import type { ParsedCommand } from '../plan/command.ts';
import { withRecordFacts } from '../plan/record-facts.ts';
import type { FunctionFactsByName } from '../plan/function-facts.ts';
import type { ToldSchema } from '../plan/told-schema.ts';
import type { Program } from '../plan/plan.ts';
import { deserializeKqlError, KqlError, lowMemory } from '../plan/kql-error.ts';
import { parserFlags, parserSnapshot } from './parser-snapshot.ts';
import { ToldCatalogs } from './catalog-differences.ts';
import type { ParserReply, ParserRequest } from './parser-protocol.ts';

export interface ParserLimits {
  /** UTF-16 units of one query text. */
  readonly textMax: number;
  /** A text that takes longer is refused and the process replaced. */
  readonly parseMsMax: number;
  /** Of Node.js. Default: those that a snapshot is built with. A text that needs more memory than they give is refused. */
  readonly flags?: readonly string[];
}

/** The process may go on for so long with a text that nobody waits for any more: starting another one takes about as long. */
const abandonedMsMax = 500;
/** So many catalogs a process keeps: versions, and what each principal may see of one. */
const catalogsMax = 8;

export interface CompileOptions {
  /** Unions that do not say so are fuzzy: the request property `best_effort`. */
  readonly bestEffort?: boolean;
  /** Values of parameters that may name a table or a database. */
  readonly naming?: Readonly<Record<string, string | null>>;
  /** What operators have told of their columns. */
  readonly told?: readonly ToldSchema[];
  /** Nobody waits for the program any more once it is aborted. */
  readonly signal?: AbortSignal;
}

/** A text compiled to IR. Safe to call at once from many places: requests wait in line. */
export interface KqlParser {
  /** @throws KqlError, or what the signal was aborted with */
  compile(text: string, database: string, catalog: KqlCatalog, options?: CompileOptions): Promise<Program>;
  /** @throws KqlError syntax for what the parser does not know as a command, or what the signal was aborted with */
  parseCommand(
    text: string,
    database: string,
    catalog: KqlCatalog,
    options?: Pick<CompileOptions, 'told' | 'signal'>,
  ): Promise<ParsedCommand>;
  /** What a graph model makes of its tables: the first result are the nodes, the second the edges. @throws KqlError */
  compileGraph(model: string, database: string, catalog: KqlCatalog): Promise<Program>;
  /** Resolves when the process can take requests. @throws KqlError when it does not start */
  ready(): Promise<void>;
  stop(): void;
}

interface Waiting {
  readonly request: ParserRequest;
  readonly catalog: KqlCatalog;
  readonly resolve: (reply: ParserReply) => void;
  readonly reject: (error: Error) => void;
}

/** Starts the parser process at `entry` (dist/kql-process.js) and starts it anew when it dies or is killed.
 * @param options.functions what the rows of the engine's functions tell
 * @param options.snapshots where start-up snapshots are kept; without it, starts are plain
 * @param after runs `act` once `ms` have passed on the wall clock, unless cancelled */
export function createKqlParser(options: {
  readonly entry: string;
  readonly snapshots?: string | undefined;
  readonly limits: ParserLimits;
  readonly functions: FunctionFactsByName;
  readonly after: (ms: number, act: () => void) => () => void;
}): KqlParser {
  const { entry, snapshots, limits, functions, after } = options;
  const queue: Waiting[] = [];
  let child: ChildProcess | undefined;
  let isReady = false;
  let stopped = false;
  let snapshotFails = false;
  let current: (Waiting & { cancelTimer: () => void }) | undefined;
  let nextId = 1;
  let told = new ToldCatalogs(catalogsMax);
  let onReady = deferred();

  function start(): ChildProcess {
    const { flags = parserFlags } = limits;
    const snapshot = snapshotFails || flags !== parserFlags ? undefined : parserSnapshot(entry, snapshots);
    const started = fork(entry, [], {
      // A snapshot that does not fit makes Node abort with a long trace; it is not worth showing.
      stdio: ['ignore', 'ignore', snapshot === undefined ? 'inherit' : 'ignore', 'ipc'],
      execArgv: snapshot === undefined ? [...flags] : [...flags, '--snapshot-blob', snapshot],
      env: {},
    });
    endsWithUs(started);
    started.on('message', (message) => {
      if (started === child) receive(message as ParserReply);
    });
    started.on('exit', (_code, signal) => {
      if (started !== child) return;
      // A snapshot that does not start is left aside, and nobody notices.
      if (snapshot !== undefined && !isReady && !stopped) {
        snapshotFails = true;
        discardStartUpFile(snapshot);
        child = start();
        return;
      }
      if (!isReady) doesNotStart();
      // So V8 ends a process that has no memory left.
      const isMemory = isReady && signal === 'SIGABRT';
      lost(
        isMemory
          ? lowMemory('The query needs more memory to compile than it may use')
          : new KqlError('internal', 'The parser process ended.'),
      );
    });
    return started;
  }

  /** Another one would not either: whoever waits is told, and who asks next begins anew. */
  function doesNotStart(): void {
    const error = new KqlError('internal', 'The parser process does not start.');
    onReady.reject(error);
    for (const { reject } of queue.splice(0)) reject(error);
  }

  function lost(error: Error): void {
    child = undefined;
    isReady = false;
    told = new ToldCatalogs(catalogsMax);
    onReady = deferred();
    current?.cancelTimer();
    current?.reject(error);
    current = undefined;
    if (queue.length > 0 && !stopped) child = start();
  }

  function receive(reply: ParserReply): void {
    if (reply.k === 'ready') {
      isReady = true;
      // Messages arrive in order, so nobody waits for the answer.
      child?.send({ id: nextId++, k: 'functions', functions } satisfies ParserRequest);
      onReady.resolve();
    } else if (current?.request.id === reply.id) {
      const done = current;
      current = undefined;
      done.cancelTimer();
      done.resolve(reply);
    }
    pump();
  }

  function pump(): void {
    if (!isReady || current || !child) return;
    const next = queue.shift();
    if (!next) return;
    const sentTo = child;
    const cancelTimer = after(limits.parseMsMax, () => {
      sentTo.kill('SIGKILL');
      if (sentTo === child) lost(new KqlError('limits', 'The query takes too long to parse.'));
    });
    current = { ...next, cancelTimer };
    // Messages arrive in order, and the process has what it was told, as long as it lives.
    const catalog = told.difference(next.catalog);
    if (catalog !== undefined) sentTo.send({ id: nextId++, k: 'catalog', catalog } satisfies ParserRequest);
    sentTo.send(next.request);
  }

  function ask(request: ParserRequest, catalog: KqlCatalog, signal?: AbortSignal): Promise<ParserReply> {
    if (stopped) return Promise.reject(new KqlError('internal', 'The parser is stopped.'));
    signal?.throwIfAborted();
    return new Promise<ParserReply>((resolve, reject) => {
      const abandon = (): void => {
        abandoned(request.id);
        reject(reasonOf(signal));
      };
      const waiting: Waiting = {
        request,
        catalog,
        resolve: (reply) => {
          signal?.removeEventListener('abort', abandon);
          resolve(reply);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', abandon);
          reject(error);
        },
      };
      signal?.addEventListener('abort', abandon, { once: true });
      queue.push(waiting);
      child ??= start();
      pump();
    });
  }

  /** Nobody waits for the answer any more. */
  function abandoned(id: number): void {
    const place = queue.findIndex(({ request }) => request.id === id);
    if (place >= 0) queue.splice(place, 1);
    if (current?.request.id !== id) return;
    const [sentTo, { cancelTimer }] = [child, current];
    const cancelKill = after(abandonedMsMax, () => {
      if (current?.request.id !== id || sentTo === undefined) return;
      sentTo.kill('SIGKILL');
      if (sentTo === child) lost(new KqlError('cancelled', 'The query was stopped.'));
    });
    current.cancelTimer = () => {
      cancelTimer();
      cancelKill();
    };
  }

  async function request(
    k: 'query' | 'command' | 'graph',
    text: string,
    database: string,
    catalog: KqlCatalog,
    { bestEffort, naming, told, signal }: CompileOptions = {},
  ): Promise<ParserReply> {
    if (text.length > limits.textMax)
      throw new KqlError('limits', `The text is longer than ${limits.textMax} characters.`);
    const asked = { ...(bestEffort && { bestEffort }), ...(naming && { naming }), ...(told && { told }) };
    const body = { k, text, database, catalogVersion: catalog.version, ...asked } as const;
    const reply = await ask({ id: nextId++, ...body }, catalog, signal);
    if (reply.k === 'refused') throw deserializeKqlError(reply.error);
    return reply;
  }

  async function compile(
    k: 'query' | 'graph',
    text: string,
    database: string,
    catalog: KqlCatalog,
    options?: CompileOptions,
  ): Promise<Program> {
    const reply = await request(k, text, database, catalog, options);
    if (reply.k === 'program') return withRecordFacts(reply.program);
    throw new KqlError('internal', 'The parser gave no answer.');
  }

  return {
    compile: (text, database, catalog, options) => compile('query', text, database, catalog, options),
    compileGraph: (model, database, catalog) => compile('graph', model, database, catalog),
    async parseCommand(text, database, catalog, options) {
      const reply = await request('command', text, database, catalog, options);
      if (reply.k === 'commandParsed') return withPrograms(reply.command);
      throw new KqlError('internal', 'The parser gave no answer.');
    },
    ready() {
      child ??= start();
      return onReady.promise;
    },
    stop() {
      stopped = true;
      child?.kill('SIGKILL'); // it minds no other signal
    },
  };
}

const withPrograms = (command: ParsedCommand): ParsedCommand => ({
  ...command,
  ...(command.query && { query: withRecordFacts(command.query) }),
  ...(command.pipe && { pipe: withRecordFacts(command.pipe) }),
});

const reasonOf = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof Error ? signal.reason : new KqlError('cancelled', 'The query was stopped.');

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve: () => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((settle, fail) => {
    resolve = settle;
    reject = fail;
  });
  promise.catch(() => undefined); // Nobody may be waiting for it.
  return { promise, resolve, reject };
}
