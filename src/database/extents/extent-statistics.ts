import type { ColumnRange, ExtentPageRecord, ExtentRecord } from '../catalog/records.ts';
import type { ScanRange, SummaryUse, TableUses } from '../../kql/scan-ranges.ts';
import type { KnownRows } from '../../kql/summaries.ts';
import type { StoredColumn } from './tail-table.ts';

export interface ReadableColumn extends StoredColumn {
  readonly name: string;
}

type Statistics = Pick<ExtentRecord, 'columnIds' | 'ranges' | 'texts' | 'nulls' | 'rowCount'> & {
  readonly kind?: 'extent';
};

/** Which extents a query reads, and what the catalog says of the others. An extent is read when any use needs it; it is known to a summary
 * when all of its rows are of the summary, and all that is asked of them is in the record. What holds for a page holds for each of its extents:
 * a page is opened when an extent of it may have to be read.
 * @returns also, for each summary, what is known of the extents that are not read */
export function plannedReads<Extent extends Statistics>(
  columns: readonly ReadableColumn[],
  extents: readonly (Extent | ExtentPageRecord)[],
  { rows, summaries }: TableUses,
  opened: (page: ExtentPageRecord) => readonly Extent[],
): { readonly wanted: readonly Extent[]; readonly known: readonly KnownRows[] } {
  const wanted: Extent[] = [];
  const known = summaries.map(({ columns: names }) => new Known(names.length));
  const ids = new Map(columns.toReversed().map(({ name, columnId }) => [name, columnId]));
  /** @returns whether that was all that is asked of it */
  const isKnown = (statistics: Statistics): boolean => {
    const facts = new ExtentFacts(ids, statistics);
    if (summaries.length === 0) return rows === undefined || !facts.mayMatch(rows);
    const found = summaries.map((use) => summaryOf(facts, use));
    if ((rows !== undefined && facts.mayMatch(rows)) || found.includes('unknown')) return false;
    for (const [index, summary] of found.entries())
      if (typeof summary === 'object') known[index]?.add(statistics.rowCount, summary);
    return true;
  };
  for (const one of extents) {
    if (one.kind !== 'extentPage') {
      if (!isKnown(one)) wanted.push(one);
    } else if (!isKnown(one.facts)) for (const extent of opened(one)) if (!isKnown(extent)) wanted.push(extent);
  }
  return { wanted, known };
}

type Range = readonly [least: bigint, greatest: bigint];
type ExtentSummary = readonly (Range | 'noValue')[] | 'noRow' | 'unknown';

function summaryOf(facts: ExtentFacts, { ranges, columns }: SummaryUse): ExtentSummary {
  if (!facts.mayMatch(ranges)) return 'noRow';
  if (!facts.allMatch(ranges)) return 'unknown';
  const found = columns.map((column) => facts.range(column));
  return found.every((range) => range !== undefined) ? found : 'unknown';
}

/** What the record of an extent says of its rows; statistics are exact where there are any. Of a large table it is asked hundreds of thousands
 * of times: no number is read that decides nothing. */
class ExtentFacts {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #extent: Statistics;

  /** @param ids of columns by their names */
  constructor(ids: ReadonlyMap<string, number>, extent: Statistics) {
    this.#ids = ids;
    this.#extent = extent;
  }

  /** Undefined where nothing is known. */
  range(column: string): Range | 'noValue' | undefined {
    const range = this.#written(column);
    return typeof range === 'object' ? [BigInt(range[0]), BigInt(range[1])] : range;
  }

  #written(column: string): ColumnRange | 'noValue' | undefined {
    const columnId = this.#ids.get(column);
    if (columnId === undefined) return undefined;
    const { columnIds, ranges, nulls, rowCount } = this.#extent;
    // Columns that were added later are null in it; those that can have a range have no other default.
    if (!columnIds.includes(columnId) || nulls?.[columnId] === rowCount) return 'noValue';
    return ranges[columnId];
  }

  /** Whether it can hold rows inside of all of the ranges. Rows without a value never match a range. */
  mayMatch(ranges: readonly ScanRange[]): boolean {
    for (const range of ranges) if (!this.#mayBeIn(range)) return false;
    return true;
  }

  #mayBeIn({ column, min, max, texts }: ScanRange): boolean {
    if (texts !== undefined && !this.#mayHaveText(column, texts)) return false;
    // A column of texts that was added later has empty ones.
    if (min === undefined && max === undefined) return true;
    const range = this.#written(column);
    if (range === undefined) return true;
    if (range === 'noValue') return false;
    return (max === undefined || BigInt(range[0]) <= max) && (min === undefined || BigInt(range[1]) >= min);
  }

  /** Whether all of its rows are inside of all of the ranges, as far as it is known. */
  allMatch(ranges: readonly ScanRange[]): boolean {
    return ranges.every(({ column, min, max, texts, needles }) => {
      const range = this.range(column);
      if (
        texts !== undefined ||
        needles !== undefined ||
        range === undefined ||
        range === 'noValue' ||
        this.#extent.nulls?.[this.#ids.get(column) ?? -1] !== 0
      )
        return false;
      return (min === undefined || range[0] >= min) && (max === undefined || range[1] <= max);
    });
  }

  #mayHaveText(column: string, texts: readonly string[]): boolean {
    const range = this.#extent.texts?.[this.#ids.get(column) ?? -1];
    if (range === undefined) return true;
    const [least, greatest] = range.map((text) => Buffer.from(text));
    return texts.some((text) => {
      const bytes = Buffer.from(text);
      return least !== undefined && greatest !== undefined && bytes.compare(least) >= 0 && bytes.compare(greatest) <= 0;
    });
  }
}

class Known implements KnownRows {
  rowCount = 0n;
  readonly ranges: (Range | undefined)[];

  constructor(columns: number) {
    this.ranges = new Array<undefined>(columns).fill(undefined);
  }

  add(rowCount: number, ranges: readonly (Range | 'noValue')[]): void {
    this.rowCount += BigInt(rowCount);
    for (const [index, range] of ranges.entries()) {
      if (range === 'noValue') continue;
      const before = this.ranges[index] ?? range;
      this.ranges[index] = [range[0] < before[0] ? range[0] : before[0], range[1] > before[1] ? range[1] : before[1]];
    }
  }
}
