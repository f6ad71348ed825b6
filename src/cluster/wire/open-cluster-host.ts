import type { ClusterData } from '../../engine/catalog/cluster-data.ts';
import { openEngineDatabase } from '../../engine/duckdb/engine-database.ts';
import { createKqlParser } from '../../engine/kql/parser-client.ts';
import type { QueryEngine } from '../../engine/query-engine.ts';
import { createQueryEngine } from '../../engine/query-engine.ts';
import { nativeFunctions } from '../../engine/sql/native.ts';
import { startSystemTimer } from '../../http/timer.ts';
import type { Log } from '../../http/logging.ts';
import type { DataPlaneSettings } from '../process/protocol.ts';
import type { ClusterHost } from './cluster-host.ts';

/** Starts the engine in the background: the first query waits for it. */
export function openClusterHost(settings: DataPlaneSettings, log: Log): ClusterHost {
  const parser = createKqlParser({
    entry: settings.parserScript,
    limits: { textMax: 2_000_000, parseMsMax: 20_000 },
    after: startSystemTimer,
  });
  const opened = openEngineDatabase({ threads: 2, memoryLimit: '2GB' }, nativeFunctions()).then((database) =>
    createQueryEngine({ parser, database }),
  );
  opened.catch((error: unknown) => log.failure('engine not opened', error));
  void parser.ready();
  const engine: QueryEngine = {
    execute: async (request) => (await opened).execute(request),
    parseCommand: async (...command) => (await opened).parseCommand(...command),
    executeProgram: async (...program) => (await opened).executeProgram(...program),
  };
  const empty = { kqlCatalog: () => ({ version: '1', cluster: settings.clusterName, databases: [{ name: 'db1', tables: [], functions: [] }] }), sources: () => ({ open: () => Promise.reject(new Error('none')) }) };
  return { clusterName: settings.clusterName, engine, data: () => Promise.resolve(empty as unknown as ClusterData) };
}
