import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { formatDatetime, formatTimespan, parseDatetime, parseTimespan } from '../../kql/values/ticks.ts';
import type { Command } from './command.ts';

type PolicyOf<Name extends keyof Policies> = NonNullable<Policies[Name]>;

/** Reads the new value of one policy from a command, in its short form or as JSON.
 * @param current what is set now, for `.alter-merge` @throws DataError `InvalidPolicy` */
export type ReadPolicy<Name extends keyof Policies> = (
  command: Command,
  current: Policies[Name] | undefined,
) => PolicyOf<Name>;

const invalid = (text: string): Error => dataError('InvalidPolicy', text);

/** The service takes names and texts in single quotes, too: the command then needs no escapes.
 * @throws DataError `InvalidPolicy` for a member that the policy does not have */
export function jsonOf(text: string, members: readonly string[]): JsonObject {
  let value: unknown;
  try {
    value = parseAnyJson(text);
  } catch {
    value = undefined;
  }
  if (!isJsonObject(value)) throw invalid('The policy is not a JSON object.');
  const unknown = Object.keys(value).find((name) => !members.includes(name));
  if (unknown !== undefined) throw invalid(`The policy has no property '${unknown.slice(0, 100)}'.`);
  return value;
}

/** A period in one spelling. */
function period(text: Json | undefined, name: string): string | undefined {
  if (text === undefined) return undefined;
  const ticks = typeof text === 'string' ? parseTimespan(innerText(text)) : undefined;
  if (ticks === undefined || ticks < 0n) throw invalid(`'${name}' is not a period.`);
  return formatTimespan(ticks);
}

/** The parser names the text after the policy or, of policies of the cluster, not at all. */
const textOf = (command: Command, part: string): string => command.optional('policy') ?? command.required(part);

const isMerge = (command: Command): boolean => command.kind.startsWith('AlterMerge');

export const readRetention: ReadPolicy<'retention'> = (command, current) => {
  const text = command.optional('RetentionPolicy');
  const json = text === undefined ? {} : jsonOf(text, ['SoftDeletePeriod', 'Recoverability']);
  const recoverability = json['Recoverability'] ?? command.optional('RecoverabilityValue');
  const base = isMerge(command) ? current : undefined;
  const span = period(json['SoftDeletePeriod'] ?? command.optional('SoftDeleteValue'), 'SoftDeletePeriod');
  if (span === '00:00:00' && command.kind.includes('Database'))
    throw invalid('A soft delete period of zero can be set on tables only.');
  return {
    SoftDeletePeriod: span ?? base?.SoftDeletePeriod ?? '365000.00:00:00',
    Recoverability: recoverabilityOf(recoverability) ?? base?.Recoverability ?? 'Enabled',
  };
};

function recoverabilityOf(value: Json | undefined): 'Enabled' | 'Disabled' | undefined {
  if (value === undefined) return undefined;
  const lower = typeof value === 'string' ? value.toLowerCase() : '';
  if (lower === 'enabled' || value === 1) return 'Enabled';
  if (lower === 'disabled' || value === 0) return 'Disabled';
  throw invalid(`'Recoverability' is Enabled or Disabled.`);
}

export const readCaching: ReadPolicy<'caching'> = (command) => {
  const both = period(command.optional('Timespan') ?? command.optional('hotToken'), 'hot');
  const rows = both ?? period(command.optional('HotData') ?? command.optional('hotDataToken'), 'hotdata');
  const index = both ?? period(command.optional('HotIndex') ?? command.optional('hotIndexToken'), 'hotindex');
  if (rows === undefined || index === undefined) throw invalid('The caching policy needs a hot period.');
  const windows = hotWindows(command.text);
  return { DataHotSpan: rows, IndexHotSpan: index, ...(windows.length === 0 ? {} : { HotWindows: windows }) };
};

