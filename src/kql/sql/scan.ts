import type { Sql } from './fragment.ts';
import { joined, sql } from './fragment.ts';
import { asIs, keptIds, selectFrom } from './relation.ts';
import type { Relation, RelationColumn } from './relation.ts';

/** A table read with nothing but conditions on it yet. Conditions written against the source's own columns, in the SELECT that
 * reads them, become filters of the scan (skipped row groups, one evaluation per dictionary entry); behind a renaming layer
 * DuckDB does not push expressions down: 4 s instead of 30 ms for a filter on a JSON property of 10 M rows. */
interface Scan {
  readonly from: string;
  /** Source SQL by internal name. */
  readonly columns: ReadonlyMap<string, string>;
  readonly conditions: readonly Sql[];
}

const scans = new WeakMap<Relation, Scan>();

function scanned(scan: Scan, columns: readonly RelationColumn[]): Relation {
  const outputs = columns.map(({ id }) => ({ id, sql: scan.columns.get(id) ?? 'NULL' }));
  const where =
    scan.conditions.length > 0
      ? sql`WHERE ${joined(
          scan.conditions.map((condition) => sql`(${condition})`),
          ' AND ',
        )}`
      : '';
  const relation: Relation = { sql: selectFrom(scan.from, outputs, where), columns };
  scans.set(relation, scan);
  return relation;
}

export const scanOf = (
  from: string,
  columns: readonly RelationColumn[],
  source: ReadonlyMap<string, string>,
): Relation =>
  scanned(
    { from, columns: new Map(columns.map(({ id, name }) => [id, source.get(name) ?? 'NULL'])), conditions: [] },
    columns,
  );

/** @param compile gives the condition's SQL, column references being what `column` says for an internal name */
export function filtered(relation: Relation, compile: (column: (id: string) => string) => Sql): Relation {
  const scan = scans.get(relation);
  if (scan)
    return scanned(
      { ...scan, conditions: [...scan.conditions, compile((id) => scan.columns.get(id) ?? id)] },
      relation.columns,
    );
  return { ...relation, sql: selectFrom(relation, asIs(keptIds(relation)), sql`WHERE ${compile((id) => id)}`) };
}
