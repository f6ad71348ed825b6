import { isJsonObject } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { dataError } from '../catalog/data-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, unixEpochTicks } from '../../kql/values/ticks.ts';

/** Tags as a JSON list of strings; `ingest-by:` ones for each of `ingestIfNotExists` come on top.
 * @throws DataError `MalformedIngestionProperty` */
export function tagsOf(tags: string | undefined, ingestIfNotExists: string | undefined): readonly string[] {
  const own = tags === undefined ? [] : stringList('tags', tags);
  const once = ingestByTags(ingestIfNotExists);
  return [...new Set([...own, ...once])];
}

export const ingestByTags = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : stringList('ingestIfNotExists', text).map((value) => `ingest-by:${value}`);

/** @throws DataError `MalformedIngestionProperty` */
export function creationTimeOf(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const ticks = parseDatetime(innerText(text));
  if (ticks === undefined)
    throw dataError('MalformedIngestionProperty', `The property 'creationTime' is not a datetime.`);
  return instant(Number((ticks - unixEpochTicks) / 10_000n));
}

function stringList(name: string, text: string): readonly string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!Array.isArray(value) || value.length > 100 || !value.every((item): item is string => typeof item === 'string')) {
    throw dataError('MalformedIngestionProperty', `The property '${name}' is not a JSON list of strings.`);
  }
  return value;
}

/** Nothing of a file is checked beyond what makes values of it, as without a policy. One that asks for no more, or only for a remark, is
 * taken; another is refused. @throws DataError `MalformedIngestionProperty` */
export function requireNoValidation(text: string | undefined): void {
  if (text === undefined) return;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const { ValidationOptions: options, ValidationImplications: implications } = isJsonObject(value) ? value : {};
  const isOff = options === 0 || options === 'DoNotValidate';
  const isRemark = implications === 1 || implications === 'BestEffort';
  if (!isOff && !isRemark)
    throw dataError(
      'MalformedIngestionProperty',
      "The property 'validationPolicy' asks for checks that are not built.",
    );
}