/** `hot_window = datetime(…) .. datetime(…)`; the parser gives their parts no names. */
function hotWindows(text: string): { readonly MinValue: string; readonly MaxValue: string }[] {
  const count = text.match(/\bhot_window\s*=/gi)?.length ?? 0;
  const found = [...text.matchAll(/\bhot_window\s*=\s*datetime\(([^)]*)\)\s*\.\.\s*datetime\(([^)]*)\)/gi)].map(
    ([, from = '', to = '']) => ({ from: parseDatetime(from.trim()), to: parseDatetime(to.trim()) }),
  );
  if (found.length !== count || count > hotWindowsMax)
    throw invalid(`There are at most ${hotWindowsMax} hot windows, each from one date to another.`);
  return found.map(({ from, to }) => {
    if (from === undefined || to === undefined || from >= to)
      throw invalid('A hot window goes from one date to a later one.');
    return { MinValue: formatDatetime(from), MaxValue: formatDatetime(to) };
  });
}
const hotWindowsMax = 10;

/** The official parser knows them in `.alter tables` alone. @returns the text as it reads it, everything else in its place */
export const withoutHotWindows = (text: string): string =>
  /^\s*\.alter\s[^|{]*\spolicy\s+caching\s[^|]*\bhot_window\b/i.test(text)
    ? text.replace(/,\s*hot_window\s*=\s*datetime\([^)|]*\)\s*\.\.\s*datetime\([^)|]*\)/gi, (found) =>
        ' '.repeat(found.length),
      )
    : text;

export const readStreaming: ReadPolicy<'streamingingestion'> = (command, current) => {
  const status = command.optional('Status')?.toLowerCase();
  if (status !== undefined) return { IsEnabled: status === 'enable', HintAllocatedRate: null };
  const json = jsonOf(textOf(command, 'StreamingIngestionPolicy'), ['IsEnabled', 'HintAllocatedRate']);
  const base = isMerge(command) ? current : undefined;
  const enabled = json['IsEnabled'] ?? base?.IsEnabled;
  const rate = json['HintAllocatedRate'] === undefined ? (base?.HintAllocatedRate ?? null) : json['HintAllocatedRate'];
  if (typeof enabled !== 'boolean') throw invalid(`'IsEnabled' is true or false.`);
  if (rate !== null && typeof rate !== 'number') throw invalid(`'HintAllocatedRate' is a number or null.`);
  return { IsEnabled: enabled, HintAllocatedRate: rate };
};

type Member = 'count' | 'flag' | 'period' | 'lookback';
const memberChecks: Readonly<Record<Member, (value: Json) => boolean>> = {
  count: (value) => typeof value === 'number' && value >= 0,
  flag: (value) => typeof value === 'boolean',
  period: (value) => typeof value === 'string' && parseTimespan(value) !== undefined,
  lookback: (value) =>
    isJsonObject(value) &&
    ['Default', 'All', 'HotCache', 'Custom'].some((kind) => kind === value['Kind']) &&
    (value['Kind'] !== 'Custom' || memberChecks.period(value['CustomPeriod'] ?? null)),
};

/** Policies that are kept and shown as they were written. */
const keptAs =
  (part: string, members: Readonly<Record<string, Member>>) =>
  (command: Command, current: JsonObject | undefined): JsonObject => {
    const json = jsonOf(textOf(command, part), Object.keys(members));
    for (const [name, value] of Object.entries(json)) {
      const kind = members[name];
      if (kind !== undefined && value !== undefined && value !== null && !memberChecks[kind](value))
        throw invalid(`'${name}' has a value that it cannot have.`);
    }
    return isMerge(command) ? { ...current, ...json } : json;
  };

export const readMerge: ReadPolicy<'merge'> = keptAs('MergePolicy', {
  RowCountUpperBoundForMerge: 'count',
  OriginalSizeMBUpperBoundForMerge: 'count',
  MaxExtentsToMerge: 'count',
  LoopPeriod: 'period',
  MaxRangeInHours: 'count',
  AllowRebuild: 'flag',
  AllowMerge: 'flag',
  Lookback: 'lookback',
});

export const readSharding: ReadPolicy<'sharding'> = keptAs('ShardingPolicy', {
  MaxRowCount: 'count',
  MaxExtentSizeInMb: 'count',
  MaxOriginalSizeInMb: 'count',
  ShardEngineMaxRowCount: 'count',
  ShardEngineMaxExtentSizeInMb: 'count',
  ShardEngineMaxOriginalSizeInMb: 'count',
  UseShardEngine: 'flag',
});

export const readBatching: ReadPolicy<'ingestionbatching'> = keptAs('IngestionBatchingPolicy', {
  MaximumBatchingTimeSpan: 'period',
  MaximumNumberOfItems: 'count',
  MaximumRawDataSizeMB: 'count',
});
