import type { PostgresConnection } from './postgres-connection.ts';

type Query = PostgresConnection['query'];

/** A lock that says something, and keeps nobody out: it ends with the connection of the node that waits, so it never outlives what it says. */
const nameSql = (node: string, key: string): string =>
  `hashtextextended('kustody node ' || ${node} || ' has the root key ' || ${key}, 0)`;

/** Tells others, as long as the connection lasts, that a node has a root key. Whoever can write to the database can say so, too: what it decides is
 * who is waited for, not who may do what.
 * @param key what it is known by in the state, hex */
export const tellRootKey = (query: Query, node: string, key: string): Promise<unknown> =>
  query(`SELECT pg_try_advisory_lock_shared(${nameSql('$1::text', '$2::text')})`, [node, key]);

/** @returns ids of the nodes that do not say that they have all of these root keys: of those that are registered */
export async function nodesWithoutRootKeys(query: Query, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await query(
    `SELECT n.id::text FROM node n WHERE EXISTS (
       SELECT FROM unnest($1::text[]) AS wanted(key), LATERAL (SELECT ${nameSql('n.id::text', 'wanted.key')} AS key) AS lock
       WHERE NOT EXISTS (
         SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND l.classid::bigint = ((lock.key >> 32) & 4294967295) AND l.objid::bigint = (lock.key & 4294967295)))`,
    [keys],
  );
  return new Set(rows.map(([id]) => String(id)));
}
