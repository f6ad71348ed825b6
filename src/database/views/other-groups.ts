import { invariant } from '../../base/invariant.ts';
import type { ViewWindow } from '../../kql/plan/view-lookback.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { lookbackOf } from '../catalog/view-facts.ts';
import type { WrittenExtent } from '../extents/extent-writer.ts';
import { collect } from '../extents/collect.ts';
import { openTable } from '../extents/table-sources.ts';
import type { TableStore } from '../extents/table-store.ts';
import { columnName, ingestionColumn } from '../extents/tail-table.ts';

/** The rows of an extent of a view whose groups are not among those of another extent, with the age that they have: an extent that no commit
 * names yet.
 * @param changed groups as they are with new rows; of a view with a lookback `window` tells from when until when these are: rows that are
 * further away from them are others, too
 * @returns `all`: it has no row of these groups; undefined: it has no other */
export async function otherGroups(
  store: TableStore,
  view: ViewRecord,
  extent: ExtentRecord,
  { changed, window }: { readonly changed: ExtentRecord; readonly window: ViewWindow | undefined },
): Promise<WrittenExtent | 'all' | undefined> {
  const keys = view.columns.filter(({ name }) => view.view.keys.includes(name)).map(({ columnId }) => columnId);
  const near = reachOf(view, window);
  if (keys.some((key) => isApart(extent, changed, key)) || (near !== undefined && isBeyond(extent, near))) return 'all';
  const { files, connect, catalog, writer } = store.parts;
  const open = (one: ExtentRecord) =>
    openTable({
      ...{ files, connect, keys: () => catalog.keys },
      snapshot: () => ({ table: view, extents: [one], segments: [] }),
    });
  const old = await open(extent);
  try {
    const replaced = await open(changed);
    try {
      const same = [
        ...keys.map(columnName).map((key) => `earlier.${key} IS NOT DISTINCT FROM changed.${key}`),
        ...(near === undefined ? [] : [nearSql(near)]),
      ];
      const names = [ingestionColumn, ...view.columns].map(({ columnId }) => columnName(columnId)).join(', ');
      const others = `SELECT ${names} FROM (SELECT * FROM ${old.sql}) AS earlier
        WHERE NOT EXISTS (SELECT 1 FROM (SELECT * FROM ${replaced.sql}) AS changed WHERE ${same.join(' AND ')})`;
      return await store.withConnection(async (connection) => {
        const [row] = await collect(connection, `SELECT count(*)::DOUBLE FROM (${others})`);
        if (Number(row?.[0]) === extent.rowCount) return 'all';
        const { tableId, originalBytes, minCreatedOn, maxCreatedOn, tags, ingestedAt, ingestedTo } = extent;
        const last = ingestedAt ?? ingestedTo;
        const facts = { tableId, originalBytes, minCreatedOn, maxCreatedOn, tags };
        return writer.write(connection, { sql: others, bound: [] }, view, {
          ...facts,
          ...(last !== undefined && { ingestedTo: last }),
        });
      });
    } finally {
      replaced.release();
    }
  } finally {
    old.release();
  }
}

/** Whether what is known of a key tells that no group is in both. Groups without a value are not in the ranges. */
function isApart(left: ExtentRecord, right: ExtentRecord, key: number): boolean {
  const [one, other] = [left.ranges[key], right.ranges[key]];
  if (one === undefined || other === undefined || left.nulls?.[key] !== 0 || right.nulls?.[key] !== 0) return false;
  return BigInt(one[1]) < BigInt(other[0]) || BigInt(other[1]) < BigInt(one[0]);
}

/** What a lookback takes in, in ticks; `range` is absent where no new row has a time. */
interface Reach {
  readonly column: number;
  readonly range: readonly [bigint, bigint] | undefined;
}

function reachOf(view: ViewRecord, window: ViewWindow | undefined): Reach | undefined {
  const lookback = lookbackOf(view.view);
  if (lookback === undefined || window === undefined) return undefined;
  const column = view.columns.find(({ name }) => name === lookback.column)?.columnId;
  invariant(column !== undefined, 'a lookback goes by a state of the view');
  const ticks = BigInt(lookback.ticks);
  return { column, range: window === null ? undefined : [BigInt(window[0]) - ticks, BigInt(window[1]) + ticks] };
}

/** As `byLookback` has it. */
function nearSql({ column, range }: Reach): string {
  const time = `earlier.${columnName(column)}`;
  return `(${time} IS NULL${range === undefined ? '' : ` OR ${time} BETWEEN ${range[0]} AND ${range[1]}`})`;
}

/** Whether what is known of the times tells that no row is near. */
function isBeyond({ ranges, nulls }: ExtentRecord, { column, range }: Reach): boolean {
  const own = ranges[column];
  if (nulls?.[column] !== 0) return false;
  return range === undefined || (own !== undefined && (BigInt(own[1]) < range[0] || BigInt(own[0]) > range[1]));
}
