import type { KqlCatalog } from '../plan/catalog.ts';
import type { ParsedCommand } from '../plan/command.ts';
import { withRecordFacts } from '../plan/record-facts.ts';
import type { FunctionFactsByName } from '../plan/function-facts.ts';
import type { ToldSchema } from '../plan/told-schema.ts';
import type { Program } from '../plan/plan.ts';
import { deserializeKqlError, KqlError } from '../plan/kql-error.ts';
import type { Asked } from './parser-lanes.ts';
import { ParserLanes } from './parser-lanes.ts';
import { ParserProcess } from './parser-process.ts';
import type { ParserReply } from './parser-protocol.ts';

export interface ParserLimits {
  /** UTF-16 units of one query text. */
  readonly textMax: number;
  /** Of processors, where the system tells what a process uses: a text that uses more is refused and the process replaced. */
  readonly parseMsMax: number;
  /** Of Node.js. Default: those that a snapshot is built with. A text that needs more memory than they give is refused. */
  readonly flags?: readonly string[];
}

export interface CompileOptions {
  /** Unions that do not say so are fuzzy: the request property `best_effort`. */
  readonly bestEffort?: boolean;
  /** Values of parameters that may name a table or a database. */
  readonly naming?: Readonly<Record<string, string | null>>;
  /** What operators have told of their columns. */
  readonly told?: readonly ToldSchema[];
  /** Who asks: texts of different callers take turns. Default: the engine itself. */
  readonly caller?: string;
  /** Nobody waits for the program any more once it is aborted. */
  readonly signal?: AbortSignal;
}

/** A text compiled to IR. Safe to call at once from many places: requests wait in turns (see `ParserLanes`). */
export interface KqlParser {
  /** @throws KqlError, or what the signal was aborted with */
  compile(text: string, database: string, catalog: KqlCatalog, options?: CompileOptions): Promise<Program>;
  /** @throws KqlError syntax for what the parser does not know as a command, or what the signal was aborted with */
  parseCommand(
    text: string,
    database: string,
    catalog: KqlCatalog,
    options?: Pick<CompileOptions, 'told' | 'caller' | 'signal'>,
  ): Promise<ParsedCommand>;
  /** What a graph model makes of its tables: the first result are the nodes, the second the edges. @throws KqlError */
  compileGraph(model: string, database: string, catalog: KqlCatalog): Promise<Program>;
  /** Resolves when the process can take requests. @throws KqlError when it does not start */
  ready(): Promise<void>;
  stop(): void;
}

/** Starts parser processes at `entry` (dist/kql-process.js), and starts them anew when they die or are killed.
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
  const { parseMsMax, flags } = limits;
  const processes = { entry, snapshots, flags, functions, after };
  const lanes = new ParserLanes((events) => new ParserProcess(processes, events), { parseMsMax, after });
  let nextId = 1;

  function ask(
    request: Asked['request'],
    catalog: KqlCatalog,
    caller = '',
    signal?: AbortSignal,
  ): Promise<ParserReply> {
    signal?.throwIfAborted();
    return new Promise<ParserReply>((resolve, reject) => {
      const abandon = (): void => {
        lanes.abandon(request.id);
        reject(reasonOf(signal));
      };
      signal?.addEventListener('abort', abandon, { once: true });
      const over = (): void => signal?.removeEventListener('abort', abandon);
      lanes.ask({
        ...{ request, catalog, caller },
        resolve: (reply) => {
          over();
          resolve(reply);
        },
        reject: (error) => {
          over();
          reject(error);
        },
      });
    });
  }

  async function request(
    k: 'query' | 'command' | 'graph',
    text: string,
    database: string,
    catalog: KqlCatalog,
    { bestEffort, naming, told, caller, signal }: CompileOptions = {},
  ): Promise<ParserReply> {
    if (text.length > limits.textMax)
      throw new KqlError('limits', `The text is longer than ${limits.textMax} characters.`);
    const asked = { ...(bestEffort && { bestEffort }), ...(naming && { naming }), ...(told && { told }) };
    const body = { k, text, database, catalogVersion: catalog.version, ...asked } as const;
    const reply = await ask({ id: nextId++, ...body }, catalog, caller, signal);
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
    ready: () => lanes.ready(),
    stop: () => lanes.stop(),
  };
}

const withPrograms = (command: ParsedCommand): ParsedCommand => ({
  ...command,
  ...(command.query && { query: withRecordFacts(command.query) }),
  ...(command.pipe && { pipe: withRecordFacts(command.pipe) }),
});

const reasonOf = (signal: AbortSignal | undefined): Error =>
  signal?.reason instanceof Error ? signal.reason : new KqlError('cancelled', 'The query was stopped.');
