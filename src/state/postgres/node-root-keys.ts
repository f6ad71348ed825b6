import type { RegisteredNode } from '../formats/state-formats.ts';
import { isLive } from '../formats/state-formats.ts';
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

/** @param registered all of them
 * @param keys what they are known by in this state
 * @returns those that live and do not say that they have all of these root keys, but for the one that asks */
export async function nodesWithoutRootKeys(
  query: Query,
  registered: Promise<readonly RegisteredNode[]>,
  keys: readonly string[],
): Promise<readonly RegisteredNode[]> {
  const nodes = await registered;
  const rows = await query(
    `SELECT n.id::text FROM node n WHERE EXISTS (
       SELECT FROM unnest($1::text[]) AS wanted(key), LATERAL (SELECT ${nameSql('n.id::text', 'wanted.key')} AS key) AS lock
       WHERE NOT EXISTS (
         SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND l.classid::bigint = ((lock.key >> 32) & 4294967295) AND l.objid::bigint = (lock.key & 4294967295)))`,
    [keys],
  );
  const without = new Set(rows.map(([id]) => String(id)));
  return nodes.filter((node) => !node.serves && isLive(node) && without.has(node.id ?? ''));
}
