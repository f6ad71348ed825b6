import { ticksPerDay } from '../../kql/values/ticks.ts';
import type { ScanRange } from '../../kql/scan-ranges.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { isWhole, resolutionOf } from '../catalog/datetime-pattern.ts';
import { afterUnit } from '../catalog/datetime-units.ts';
import type { TimeUnit } from '../catalog/datetime-units.ts';
import type { ExternalPartition } from '../catalog/external-table.ts';
import type { PartitionValue, PartitionValues, PathFormat } from '../catalog/path-format.ts';
import { binSize } from '../catalog/path-format.ts';

/** What a query looks for, one list for each use; every list alone is enough to read a file. */
export type Wanted = readonly (readonly ScanRange[])[];

export const wantedOf = ({ rows, summaries }: TableUses): Wanted => [
  ...(rows === undefined ? [] : [rows]),
  ...summaries.map(({ ranges }) => ranges),
];

/** Whether a file whose path says these values can have rows that are wanted. */
export const mayBeWanted = (format: PathFormat, values: PartitionValues, wanted: Wanted): boolean =>
  wanted.some((ranges) => ranges.every((range) => format.every((part) => mayHold(part, values, range))));

function mayHold(part: PathFormat[number], values: PartitionValues, { column, min, max, texts }: ScanRange): boolean {
  if (typeof part === 'string' || columnOf(part.partition) !== column) return true;
  const value = values.get(part.partition.name) ?? null;
  // The path says nothing of such a value.
  if (value === null || value === '' || part.partition.of?.call?.toLowerCase() === 'hash') return true;
  if (typeof value === 'string') return texts?.includes(value) ?? true;
  const { pattern } = part;
  if (pattern === undefined || !isWhole(pattern)) return true;
  if (part.partition.of === undefined)
    return (min === undefined || value >= min) && (max === undefined || value <= max);
  const end = endOf(part.partition, value, resolutionOf(pattern));
  return (min === undefined || end > min) && (max === undefined || value <= max);
}

const columnOf = ({ name, of }: ExternalPartition): string => of?.column ?? name;

/** Before it lie all moments that a partition has a path for, which says when their time begins to some resolution. */
function endOf({ of }: ExternalPartition, value: bigint, resolution: TimeUnit): bigint {
  const said = afterUnit(resolution, value);
  const call = of?.call?.toLowerCase();
  const own = call === undefined ? value : endOfCall(call, of?.argument, value);
  if (call === undefined || own <= value) return said;
  const isInside =
    call !== 'startofweek' && (call !== 'bin' || (ticksPerDay % (own - value) === 0n && said - value >= own - value));
  // The path is exact to its resolution: of what is longer it says the beginning.
  if (own >= said) return own;
  return isInside ? said : said + (own - value);
}

function endOfCall(call: string, argument: string | undefined, value: bigint): bigint {
  switch (call) {
    case 'startofyear':
      return afterUnit('year', value);
    case 'startofmonth':
      return afterUnit('month', value);
    case 'startofweek':
      return value + 7n * ticksPerDay;
    case 'startofday':
      return afterUnit('day', value);
    default:
      return value + (binSize(argument) ?? 0n);
  }
}

/** Values that every wanted row has, for the beginning of its path. */
export function knownValues(format: PathFormat, wanted: Wanted): PartitionValues {
  const known = new Map<string, PartitionValue>();
  const [ranges, ...others] = wanted;
  if (ranges === undefined || others.length > 0) return known;
  for (const part of format) {
    if (typeof part === 'string' || part.partition.type.toLowerCase() !== 'string') continue;
    const [text, ...more] =
      ranges.find(({ column, texts }) => texts && column === columnOf(part.partition))?.texts ?? [];
    if (text !== undefined && text !== '' && more.length === 0) known.set(part.partition.name, text);
  }
  return known;
}
