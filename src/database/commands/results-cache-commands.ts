import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow } from './command.ts';
import type { CommandContext, ResultsCacheView } from './command-context.ts';
import { node } from './node.ts';

function cacheOf({ results }: CommandContext): ResultsCacheView {
  if (results === undefined) throw new KqlError('notSupported', 'No results of queries are kept here.');
  return results;
}

/** @see Kusto "Query results cache commands" */
export const resultsCacheCommands: readonly CommandRow[] = [
  {
    kinds: { ShowDatabaseCacheQueryResults: '.show database cache query_results' },
    permission: 'metadata',
    columns: 'NodeId: string, Hits: long, Misses: long, CacheCapacityInBytes: long, UsedBytes: long, Count: long',
    run: (_command, context) => {
      const { databaseId } = context.data.database(context.database);
      const { hits, misses, capacity, used, count } = cacheOf(context).statistics(databaseId);
      return [[node, ...[hits, misses, capacity, used, count].map(BigInt)]];
    },
  },
  {
    kinds: { ClearDatabaseCacheQueryResults: '.clear database cache query_results' },
    permission: 'admin',
    columns: 'NodeId: string, Count: long',
    run: (_command, context) => {
      const { databaseId } = context.data.database(context.database);
      return [[node, BigInt(cacheOf(context).clear(databaseId))]];
    },
  },
];
