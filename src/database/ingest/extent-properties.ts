import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { dataError } from '../catalog/data-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import { parseDatetime, unixEpochTicks } from '../../kql/values/ticks.ts';

/** Tags as a JSON list of strings. `ingestIfNotExists` adds none: whoever wants one says so. @throws DataError `MalformedIngestionProperty`
 * @see Kusto "Extent tags" */
export const tagsOf = (tags: string | undefined): readonly string[] =>
  tags === undefined ? [] : [...new Set(stringList('tags', tags))];

/** The tags that keep an ingestion from being made. @throws DataError `MalformedIngestionProperty` */
export const ingestByTags = (text: string | undefined): readonly string[] =>
  text === undefined ? [] : oneOrMore('ingestIfNotExists', text).map((value) => `ingest-by:${value}`);

/** The client for Go sends the one text as it is. */
const oneOrMore = (name: string, text: string): readonly string[] =>
  /^\s*\[/.test(text) ? stringList(name, text) : [text];

/** The first moment that a datetime can be stands for none: the client for Go always sends it. @throws DataError `MalformedIngestionProperty` */
export function creationTimeOf(text: string | undefined): Instant | undefined {
  if (text === undefined) return undefined;
  const ticks = parseDatetime(innerText(text));
  if (ticks === undefined)
    throw dataError('MalformedIngestionProperty', `The property 'creationTime' is not a datetime.`);
  if (ticks === 0n) return undefined;
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
