import { Buffer } from 'node:buffer';
import type { Guid } from '../../base/guid.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { formatTimespan, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { IngestRequest, SourcesRequest } from '../ingest/ingest-request.ts';
import { DataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { endpointOf } from './ingestion-endpoint.ts';
import { requirePermission } from './permissions.ts';
import { creationTimeOf, tagsOf } from '../ingest/extent-properties.ts';
import { asksConstantFields } from '../ingest/validation-policy.ts';
import { isIngestedAlready, noExtent } from './ingest-properties.ts';
import { ingestedBy, ingesting } from './ingestion-failure.ts';
import { operationIdColumns, operationOf, runRecorded, startRecorded, stoppable } from './operation-record.ts';
import { node } from './node.ts';

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
  | ('ingestionMappingReference' | 'ingestionMappingType' | 'policy_ingestiontime' | 'validationPolicy')
  | ('zipPattern' | 'persistDetails');

/** Only files are packed, and only what makes extents from them has details to keep. */
const sourceProperties = [...knownProperties, 'zipPattern', 'persistDetails'] as const;

const readProperties = (command: Command): Partial<Record<Property, string>> =>
  command.properties<Property>(command.kind === 'IngestIntoTable' ? sourceProperties : knownProperties);

/** What the two ways to ingest have in common. */
function settingsOf(command: Command, context: CommandContext): Omit<SourcesRequest, 'sources'> {
  const properties = readProperties(command);
  const { format, ignoreFirstRecord, ingestionMapping, ingestionMappingReference } = properties;
  const tags = tagsOf(properties.tags);
  const creationTime = creationTimeOf(properties.creationTime);
  const named = format ?? formatOfMapping(properties.ingestionMappingType);
  const constantFields = asksConstantFields(properties.validationPolicy);
  if (ingestionMapping !== undefined && ingestionMappingReference !== undefined)
    throw new DataError(
      'DuplicateMapping',
      'The properties ingestionMapping and ingestionMappingReference exclude each other.',
    );
  return {
    by: ingestedBy(context, 'DataIngestPull'),
    ...(context.signal === undefined ? {} : { signal: context.signal }),
    database: context.database,
    table: command.required('TableName'),
    ...(named === undefined ? {} : { format: named }),
    ...(ingestionMappingReference === undefined ? {} : { mappingName: ingestionMappingReference }),
    ...(ingestionMapping === undefined ? {} : { mapping: ingestionMapping }),
    ...(ignoreFirstRecord === undefined ? {} : { ignoreFirstRecord: isTrue(ignoreFirstRecord) }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(creationTime === undefined ? {} : { creationTime }),
    ...(constantFields ? { constantFields } : {}),
  };
}

const isTrue = (text: string | undefined): boolean => /^(true|1)$/i.test(text ?? '');

/** Data as the client wrote it after `<|`: white space counts, but the line break right after the mark is not a record. */
function requestOf(command: Command, context: CommandContext): IngestRequest {
  return {
    format: 'csv',
    ...settingsOf(command, context),
    kind: 'inline',
    body: Buffer.from(command.raw.replace(/^[ \t]*\r?\n/, '').replace(/^ /, ''), 'utf8'),
  };
}

const formatOfMapping = (type: string | undefined): string | undefined =>
  type === undefined ? undefined : type.toLowerCase();

async function ingestInline(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const request = requestOf(command, context);
  if (isIngestedAlready(readProperties(command).ingestIfNotExists, request.table, context)) return [[noExtent]];
  const { extentId } = await ingesting(context, request.table, 'DataIngestPull', () => context.data.ingest(request));
  return [[extentId ?? noExtent]];
}

const loadedColumns = 'ExtentId: guid, ItemLoaded: string, Duration: string, HasErrors: string, OperationId: guid';

/** Of one command. */
const sourcesMax = 5_000;

/** The literals that are no property: the parser has no name for them. */
const addressesOf = ({ leaves }: Command): string[] =>
  leaves.flatMap(({ name = '', value, text }) =>
    typeof value === 'string' && !/^(TableName|Property)/.test(name) && /^h?@?["'`~]/i.test(text) ? [value] : [],
  );

/** Reads the sources and ingests what they hold, all or nothing. */
async function ingestSources(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { sourceOf, data, clock } = context;
  if (sourceOf === undefined) throw new KqlError('notSupported', 'Data is not fetched from elsewhere on this cluster.');
  const addresses = addressesOf(command);
  if (addresses.length === 0 || addresses.length > sourcesMax)
    throw new KqlError('semantic', `.ingest into takes 1 to ${sourcesMax} sources.`);
  const settings = settingsOf(command, context);
  const { zipPattern, ingestIfNotExists, persistDetails } = readProperties(command);
  const { table } = settings;
  data.table(context.database, table);
  const operation = operationOf(context, 'DataIngestPull');
  const ingest = async (within: CommandContext): Promise<readonly Row[]> => {
    const startedOn = clock.now();
    const done = (extentIds: readonly Guid[], item: string): readonly Row[] => {
      const duration = formatTimespan(BigInt(Math.round(clock.now() - startedOn)) * ticksPerMillisecond);
      const told: readonly string[] = extentIds.length === 0 ? [noExtent] : extentIds;
      return told.map((extentId) => [extentId, item, duration, 'False', operation.operationId]);
    };
    return await ingesting(within, table, 'DataIngestPull', async () => {
      const sources = addresses.map((address) =>
        sourceOf(address, { usage: 'NativeIngestion', database: context.database }),
      );
      if (isIngestedAlready(ingestIfNotExists, table, within)) return done([], '');
      const { signal } = within;
      const request = { ...settings, sources, ...(zipPattern === undefined ? {} : { zipPattern }), signal };
      const { extentIds } = await data.ingestFrom(request);
      return done(extentIds, sources.map(({ name }) => name).join(', '));
    });
  };
  const work = (outer: CommandContext) => () => stoppable(outer, operation, ingest);
  const details = isTrue(persistDetails) ? (rows: readonly Row[]) => detailsOf(rows, context, table) : undefined;
  // Work that goes on after the answer does not end with the request.
  if (command.has('async')) return startRecorded(context, operation, work({ ...context, signal: undefined }), details);
  return await runRecorded(context, operation, work(context), details);
}

/** What `.show operation details` tells of extents. */
function detailsOf(rows: readonly Row[], { data, database }: CommandContext, table: string): string {
  const extents = new Map(data.extents(database, table).map((one) => [String(one.extentId), one]));
  return JSON.stringify(
    rows.map(([id]) => {
      const extent = extents.get(String(id));
      const bytes = extent?.extentBytes ?? 0;
      const sizes = [extent?.originalBytes ?? 0, bytes, bytes, 0, extent?.rowCount ?? 0];
      return [String(id), ...sizes.map(String)];
    }),
  );
}

/** The word `table` may be left out, which the official parser does not know. @returns undefined where it is not left out */
export function withTableWord(text: string): string | undefined {
  const [start] = /^\s*(?:\/\/[^\n]*\n\s*)*\.\s*ingest\s+(?:async\s+)?into\s+(?!table\s)/i.exec(text) ?? [];
  return start === undefined ? undefined : `${start}table ${text.slice(start.length)}`;
}

/** @see Kusto ".ingest inline", ".ingest into", "Ingestion properties" */
export const ingestCommands: readonly CommandRow[] = [
  {
    kinds: {
      IngestInlineIntoTable: ['.ingest inline into table T <| 1,one', 'ingest inline into table {TableName} with <|'],
    },
    permission: 'tableIngest',
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
    kinds: { ShowExportContainers: ['.show export containers', 'show export containers'] },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'StorageRoot: string',
    run: async (_command, context) => (await endpointOf(context).exportContainers()).map((root) => [root]),
  },
  {
    kinds: { GetKustoIdentityToken: ['.get kusto identity token', 'get kusto identity token with'] },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'AuthorizationContext: string',
    run: async (_command, context) => [[await endpointOf(context).identityToken()]],
  },
  {
    kinds: {
      RefreshDatabaseTableCache: [
        ".refresh database 'db' table 'T' cache ingestionbatchingpolicy",
        'refresh database {DatabaseName} table {TableName} cache ingestionbatchingpolicy',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'NodeId: string, Status: string',
    run: (command, context) => {
      // Policies are read anew whenever a batch is planned, so the newest one is in use already.
      const [database, table] = [command.required('DatabaseName'), command.required('TableName')];
      requirePermission(context, 'tableIngest', database, 'RefreshDatabaseTableCache', table);
      context.data.table(database, table);
      return [[node, 'Succeeded']];
    },
  },
  {
    kinds: { IngestIntoTable: ".ingest into table T (h'https://account.blob.core.windows.net/box/data.csv')" },
    permission: 'tableIngest',
    columns: (command) => (command.has('async') ? operationIdColumns : loadedColumns),
    run: ingestSources,
  },
];
