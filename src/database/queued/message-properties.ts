import { DataError, dataError } from '../catalog/data-error.ts';
import { creationTimeOf, ingestByTags, tagsOf } from '../ingest/extent-properties.ts';
import type { SourcesRequest } from '../ingest/ingest-request.ts';
import { asksConstantFields } from '../ingest/validation-policy.ts';
import type { IngestionMessage } from './ingestion-message.ts';

type Properties = IngestionMessage['properties'];

/** What the rows of a message become: part of its batch's extent, so messages that differ in any of it do not share one. */
const ofExtent = [
  ...['tags', 'creationtime', 'ingestifnotexists', 'format', 'ingestionmapping', 'ingestionmappingreference'],
  ...['ingestionmappingtype', 'ignorefirstrecord', 'validationpolicy', 'zippattern', 'treatgzasuncompressed'],
];

/** The older names of a mapping: each names the kind of data, too. */
const olderNames = ['csv', 'json', 'avro', 'parquet', 'orc'].flatMap((kind) => [
  { name: `${kind}mapping`, to: 'ingestionmapping' },
  { name: `${kind}mappingreference`, to: 'ingestionmappingreference' },
]);

const valueOf = (properties: Properties, name: string): string | undefined => {
  const older = olderNames.filter(({ to, name: other }) => to === name && properties.has(other));
  return [name, ...older.map((one) => one.name)]
    .map((one) => properties.get(one))
    .find((text) => text !== undefined && text !== '');
};

/** Messages with the same key can become one extent. */
export const extentKey = (properties: Properties): string =>
  JSON.stringify(ofExtent.map((name) => valueOf(properties, name) ?? null));

/** What is ingested only once, or to be found by a tag of its own, is in no extent with anything else, and nothing is waited for.
 * @see Kusto "IngestionBatching policy", sealing a batch */
export function isSingle(properties: Properties): boolean {
  if (properties.has('ingestifnotexists')) return true;
  try {
    return tagsOf(properties.get('tags')).some((tag) => tag.startsWith('ingest-by:'));
  } catch {
    return true; // it fails by itself
  }
}

/** How the data of a message is read, and what its extent gets.
 * @throws DataError `MalformedIngestionProperty` | `DuplicateMapping`
 * @see Kusto "Ingestion properties" */
export function readProperties(
  properties: Properties,
): Omit<SourcesRequest, 'sources' | 'database' | 'table'> & { readonly unlessTagged: readonly string[] } {
  const tags = tagsOf(valueOf(properties, 'tags'));
  const creationTime = creationTimeOf(valueOf(properties, 'creationtime'));
  const [mapping, mappingName] = ['ingestionmapping', 'ingestionmappingreference'].map((name) =>
    valueOf(properties, name),
  );
  if (mapping !== undefined && mappingName !== undefined)
    throw new DataError('DuplicateMapping', 'ingestionMapping and ingestionMappingReference exclude each other.');
  const format = valueOf(properties, 'format') ?? valueOf(properties, 'ingestionmappingtype')?.toLowerCase();
  const zipPattern = valueOf(properties, 'zippattern');
  return {
    unlessTagged: ingestByTags(valueOf(properties, 'ingestifnotexists')),
    ignoreFirstRecord: isTrue(properties, 'ignorefirstrecord'),
    constantFields: asksConstantFields(valueOf(properties, 'validationpolicy')),
    gzIsPlain: isTrue(properties, 'treatgzasuncompressed'),
    ...(tags.length === 0 ? {} : { tags }),
    ...(creationTime === undefined ? {} : { creationTime }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(mappingName === undefined ? {} : { mappingName }),
    ...(format === undefined ? {} : { format }),
    ...(zipPattern === undefined ? {} : { zipPattern }),
  };
}

/** @throws DataError `MalformedIngestionProperty` */
function isTrue(properties: Properties, name: string): boolean {
  const text = valueOf(properties, name);
  if (text === undefined || /^(?:false|0)$/i.test(text)) return false;
  if (/^(?:true|1)$/i.test(text)) return true;
  throw dataError('MalformedIngestionProperty', `The property '${name}' is neither true nor false.`);
}
