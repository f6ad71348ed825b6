import { parentPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import { machineTime } from '../../clock/host-time.ts';
import type { ColumnValues, EngineConnection } from '../duckdb/engine-database.ts';
import { openEngineDatabase, stagingType } from '../duckdb/engine-database.ts';
import { KeptStages } from '../kept-stages.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Session } from '../session.ts';
import { beginSession, resultChunks, resultStatement } from '../session.ts';
import type { TableSource } from '../sql/context.ts';
import { languageWith, nativesOf } from '../language.ts';
import type {
  ThreadCalls,
  ThreadMessage,
  ThreadOperation,
  ThreadReplies,
  ThreadReply,
  ThreadSettings,
} from './thread-protocol.ts';
import { LimitedMemory } from './limited-memory.ts';
import { remoteNatives } from './remote-natives.ts';
import { sentError } from './thread-protocol.ts';
import { WorkState } from './work-state.ts';

// A thread with an engine of its own, for one query at a time. Nobody else waits for it, so its functions in JavaScript, which another
// thread does for it, and operators that walk rows may take long.

const port = parentPort;
invariant(port !== null, 'an engine thread is started by the engine');
const settings = workerData as ThreadSettings;
const language = languageWith(settings.geoipDatabase);
const { threads, memoryLimit, shared } = settings;
const state = new WorkState(shared);
const callNatives = remoteNatives(settings.port, state);
const database = await openEngineDatabase(
  { threads, memoryLimit, limitsChange: true, stopping: state, callNatives },
  nativesOf(language),
);

let connection: EngineConnection | undefined;
let session: Session | undefined;
let kept = new KeptStages();
let limited: LimitedMemory | undefined;
/** The engine has fewer threads than usual, for this query. */
let hasFewer = false;
const setThreads = (on: EngineConnection, count: number): Promise<void> => on.run(`SET GLOBAL threads=${count}`);
const streams = new Map<number, AsyncGenerator<readonly ColumnValues[]>>();
let lastStream = 0;

function connected(): EngineConnection {
  invariant(connection !== undefined, 'a thread is opened before it is used');
  return connection;
}

function begun(): Session {
  invariant(session !== undefined, 'a program has begun before its results are read');
  return session;
}

function started(chunks: AsyncGenerator<readonly ColumnValues[]>): number {
  streams.set((lastStream += 1), chunks);
  return lastStream;
}

const operations: {
  readonly [Operation in ThreadOperation]: (
    body: ThreadCalls[Operation],
  ) => ThreadReplies[Operation] | Promise<ThreadReplies[Operation]>;
} = {
  open: async () => {
    connection = await database.connect();
    return null;
  },
  makeTable: async ({ table, columns }) => {
    const definitions = columns.map(({ name, type }) => `${name} ${stagingType(type)}`);
    await connected().run(`CREATE TEMP TABLE ${table} (${definitions.join(', ')})`);
    return null;
  },
  fillTable: async ({ table, types, columns }) => {
    await connected().append(table, types, columns);
    return null;
  },
  begin: async ({ program, facts, tables, command, kept: before, memoryBytes, threadsPercent }) => {
    if (memoryBytes !== undefined) {
      limited ??= new LimitedMemory(connected(), memoryBytes, memoryLimit);
      await limited.begin(program);
    }
    if (threadsPercent !== undefined && !hasFewer) {
      // As many as there are is a limit, too: one is the least.
      hasFewer = true;
      await setThreads(connected(), Math.max(1, Math.floor((threads * threadsPercent) / 100)));
    }
    if (before !== undefined) kept = new KeptStages(before);
    const sources = new Map(
      [...tables].map(([key, { sql, extentSql, columns }]): [string, TableSource] => [
        key,
        { sql, columns, ...(extentSql !== undefined && { extentSql: () => extentSql }) },
      ]),
    );
    session = await beginSession(
      program,
      { facts, language, connection: connected(), tables: sources, kept, signal: undefined },
      command,
    );
    return null;
  },
  startResult: ({ index }) => started(resultChunks(begun(), index).chunks),
  startStream: ({ sql, bound }) => started(connected().stream(sql, bound)),
  next: async ({ stream }) => {
    const next = await streams.get(stream)?.next();
    if (next?.done !== false) streams.delete(stream);
    return next?.done === false ? next.value : undefined;
  },
  endStream: async ({ stream }) => {
    await streams.get(stream)?.return(undefined);
    streams.delete(stream);
    return null;
  },
  statement: ({ index, wrapping }) => resultStatement(begun(), index, wrapping),
  run: async ({ sql, bound }) => {
    await connected().run(sql, bound);
    return null;
  },
  close: async () => {
    streams.clear();
    session = undefined;
    kept = new KeptStages();
    connection?.close();
    connection = undefined;
    // What ended the query would end a statement of the same connection, too.
    await limited?.end(database);
    limited = undefined;
    if (hasFewer) {
      const again = await database.connect();
      await setThreads(again, threads);
      again.close();
      hasFewer = false;
    }
    return null;
  },
};

const post = (reply: ThreadReply): void => port.postMessage(reply);

async function serve<Operation extends ThreadOperation>(
  id: number,
  operation: Operation,
  body: ThreadCalls[Operation],
): Promise<void> {
  try {
    if (operation !== 'close' && state.isCancelled) throw new KqlError('cancelled', 'The query was stopped.');
    post({ k: 'reply', id, body: await operations[operation](body) });
  } catch (error) {
    post({ k: 'failed', id, error: sentError(limited?.explained(error) ?? error) });
  }
}

/** An interrupt that comes a moment before a statement begins is lost, so there is another. */
function interrupt(): void {
  if (!state.isCancelled) return;
  connection?.interrupt();
  machineTime.startTimer(interruptEveryMs, interrupt);
}
const interruptEveryMs = 100;

/** One call after the other: what is told to end comes to its end before the connection is closed. */
let last = Promise.resolve();

port.on('message', (message: ThreadMessage) => {
  if (message.k === 'call') last = last.then(() => serve(message.id, message.operation, message.body as never));
  else if (message.k === 'interrupt') interrupt();
  else {
    database.close();
    post({ k: 'ended' });
  }
});
post({ k: 'ready' });
