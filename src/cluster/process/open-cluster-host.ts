import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { availableParallelism, totalmem } from 'node:os';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { openEngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { createEngineThreads } from '../../kql/threads/engine-threads.ts';
import { createKqlParser } from '../../kql/parser/parser-client.ts';
import { createQueryEngine } from '../../kql/query-engine.ts';
import type { QueryEngine } from '../../kql/query-engine.ts';
import type { Language } from '../../kql/sql/scope.ts';
import { functionFacts, languageWith, nativesOf } from '../../kql/language.ts';
import { memoryDirectory } from '../../encryption/extent-files/memory-file.ts';
import type { StartTimer } from '../../http/timer.ts';
import type { Log } from '../../http/logging.ts';
import type { NoteCacheUse } from '../../storage/cache-use.ts';
import type { AskAccess } from '../../storage/placed-blobs.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import type { DataHolder } from './data-holder.ts';
import type { DataParts } from './data-parts.ts';
import { DataUnavailableError } from './data-holder.ts';
import type { DataPlaneSettings } from '../messages/supervisor-calls.ts';
import { giveWay, yieldToOthers } from './thread-priority.ts';
import type { ClusterHost } from '../data-plane/cluster-host.ts';
import { kustoError } from '../data-plane/errors/kusto-error.ts';

/** A third of the share of a process at 0, when both want the processor. */
const queryNiceness = 5;

/** Texts longer than 2 million characters belong into a table. Parsing has its own limit of time, besides that of the whole request. */
const parserLimits = { textMax: 2_000_000, parseMsMax: 20_000 };

/** Queries that would hold up others have a thread each; when so many have one, the next waits. */
const queryThreadsMax = 4;
const queryThreadIdleMs = 20_000;

/** Starts the engine and its parser in the background: the first query waits for them. */
export function openClusterHost(options: {
  readonly settings: DataPlaneSettings;
  readonly data: DataHolder;
  readonly blobs: BlobPlace | undefined;
  readonly containerAccess: AskAccess;
  readonly cacheUsed: NoteCacheUse;
  readonly startTimer: StartTimer;
  readonly log: Log;
}): ClusterHost {
  const { settings, data, blobs, containerAccess, log } = options;
  const language = languageWith(settings.geoipDatabase);
  const parser = createKqlParser({
    entry: settings.parserScript,
    snapshots: settings.parserSnapshots,
    limits: parserLimits,
    functions: functionFacts,
    after: options.startTimer,
  });
  parser.ready().catch((error: unknown) => log.failure('parser not started', error));
  // A heavy query gives way to the vault and to other clusters. Threads inherit it from the one that starts them, so now.
  giveWay(queryNiceness);
  const threads = createEngineThreads({
    scripts: {
      engine: join(dirname(settings.parserScript), 'engine-thread.js'),
      functions: join(dirname(settings.parserScript), 'function-thread.js'),
    },
    threads: availableParallelism(),
    memoryLimit: mebibytes(memoryLimit() / 8),
    heapMiB: heapMiB(memoryLimit()),
    geoipDatabase: settings.geoipDatabase,
    threadsMax: queryThreadsMax,
    idleMs: queryThreadIdleMs,
    after: options.startTimer,
    onStarted: yieldToOthers,
  });
  const opened = openEngine(language).then(async (database) => {
    const queries = createQueryEngine({ parser, database, threads, memoryBytes: memoryLimit() / 2, language });
    if (blobs !== undefined) {
      data.serveWith({
        endpoint: settings.hosts[0] ?? settings.clusterName,
        blobs: await blobsAt(blobs, containerAccess).open(options.cacheUsed),
        engine: database,
        queries,
        ...memoryForExtents(settings.memoryDirectory),
        hot: { bytesMax: hotBytesMax() },
      });
    }
    return queries;
  });
  opened.catch((error: unknown) => log.failure('engine not opened', error));
  const engine: QueryEngine = {
    execute: async (request) => (await opened).execute(request),
    parseCommand: async (command) => (await opened).parseCommand(command),
    executeProgram: async (source, request, rows) => (await opened).executeProgram(source, request, rows),
    programOf: (request) => ({ compile: async (told) => (await opened).programOf(request).compile(told) }),
    prepareRows: async (source, request) => (await opened).prepareRows(source, request),
    compileGraph: async (model, database, catalog) => (await opened).compileGraph(model, database, catalog),
  };
  return {
    clusterName: settings.clusterName,
    engine,
    data: async () => {
      await opened;
      try {
        return await data.data();
      } catch (error) {
        if (error instanceof DataUnavailableError) throw kustoError('unavailable', error.message);
        throw error;
      }
    },
    tell: (now) => data.tell(now),
    asking: () => data.asking(),
  };
}

/** Queries never spill: what DuckDB would write to a file in memory is memory as well, but a file stays when this process is killed,
 * and nothing may be left of a cluster whose key is gone. */
function openEngine(language: Language): Promise<EngineDatabase> {
  // A thread of the engine's for each processor, besides whoever asks.
  const options = { threads: availableParallelism() + 1, memoryLimit: mebibytes(memoryLimit() / 2 + hotBytesMax()) };
  return openEngineDatabase(options, nativesOf(language));
}

/** Of what the engine may have, a ninth; queries have half of the memory there is. */
const hotBytesMax = (): number => Math.floor(memoryLimit() / 16);

const mebibytes = (bytes: number): string => `${Math.max(256, Math.floor(bytes / 1024 ** 2))}MiB`;

/** Four threads may fill all memory that there is only where that is little; of much, none needs more. */
const heapMiB = (bytes: number): number => Math.min(2_048, Math.max(512, Math.floor(bytes / 4 / 1024 ** 2)));

/** Of this machine or of the container around us. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/** Opened extents are files in memory: an eighth of what there is may stay, a quarter may be in use. */
function memoryForExtents(
  directory: string | undefined,
): Pick<DataParts, 'cacheBytesMax' | 'openBytesMax' | 'memoryDirectory'> {
  const room = statfsSync(directory ?? memoryDirectory);
  const bytes = Math.min(room.bavail * room.bsize, memoryLimit());
  return {
    cacheBytesMax: Math.floor(bytes / 8),
    openBytesMax: Math.floor(bytes / 4),
    ...(directory === undefined ? {} : { memoryDirectory: directory }),
  };
}
