import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import { formatDatetime, formatTimespan, parseDatetime, parseTimespan } from '../../kql/values/ticks.ts';
import type { Policies, TableView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import type { ReadPolicy } from './policy-values.ts';
import { jsonOf } from './policy-values.ts';

/** Policies that take something away when its time has come: tables, tags of extents.
 * @see Kusto "Auto delete policy", "Extent tags retention policy" */

const invalid = (text: string): Error => dataError('InvalidPolicy', text);

export const readAutoDelete: ReadPolicy<'auto_delete'> = (command) => {
  const json = jsonOf(command.required('AutoDeletePolicy'), ['ExpiryDate', 'DeleteIfNotEmpty']);
  const { ExpiryDate: expiry, DeleteIfNotEmpty: always = false } = json;
  const ticks = typeof expiry === 'string' ? parseDatetime(expiry) : undefined;
  if (ticks === undefined) throw invalid(`'ExpiryDate' is not a date.`);
  if (typeof always !== 'boolean') throw invalid(`'DeleteIfNotEmpty' is true or false.`);
  return { ExpiryDate: formatDatetime(ticks), DeleteIfNotEmpty: always };
};

export function checkAutoDelete(
  { ExpiryDate }: NonNullable<Policies['auto_delete']>,
  _table: TableView,
  { clock }: CommandContext,
): Promise<void> {
  if ((parseDatetime(ExpiryDate) ?? 0n) > ticksOf(clock.now())) return Promise.resolve();
  return Promise.reject(invalid(`'ExpiryDate' is past: it must be greater than the current time.`));
}

const prefixesMax = 100;

export const readTagRetention: ReadPolicy<'extent_tags_retention'> = (command) => {
  let value: unknown;
  try {
    value = parseAnyJson(command.required('ExtentTagsRetentionPolicy'));
  } catch {
    value = undefined;
  }
  if (!Array.isArray(value) || value.length > prefixesMax)
    throw invalid(`The policy is not a JSON list of at most ${prefixesMax} objects.`);
  return (value as readonly Json[]).map((one) => {
    const { TagPrefix: prefix, RetentionPeriod: period, ...others } = isJsonObject(one) ? one : {};
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw invalid(`The policy has no property '${unknown.slice(0, 100)}'.`);
    const ticks = typeof period === 'string' ? parseTimespan(period) : undefined;
    if (ticks === undefined || ticks < 0n) throw invalid(`'RetentionPeriod' is not a period.`);
    if (typeof prefix !== 'string' || !/^[^:]+:$/.test(prefix))
      throw invalid(`'TagPrefix' has one colon, which is its last character.`);
    return { TagPrefix: prefix, RetentionPeriod: formatTimespan(ticks) };
  });
};
