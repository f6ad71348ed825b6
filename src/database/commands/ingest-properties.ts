import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { dataError } from '../catalog/data-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { CommandContext } from './command-context.ts';

/** Where no extent came to be. */
export const noExtent = '00000000-0000-0000-0000-000000000000';

/** Tags as a JSON list of strings; `ingest-by:` ones for each of `ingestIfNotExists` come on top.
 * @throws DataError `MalformedIngestionProperty` */
export function tagsOf(tags: string | undefined, ingestIfNotExists: string | undefined): readonly string[] {
  const own = tags === undefined ? [] : stringList('tags', tags);
  const once = ingestByTags(ingestIfNotExists);
  return [...new Set([...own, ...once])];
}

const ingestByTags = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : stringList('ingestIfNotExists', text).map((value) => `ingest-by:${value}`);

/** Whether an extent carries one of the tags that may come only once. */
export function isIngestedAlready(
  ingestIfNotExists: string | undefined,
  table: string,
  { data, database }: CommandContext,
): boolean {
  const tags = ingestByTags(ingestIfNotExists);
  return (
    tags.length > 0 && data.extents(database, table).some((extent) => tags.some((tag) => extent.tags.includes(tag)))
  );
}

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
