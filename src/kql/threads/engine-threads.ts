import type { ColumnValues } from '../duckdb/engine-database.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { ApartProgram, ApartRequest, ApartSession, EngineThreads } from '../apart-session.ts';
import type { ThreadEvents, ThreadLimits, ThreadScripts } from './thread-client.ts';
import { ThreadClient } from './thread-client.ts';
import type { ThreadCalls, ThreadOperation, ThreadReplies, ThreadSettings } from './thread-protocol.ts';

export interface EngineThreadsOptions extends Omit<ThreadSettings, 'shared' | 'port'>, ThreadLimits {
  readonly scripts: ThreadScripts;
  /** So many at the same time; other queries wait for one of them. */
  readonly threadsMax: number;
  /** A thread that nobody has needed for so long ends, with its memory. */
  readonly idleMs: number;
  readonly after: (ms: number, act: () => void) => () => void;
  readonly onStarted?: () => void;
  /** See `ThreadEvents`. */
  readonly onEnded?: ThreadEvents['ended'];
}

interface WaitingQuery {
  readonly take: (thread: ThreadClient) => void;
  readonly fail: (error: KqlError) => void;
}

/** Threads for queries that would hold up others. A thread has one query at a time, for as long as that takes. */
export function createEngineThreads(options: EngineThreadsOptions): EngineThreads {
  const threads = new Set<ThreadClient>();
  const idle = new Map<ThreadClient, () => void>();
  const waiting: WaitingQuery[] = [];
  let isClosed = false;

  const start = (): ThreadClient => {
    const { scripts, threads: count, memoryLimit, heapMiB, geoipDatabase, onEnded } = options;
    const started: ThreadClient = new ThreadClient(
      scripts,
      { threads: count, memoryLimit, heapMiB, geoipDatabase },
      {
        ready: () => options.onStarted?.(),
        gone: () => {
          threads.delete(started);
          idle.get(started)?.();
          idle.delete(started);
          const next = isClosed ? undefined : waiting.shift();
          next?.take(start());
        },
        ...(onEnded && { ended: onEnded }),
      },
    );
    threads.add(started);
    return started;
  };

  const release = (thread: ThreadClient): void => {
    if (thread.gone) return;
    if (thread.isSpent) return void thread.end();
    thread.uncancel();
    const next = waiting.shift();
    if (next !== undefined) next.take(thread);
    else if (isClosed) void thread.end();
    else {
      const cancelTimer = options.after(options.idleMs, () => {
        idle.delete(thread);
        void thread.end();
      });
      idle.set(thread, cancelTimer);
    }
  };

  const acquire = (signal: AbortSignal | undefined): Promise<ThreadClient> => {
    if (isClosed) return Promise.reject(new KqlError('internal', 'The engine is closed.'));
    for (const [thread, cancelTimer] of idle) {
      cancelTimer();
      idle.delete(thread);
      return Promise.resolve(thread);
    }
    if (threads.size < options.threadsMax) return Promise.resolve(start());
    return new Promise((resolve, reject) => {
      const query: WaitingQuery = { take: resolve, fail: reject };
      waiting.push(query);
      signal?.addEventListener(
        'abort',
        () => {
          const place = waiting.indexOf(query);
          if (place < 0) return;
          waiting.splice(place, 1);
          reject(reasonOf(signal));
        },
        { once: true },
      );
    });
  };

  return {
    begin: async (request) => {
      request.signal?.throwIfAborted();
      const thread = await acquire(request.signal);
      const session = new Session(thread, request, () => release(thread));
      try {
        await session.open();
        return session;
      } catch (error) {
        session.close();
        throw error;
      }
    },
    close: async () => {
      isClosed = true;
      for (const { fail } of waiting.splice(0)) fail(new KqlError('internal', 'The engine is closed.'));
      for (const cancelTimer of idle.values()) cancelTimer();
      await Promise.all([...idle.keys()].map((thread) => thread.end()));
      idle.clear();
    },
  };
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new KqlError('cancelled', 'The query was stopped.');

class Session implements ApartSession {
  readonly #thread: ThreadClient;
  readonly #request: ApartRequest;
  readonly #release: () => void;
  /** Tables of the engine. */
  readonly #copied = new Set<string>();
  #isClosed = false;

  constructor(thread: ThreadClient, request: ApartRequest, release: () => void) {
    this.#thread = thread;
    this.#request = request;
    this.#release = release;
    request.signal?.addEventListener('abort', this.#abort);
  }

  readonly #abort = (): void => this.#thread.cancel();

  async open(): Promise<void> {
    await this.#call('open', {});
  }

  async begin({ program, facts, tables, kept, tails = [], memoryBytes, threadsPercent }: ApartProgram): Promise<void> {
    const { command } = this.#request;
    for (const tail of [...tails, ...[...tables.values()].flatMap((table) => table.tails ?? [])]) {
      const { table, columns } = tail;
      if (this.#copied.has(table)) continue;
      this.#copied.add(table);
      await this.#call('makeTable', { table, columns });
      const types = columns.map(({ type }) => type);
      for await (const chunk of tail.rows()) await this.#call('fillTable', { table, types, columns: chunk });
    }
    const sent = new Map(
      [...tables].map(
        ([key, { sql, extentSql, columns }]) => [key, { sql, extentSql: extentSql?.(), columns }] as const,
      ),
    );
    await this.#call('begin', { program, facts, tables: sent, command, kept, memoryBytes, threadsPercent });
  }

  async *chunks(index: number): AsyncGenerator<readonly ColumnValues[]> {
    yield* this.#stream(await this.#call('startResult', { index }));
  }

  statement(index: number, wrapping: boolean): Promise<ThreadReplies['statement']> {
    return this.#call('statement', { index, wrapping });
  }

  readonly connection: ApartSession['connection'] = {
    run: async (sql, bound = []) => {
      await this.#call('run', { sql, bound });
    },
    stream: (sql, bound) => this.#opened(sql, bound),
  };

  async *#opened(sql: string, bound: ThreadCalls['startStream']['bound']): AsyncGenerator<ColumnValues[]> {
    for await (const chunk of this.#stream(await this.#call('startStream', { sql, bound }))) yield [...chunk];
  }

  async *#stream(stream: number): AsyncGenerator<readonly ColumnValues[]> {
    let isOver = false;
    try {
      for (;;) {
        const chunk = await this.#call('next', { stream }).catch((error: unknown) => {
          isOver = true;
          throw error;
        });
        isOver = chunk === undefined;
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      if (!isOver && !this.#isClosed) await this.#call('endStream', { stream });
    }
  }

  /** Whoever is told to stop does not wait for the thread, which may be in the middle of a function. */
  async #call<Operation extends ThreadOperation>(
    operation: Operation,
    body: ThreadCalls[Operation],
  ): Promise<ThreadReplies[Operation]> {
    const { signal } = this.#request;
    if (this.#isClosed) throw new KqlError('cancelled', 'The query is over.');
    if (signal === undefined) return this.#thread.call(operation, body);
    if (signal.aborted) throw reasonOf(signal);
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_resolve, reject) => {
      onAbort = () => reject(reasonOf(signal));
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([this.#thread.call(operation, body), aborted]);
    } finally {
      if (onAbort) signal.removeEventListener('abort', onAbort);
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#thread.cancel(); // what nobody reads any more
    this.#thread
      .call('close', {})
      .then(this.#release, () => undefined)
      .finally(() => this.#request.signal?.removeEventListener('abort', this.#abort));
  }
}
