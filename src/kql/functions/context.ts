import { KqlError } from '../plan/kql-error.ts';
import { parseJson } from '../sql/native.ts';
import type { FunctionRows, SqlArgument } from '../sql/scope.ts';

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
  // Callers are applications: there are no users, and no groups that one could be a member of.
  current_principal_is_member_of: {
    result: 'bool',
    sql: (args, _call, { ctx }) => {
      const own = (ctx.facts.principal ?? '').toLowerCase();
      const names = args.flatMap(principalNames).map((name) => name.toLowerCase());
      // The tenant of the caller may be left out.
      const isMember = names.some((name) => own !== '' && (name === own || name === own.split(';')[0]));
      return ctx.bind(isMember, 'BOOLEAN');
    },
  },
  new_guid: { result: 'guid', isRandom: true, sql: () => 'uuid()' },
};

/** @throws KqlError for what is not written down in the query, which the service does not take either */
function principalNames({ expression }: SqlArgument): readonly string[] {
  const isLiteral = expression.k === 'literal' && (expression.type === 'string' || expression.type === 'dynamic');
  const value = isLiteral && typeof expression.value === 'string' ? expression.value : undefined;
  const named: unknown = isLiteral && expression.type === 'dynamic' ? parseJson(value) : value;
  const names: readonly unknown[] = Array.isArray(named) ? named : [named];
  if (!names.every((name) => typeof name === 'string'))
    throw new KqlError('semantic', 'current_principal_is_member_of() takes string literals, or an array of them.');
  return names;
}
