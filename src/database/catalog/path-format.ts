import { KqlError } from '../../kql/plan/kql-error.ts';
import { ticksPerDay, ticksPerHour, ticksPerMinute } from '../../kql/values/ticks.ts';
import { parseTimespan } from '../../kql/values/ticks.ts';
import { unquote } from '../../kql/values/string-literals.ts';
import type { DatetimePattern } from './datetime-pattern.ts';
import { matchDatetime, parseDatetimePattern, renderDatetime } from './datetime-pattern.ts';
import type { ExternalPartition } from './external-table.ts';

/** The folders of an external table's files: texts, and values of its partitions. */
export type PathFormat = readonly PathPart[];
export type PathPart = string | PathValue;

interface PathValue {
  readonly partition: ExternalPartition;
  /** Of a moment. */
  readonly pattern?: DatetimePattern;
}

/** Ticks of a moment, a number of a hash, a text. */
export type PartitionValue = string | bigint | null;
export type PartitionValues = ReadonlyMap<string, PartitionValue>;

/** Stands in a path for a value that no folder can be called by. */
const noValue = '__DEFAULT_PARTITION__';

const partitionTypes = ['string', 'datetime', 'long'];
const partitionCalls = ['startofday', 'startofweek', 'startofmonth', 'startofyear', 'bin', 'hash'];

/** @throws KqlError for a partition that is not of the documented kinds */
export function requirePartition({ name, type, of }: ExternalPartition): void {
  const call = of?.call?.toLowerCase();
  const expected = call === undefined ? type.toLowerCase() : call === 'hash' ? 'long' : 'datetime';
  const isKnown = call === undefined || partitionCalls.includes(call);
  const isSized = call === 'hash' ? /^[1-9]\d{0,9}$/.test(of?.argument ?? '') : call !== 'bin' || binSize(of?.argument);
  if (
    isKnown &&
    isSized &&
    partitionTypes.includes(expected) &&
    expected === type.toLowerCase() &&
    (of !== undefined || expected !== 'long')
  )
    return;
  throw new KqlError(
    'semantic',
    `The partition '${name}' is no text or datetime column, and neither a bin of some length, a start of a day, week, month or year, nor a hash modulo a number above 0 of one.`,
  );
}

/** @param text between the parentheses: `"customer=" CustomerName "/" datetime_pattern("yyyyMMdd", Date)`; empty: one folder a partition
 * @throws KqlError where it does not name each partition once, or not apart from the next */
export function parsePathFormat(text: string, partitions: readonly ExternalPartition[]): PathFormat {
  const parts = text.trim() === '' ? byFolders(partitions) : writtenParts(text, partitions);
  const named = parts.flatMap((part) => (typeof part === 'string' ? [] : [part.partition.name]));
  if (named.length !== partitions.length || new Set(named).size !== named.length)
    throw new KqlError('semantic', 'The path format names every partition once.');
  if (parts.some((part, index) => typeof part !== 'string' && typeof (parts[index + 1] ?? '') !== 'string'))
    throw new KqlError('semantic', 'Partitions in a path format are set apart by a text.');
  return parts;
}

const byFolders = (partitions: readonly ExternalPartition[]): PathPart[] =>
  partitions.flatMap((partition, index): PathPart[] => [...(index === 0 ? [] : ['/']), valueOf(partition)]);

function writtenParts(text: string, partitions: readonly ExternalPartition[]): PathPart[] {
  const partitionOf = (name: string): ExternalPartition => {
    const found = partitions.find((one) => one.name === name);
    if (found === undefined)
      throw new KqlError('semantic', `The path format names '${name.slice(0, 100)}', which is no partition.`);
    return found;
  };
  const literal = String.raw`h?@?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')`;
  const name = String.raw`[\p{L}_][\p{L}\p{N}_]*|\[\s*(?:"[^"]*"|'[^']*')\s*\]`;
  const token = new RegExp(
    String.raw`\s*(?:(?<text>${literal})|datetime_pattern\s*\(\s*(?<pattern>${literal})\s*,\s*(?<moment>${name})\s*\)|(?<name>${name}))\s*`,
    'uy',
  );
  const nameIn = (written: string): string =>
    written.startsWith('[') ? unquote(written.slice(1, -1).trim()) : written;
  const parts: PathPart[] = [];
  let end = 0;
  for (const found of text.matchAll(new RegExp(token.source, 'gyu'))) {
    end += found[0].length;
    const { groups = {} } = found;
    if (groups['text'] !== undefined) parts.push(unquote(groups['text']));
    else if (groups['moment'] === undefined) parts.push(valueOf(partitionOf(nameIn(groups['name'] ?? ''))));
    else
      parts.push({
        ...valueOf(partitionOf(nameIn(groups['moment']))),
        pattern: parseDatetimePattern(unquote(groups['pattern'] ?? '')),
      });
  }
  if (end !== text.length) throw new KqlError('syntax', `The path format (${text.slice(0, 200)}) cannot be read.`);
  return parts;
}

