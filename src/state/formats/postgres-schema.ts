/** Errors that `commit_group` raises. */
export const commitErrors = {
  /** Records are not as expected; the detail has them as JSON: `[[table, id, version or null], …]`. */
  conflict: 'KU409',
  /** This writer is closed: another has taken over, or it was asked what came of its last commit. */
  closed: 'KU410',
  /** A node that lives does not know the format that is to be written. */
  nodesKnowLess: 'KU426',
  /** A commit would not be durable when it is acknowledged. */
  notDurable: 'KU507',
} as const;

/** What makes a format of the one before (`stateFormats`). Names of tables are found by the connection's search path.
 *
 * `record`: values are sealed, and do not shrink. Half of a page stays free for new versions of its rows.
 * `heartbeat`: of writers that serve, and where other nodes reach them. It tells nothing that has to outlive a crash of the server, and is not logged: a beat costs no wait for the disk.
 * `writer`: one row a connection that commits, with the id of its last commit, and whose it is. Whoever closes it waits for the commit under way, since
 * that holds the row, and none can follow: so what came of it is known for certain.
 *
 * `commit_group` is all or nothing, in one round trip:
 *   writer's row → absent records, in order: made (or, without a value, held by a placeholder) → present ones, locked in order → all
 *   compared → changed. Names that others make or remove at the same time are waited for, in the same order, so nobody waits in a circle. */
export const recordsSql = `
CREATE TABLE record (
  tab text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, version bigint NOT NULL, value bytea NOT NULL,
  PRIMARY KEY (tab, id)
) WITH (fillfactor = 50);
ALTER TABLE record ALTER COLUMN value SET STORAGE EXTERNAL;
CREATE TABLE writer (handle uuid PRIMARY KEY, commit_id uuid, closed boolean NOT NULL DEFAULT false, opened timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION commit_group(
  p_handle uuid, p_commit uuid,
  p_tabs text[], p_ids text[], p_expects bigint[], p_versions bigint[], p_offsets int[], p_lengths int[], p_values bytea
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  wrong jsonb;
BEGIN
  IF current_setting('fsync') <> 'on' OR current_setting('synchronous_commit') = 'off' THEN
    RAISE EXCEPTION 'commits are not durable' USING ERRCODE = '${commitErrors.notDurable}';
  END IF;
  UPDATE writer SET commit_id = p_commit WHERE handle = p_handle AND NOT closed;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'this writer is closed' USING ERRCODE = '${commitErrors.closed}';
  END IF;
  INSERT INTO record (tab, id, version, value)
    SELECT t.tab, t.id, coalesce(t.version, 0), substring(p_values FROM t.at + 1 FOR t.length)
    FROM unnest(p_tabs, p_ids, p_expects, p_versions, p_offsets, p_lengths) AS t(tab, id, expect, version, at, length)
    WHERE t.expect IS NULL ORDER BY t.tab COLLATE "C", t.id COLLATE "C"
    ON CONFLICT (tab, id) DO NOTHING;
  PERFORM 1 FROM unnest(p_tabs, p_ids, p_expects) AS t(tab, id, expect)
    JOIN record r ON r.tab = t.tab AND r.id = t.id
    WHERE t.expect IS NOT NULL ORDER BY r.tab, r.id FOR UPDATE OF r;
  SELECT jsonb_agg(jsonb_build_array(t.tab, t.id, r.version)) INTO wrong
    FROM unnest(p_tabs, p_ids, p_expects) AS t(tab, id, expect)
    LEFT JOIN record r ON r.tab = t.tab AND r.id = t.id
    WHERE CASE WHEN t.expect IS NULL THEN r.xmin <> pg_current_xact_id()::xid ELSE r.version IS DISTINCT FROM t.expect END;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'records are not as expected' USING ERRCODE = '${commitErrors.conflict}', DETAIL = wrong::text;
  END IF;
  UPDATE record r SET version = t.version, value = substring(p_values FROM t.at + 1 FOR t.length)
    FROM unnest(p_tabs, p_ids, p_expects, p_versions, p_offsets, p_lengths) AS t(tab, id, expect, version, at, length)
    WHERE r.tab = t.tab AND r.id = t.id AND t.expect IS NOT NULL AND t.version > 0;
  DELETE FROM record r
    USING unnest(p_tabs, p_ids, p_expects, p_versions) AS t(tab, id, expect, version)
    WHERE r.tab = t.tab AND r.id = t.id AND (t.version = 0 OR (t.expect IS NULL AND t.version IS NULL));
END $$;
`;

export const heartbeatSql = `
ALTER TABLE writer ADD COLUMN node uuid, ADD COLUMN host text;
CREATE UNLOGGED TABLE heartbeat (handle uuid PRIMARY KEY, beats bigint NOT NULL, backend int NOT NULL, begun timestamptz NOT NULL);
`;

export const advertisedSql = `
ALTER TABLE heartbeat ADD COLUMN advertised text;
`;

/** `node`: who serves the state or stands by for it, and which formats it knows. Logged: a state that says who knows less must outlive the server. */
export const nodesSql = `
CREATE TABLE node (
  id uuid PRIMARY KEY, host text NOT NULL, version text NOT NULL, oldest int NOT NULL, newest int NOT NULL, seen timestamptz NOT NULL
);
`;
