import type { FunctionRows } from '../scope.ts';

/** Functions of the request, not of the data. */
export const contextFunctions: FunctionRows = {
  current_database: { result: 'string', sql: (_args, _call, { ctx }) => ctx.bind(ctx.facts.database, 'VARCHAR') },
  current_cluster_endpoint: {
    result: 'string',
    sql: (_args, _call, { ctx }) => ctx.bind(ctx.facts.cluster, 'VARCHAR'),
  },
  current_principal: {
    result: 'string',
    sql: (_args, _call, { ctx }) => ctx.bind(ctx.facts.principal ?? '', 'VARCHAR'),
  },
  new_guid: { result: 'guid', sql: () => 'uuid()' },
};
