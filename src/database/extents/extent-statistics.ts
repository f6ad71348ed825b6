import type { ExtentRecord } from '../catalog/records.ts';
import type { ScanRange, SummaryUse, TableUses } from '../../kql/scan-ranges.ts';
import type { KnownRows } from '../../kql/summaries.ts';
import type { StoredColumn } from './tail-table.ts';

export interface ReadableColumn extends StoredColumn {
  readonly name: string;
}

type Statistics = Pick<ExtentRecord, 'columnIds' | 'ranges' | 'texts' | 'nulls' | 'rowCount'>;

/** Which extents a query reads, and what the catalog says of the others. An extent is read when any use needs it; it is known to a summary
 * when all of its rows are of the summary, and all that is asked of them is in the record.
 * @returns also, for each summary, what is known of the extents that are not read */
export function plannedReads<Extent extends Statistics>(
  columns: readonly ReadableColumn[],
  extents: readonly Extent[],
  { rows, summaries }: TableUses,
): { readonly wanted: readonly Extent[]; readonly known: readonly KnownRows[] } {
  const wanted: Extent[] = [];
  const known = summaries.map(({ columns: names }) => new Known(names.length));
  for (const extent of extents) {
    const facts = new ExtentFacts(columns, extent);
    const found = summaries.map((use) => summaryOf(facts, use));
    if ((rows !== undefined && facts.mayMatch(rows)) || found.includes('unknown')) wanted.push(extent);
    else
      for (const [index, summary] of found.entries())
        if (typeof summary === 'object') known[index]?.add(extent.rowCount, summary);
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

/** What the record of an extent says of its rows; statistics are exact where there are any. */
class ExtentFacts {
  readonly #columns: readonly ReadableColumn[];
  readonly #extent: Statistics;

  constructor(columns: readonly ReadableColumn[], extent: Statistics) {
    this.#columns = columns;
    this.#extent = extent;
  }

  /** Undefined where nothing is known. */
  range(column: string): Range | 'noValue' | undefined {
    const columnId = this.#idOf(column);
    if (columnId === undefined) return undefined;
    const { columnIds, ranges, nulls, rowCount } = this.#extent;
    // Columns that were added later are null in it; those that can have a range have no other default.
    if (!columnIds.includes(columnId) || nulls?.[columnId] === rowCount) return 'noValue';
    const range = ranges[columnId];
    return range && [BigInt(range[0]), BigInt(range[1])];
  }

  /** Whether it can hold rows inside of all of the ranges. Rows without a value never match a range. */
  mayMatch(ranges: readonly ScanRange[]): boolean {
    return ranges.every(({ column, min, max, texts }) => {
      if (texts !== undefined && !this.#mayHaveText(column, texts)) return false;
      // A column of texts that was added later has empty ones.
      if (min === undefined && max === undefined) return true;
      const range = this.range(column);
      if (range === undefined) return true;
      return range !== 'noValue' && (max === undefined || range[0] <= max) && (min === undefined || range[1] >= min);
    });
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
        this.#extent.nulls?.[this.#idOf(column) ?? -1] !== 0
      )
        return false;
      return (min === undefined || range[0] >= min) && (max === undefined || range[1] <= max);
    });
  }

  #mayHaveText(column: string, texts: readonly string[]): boolean {
    const range = this.#extent.texts?.[this.#idOf(column) ?? -1];
    if (range === undefined) return true;
    const [least, greatest] = range.map((text) => Buffer.from(text));
    return texts.some((text) => {
      const bytes = Buffer.from(text);
      return least !== undefined && greatest !== undefined && bytes.compare(least) >= 0 && bytes.compare(greatest) <= 0;
    });
  }

  #idOf(column: string): number | undefined {
    return this.#columns.find(({ name }) => name === column)?.columnId;
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
