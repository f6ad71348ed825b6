import { Buffer } from 'node:buffer';
import type { IngestRequest } from '../ingest/ingest-request.ts';
import { DataError, dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext, IngestionEndpoint } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { isAllowed } from './permissions.ts';
import { holdersOf } from '../../authz/kusto-roles.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { creationTimeOf, tagsOf } from '../ingest/extent-properties.ts';
import { isIngestedAlready, noExtent } from './ingest-properties.ts';
import { ingestedBy, ingesting } from './ingestion-failure.ts';

const knownProperties = [
  ...[
    'format',
    'tags',
    'creationTime',
    'ignoreFirstRecord',
    'ingestIfNotExists',
    'ingestionMapping',
    'ingestionMappingReference',
  ],
  ...['ingestionMappingType', 'policy_ingestiontime', 'validationPolicy'],
] as const;
type Property =
  | ('format' | 'tags' | 'creationTime' | 'ignoreFirstRecord' | 'ingestIfNotExists' | 'ingestionMapping')
  | ('ingestionMappingReference' | 'ingestionMappingType' | 'policy_ingestiontime' | 'validationPolicy');

/** Data as the client wrote it after `<|`: white space counts, but the line break right after the mark is not a record. */
function requestOf(command: Command, context: CommandContext): IngestRequest {
  const properties = command.properties<Property>(knownProperties);
  const { format, ignoreFirstRecord, ingestionMapping, ingestionMappingReference } = properties;
  const tags = tagsOf(properties.tags, properties.ingestIfNotExists);
  const creationTime = creationTimeOf(properties.creationTime);
  if (properties.validationPolicy !== undefined)
    throw dataError('MalformedIngestionProperty', "The property 'validationPolicy' is not supported.");
  if (ingestionMapping !== undefined && ingestionMappingReference !== undefined)
    throw new DataError(
      'DuplicateMapping',
      'The properties ingestionMapping and ingestionMappingReference exclude each other.',
    );
  return {
    kind: 'inline',
    by: ingestedBy(context, 'DataIngestPull'),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    database: context.database,
    table: command.required('TableName'),
    format: format ?? formatOfMapping(properties.ingestionMappingType) ?? 'csv',
    body: Buffer.from(command.raw.replace(/^[ \t]*\r?\n/, '').replace(/^ /, ''), 'utf8'),
    ...(ingestionMappingReference === undefined ? {} : { mappingName: ingestionMappingReference }),
    ...(ingestionMapping === undefined ? {} : { mapping: ingestionMapping }),
    ...(ignoreFirstRecord === undefined ? {} : { ignoreFirstRecord: /^(true|1)$/i.test(ignoreFirstRecord) }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(creationTime === undefined ? {} : { creationTime }),
  };
}

const formatOfMapping = (type: string | undefined): string | undefined =>
  type === undefined ? undefined : type.toLowerCase();

async function ingestInline(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const request = requestOf(command, context);
  if (isIngestedAlready(command.properties<Property>(knownProperties).ingestIfNotExists, request.table, context))
    return [[noExtent]];
  const { extentId } = await ingesting(context, request.table, 'DataIngestPull', () => context.data.ingest(request));
  return [[extentId ?? noExtent]];
}

/** @see Kusto ".ingest inline", "Ingestion properties" */
export const ingestCommands: readonly CommandRow[] = [
  {
    kinds: {
      IngestInlineIntoTable: ['.ingest inline into table T <| 1,one', 'ingest inline into table {TableName} with <|'],
    },
    permission: 'ingest',
    columns: 'ExtentId: guid',
    run: ingestInline,
  },
  {
    kinds: {
      GetIngestionResources: [
        '.get ingestion resources',
        'get ingestion resources with',
        'show ingestion resources with',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'ResourceTypeName: string, StorageRoot: string',
    run: async (_command, context) => (await endpointOf(context).resources()).map(({ type, root }) => [type, root]),
  },
  {
    kinds: { GetKustoIdentityToken: ['.get kusto identity token', 'get kusto identity token with'] },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'AuthorizationContext: string',
    run: async (_command, context) => [[await endpointOf(context).identityToken()]],
  },
];

/** For whoever may ingest somewhere. @throws ForbiddenError */
function endpointOf(context: CommandContext): IngestionEndpoint {
  if (context.ingestion === undefined) throw new KqlError('notSupported', 'Queued ingestion is not served here.');
  if (!context.databases.some(({ name }) => isAllowed(context, 'ingest', name)))
    throw new ForbiddenError(
      `Principal '${context.caller.fqn}' is not authorized to ingest: it needs one of the roles ${holdersOf('ingest')}.`,
    );
  return context.ingestion;
}
