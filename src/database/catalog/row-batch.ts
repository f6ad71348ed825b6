import type { ColumnValues } from '../../kql/duckdb/engine-database.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { CatalogDamagedError } from './catalog-seal.ts';

/** Rows of one table, column by column, as typed values (see `ColumnValues`). Strings are never null. */
export interface RowBatch {
  readonly columns: readonly BatchColumn[];
  readonly rowCount: number;
}

export interface BatchColumn {
  readonly columnId: number;
  readonly type: KqlType;
  readonly values: ColumnValues;
}

const bigTypes: ReadonlySet<KqlType> = new Set(['long', 'datetime', 'timespan']);

/** JSON in which 64-bit values and reals that JSON lacks are text. */
export function batchToJson(batch: RowBatch): unknown {
  return {
    n: batch.rowCount,
    c: batch.columns.map(({ columnId, type, values }) => [columnId, type, values.map((value) => toJson(value))]),
  };
}

function toJson(value: ColumnValues[number]): string | number | boolean | null {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value === 'number' && Object.is(value, -0)) return '-0';
  return value;
}

type EncodedColumn = readonly [number, string, readonly (string | number | boolean | null)[]];

/** @throws CatalogDamagedError */
export function batchFromJson(json: unknown): RowBatch {
  const { n, c } = json as { readonly n: number; readonly c: readonly EncodedColumn[] };
  const columns = c.map(([columnId, type, values]): BatchColumn => {
    if (!isKqlType(type) || values.length !== n) throw new CatalogDamagedError('a log record has an unknown form');
    if (bigTypes.has(type))
      return { columnId, type, values: values.map((value) => (typeof value === 'string' ? BigInt(value) : null)) };
    if (type === 'real')
      return { columnId, type, values: values.map((value) => (typeof value === 'string' ? Number(value) : value)) };
    return { columnId, type, values };
  });
  return { columns, rowCount: n };
}