function valueOf(partition: ExternalPartition): PathValue {
  if (partition.type.toLowerCase() !== 'datetime') return { partition };
  return { partition, pattern: parseDatetimePattern(defaultPattern(partition)) };
}

/** @see Kusto "Create and alter Azure Storage external tables", path format */
function defaultPattern({ of }: ExternalPartition): string {
  switch (of?.call?.toLowerCase()) {
    case 'startofyear':
      return 'yyyy';
    case 'startofmonth':
      return 'yyyy/MM';
    case 'bin': {
      const size = binSize(of.argument);
      if (size === undefined || size % ticksPerDay === 0n) return 'yyyy/MM/dd';
      return size % ticksPerHour === 0n ? 'yyyy/MM/dd/HH' : 'yyyy/MM/dd/HH/mm';
    }
    default:
      return 'yyyy/MM/dd';
  }
}

/** In ticks; undefined for what is no length of time. */
export function binSize(argument: string | undefined): bigint | undefined {
  const size = argument === undefined ? null : parseTimespan(argument);
  return size === null || size === undefined || size < ticksPerMinute / 60n ? undefined : size;
}

/** The folder of a row, with a slash at its end; empty where there are no partitions. */
export function renderPath(format: PathFormat, values: PartitionValues): string {
  const path = format.map((part) =>
    typeof part === 'string' ? part : renderValue(part, values.get(part.partition.name) ?? null),
  );
  const folder = path.join('').replace(/^\/+/, '');
  return folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
}

function renderValue({ pattern }: PathValue, value: PartitionValue): string {
  if (typeof value === 'bigint') return pattern === undefined ? String(value) : renderDatetime(pattern, value);
  const isFolder =
    value !== null && value !== '' && value.length <= 200 && !/[\\/?#%]|\p{Cc}|^\.{1,2}$|[.]$/u.test(value);
  return isFolder ? value : noValue;
}

/** The longest beginning that all paths of a format share, for values that are known. */
export function pathPrefix(format: PathFormat, known: PartitionValues): string {
  let prefix = '';
  for (const part of format) {
    const value = typeof part === 'string' ? undefined : known.get(part.partition.name);
    if (typeof part === 'string') prefix += part;
    else if (value === undefined) break;
    else prefix += renderValue(part, value);
  }
  return prefix.replace(/^\/+/, '');
}

/** The values that stand in the path of a file below the table's folder. What a text is ends where the text after it begins.
 * @returns undefined for a path that is not of the format */
export function matchPath(format: PathFormat, path: string): PartitionValues | undefined {
  const values = new Map<string, PartitionValue>();
  let at = 0;
  const [first, ...others] = format;
  const parts = typeof first === 'string' ? [first.replace(/^\/+/, ''), ...others] : format;
  for (const [index, part] of parts.entries()) {
    if (typeof part === 'string') {
      if (!path.startsWith(part, at)) return undefined;
      at += part.length;
      continue;
    }
    const after = parts[index + 1];
    const found = matchValue(part, path, at, typeof after === 'string' && after !== '' ? after : '/');
    if (found === undefined) return undefined;
    values.set(part.partition.name, found.value);
    at = found.end;
  }
  const isFolder = format.length === 0 || path.charAt(at) === '/' || path.charAt(at - 1) === '/';
  return isFolder ? values : undefined;
}

function matchValue(
  { partition, pattern }: PathValue,
  path: string,
  at: number,
  until: string,
): { readonly value: PartitionValue; readonly end: number } | undefined {
  if (path.startsWith(noValue, at))
    return { value: partition.type.toLowerCase() === 'string' ? '' : null, end: at + noValue.length };
  if (pattern !== undefined) {
    const found = matchDatetime(pattern, path, at);
    return found && { value: found.ticks, end: found.end };
  }
  const end = path.indexOf(until, at);
  if (end < 0) return undefined;
  const text = path.slice(at, end);
  if (partition.type.toLowerCase() !== 'long') return { value: text, end };
  return /^-?\d{1,18}$/.test(text) ? { value: BigInt(text), end } : undefined;
}
