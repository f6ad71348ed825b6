import { withoutCursor } from '../plan/cursor-options.ts';
import { KqlError } from '../plan/kql-error.ts';
import { parseJson } from '../sql/native.ts';
import type { RequestFacts } from '../sql/context.ts';
import { cast } from '../sql/convert.ts';
import { sql } from '../sql/fragment.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import { maxDatetimeTicks } from '../values/ticks.ts';

/** Whether a record came before or after a cursor; `''` is before all of them. What comes while the query runs is neither.
 * @see Kusto "Database cursors" */
const cursorTest = (operator: '>' | '<='): FunctionRow => ({
  result: 'bool',
  sql: ([time, cursor], call, { ctx }) => {
    if (!time || !cursor) throw withoutCursor(call.name, call.at);
    const at = sql`coalesce(${time.sql}, 0)`;
    const ticks = sql`CASE WHEN ${cast(cursor, 'string')} = '' THEN -1 ELSE TRY_CAST(${cast(cursor, 'string')} AS BIGINT) END`;
    const until = ctx.bind(ctx.facts.cursor ?? maxDatetimeTicks, 'BIGINT');
    return sql`coalesce(${at} ${operator} ${ticks} AND ${at} <= ${until}, false)`;
  },
});

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
  current_principal_is_member_of: {
    result: 'bool',
    sql: (args, _call, { ctx }) => {
      const { principal = '', memberOf = [] } = ctx.facts;
      const own = [principal, ...memberOf].filter((name) => name !== '').map((name) => name.toLowerCase());
      const names = args.flatMap(principalNames).map((name) => name.toLowerCase());
      // The tenant of the caller may be left out.
      const isMember = names.some((name) => own.some((one) => name === one || name === one.split(';')[0]));
      return ctx.bind(isMember, 'BOOLEAN');
    },
  },
  current_principal_details: {
    result: 'dynamic',
    sql: (_args, _call, { ctx }) => ctx.bind(detailsOf(ctx.facts), 'VARCHAR'),
  },
  /** The newest records of the database that are read: others may come while the query runs. */
  cursor_current: {
    result: 'string',
    aliases: ['current_cursor'],
    sql: (_args, _call, { ctx }) => ctx.bind(String(ctx.facts.cursor ?? 0n), 'VARCHAR'),
  },
  cursor_after: cursorTest('>'),
  cursor_before_or_at: cursorTest('<='),
  new_guid: { result: 'guid', isRandom: true, sql: () => 'uuid()' },
};

/** As the service's page shows it of a user; an application has no name to sign in with. Nobody signs in here by more than one factor.
 * @returns null where the cluster itself asks
 * @see Kusto "current_principal_details()" */
function detailsOf({ principal = '', principalDetails, memberOf = [] }: RequestFacts): string | null {
  if (principalDetails === undefined) return null;
  const { objectId, tenantId, displayName } = principalDetails;
  const isUser = principal.startsWith('aaduser=');
  const name = isUser ? memberOf.find((one) => one.startsWith('aaduser='))?.slice('aaduser='.length) : undefined;
  const [appId = ''] = principal.replace(/^aadapp=/, '').split(';');
  return JSON.stringify({
    UserPrincipalName: name ?? null,
    IdentityProvider: 'https://sts.windows.net',
    Authority: tenantId,
    Mfa: 'False',
    Type: isUser ? 'AadUser' : 'AadApp',
    DisplayName: `${displayName} (${isUser ? `upn: ${name ?? ''}` : `app id: ${appId}`})`,
    ObjectId: objectId,
    FQN: null,
    Notes: null,
  });
}

/** @throws KqlError for what is not written down in the query, which the service does not take either */
function principalNames({ expression }: SqlArgument): readonly string[] {
  const isLiteral = expression.k === 'literal' && (expression.type === 'string' || expression.type === 'dynamic');
  const value = isLiteral && typeof expression.value === 'string' ? expression.value : undefined;
  const named: unknown = isLiteral && expression.type === 'dynamic' ? parseJson(value) : value;
  const names: readonly unknown[] = Array.isArray(named) ? named : [named];
  if (!names.every((name) => typeof name === 'string'))
    throw new KqlError('semantic', 'current_principal_is_member_of() takes string literals, or an array of them.');
  // To say that nobody is in a group that nobody here can look up would open what `not(…)` keeps from it.
  const group = names.find((name) => /^aadgroup=/i.test(name) && !/^aadgroup=[\da-f-]{36}(;|$)/i.test(name));
  if (group !== undefined)
    throw new KqlError(
      'notSupported',
      `The group '${group.slice(0, 200)}' is not supported: groups are named by their object ids.`,
    );
  return names;
}
