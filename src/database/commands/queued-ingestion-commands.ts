import { parseGuid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import type { Guid } from '../../base/guid.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { stringLiteral, unquote } from '../../kql/values/string-literals.ts';
import { dataError } from '../catalog/data-error.ts';
import { readProperties } from '../queued/message-properties.ts';
import type { QueuedBlob, QueuedOperationView } from '../queued/queued-operations.ts';
import { queuedBlobsMax } from '../queued/queued-operations.ts';
import type { DataSource } from '../ingest/data-source.ts';
import { isImpersonated } from '../ingest/data-source.ts';
import { argumentList, settings } from './argument-lists.ts';
import type { ListedBlob } from './blob-listing.ts';
import { blobListingOf, capturedText, creationTimeText, listedBlobs } from './blob-listing.ts';
import { Command } from './command.ts';
import type { CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { endpointOf } from './ingestion-endpoint.ts';
import { ticksOf } from './instants.ts';
import { isAllowed, requirePermission } from './permissions.ts';
import { splitCommand } from './words.ts';

const operationColumns =
  'IngestionOperationId: string, StartedOn: datetime, LastUpdatedOn: datetime, State: string, Discovered: long, Pending: long, Canceled: long, Ingested: long, Failed: long, SampleFailedReasons: string, Database: string, Table: string';
const detailColumns =
  'IngestionOperationId: string, BlobURL: string, IngestionStatus: string, StartedAt: datetime, CompletedAt: datetime, FailedReasons: string';

/** Of a list that nothing is done with. */
const shownMax = 1_000;

function sourceOfIn({ sourceOf }: CommandContext, database: string): (address: string) => DataSource {
  if (sourceOf === undefined) throw new KqlError('notSupported', 'Data is not fetched from elsewhere on this cluster.');
  return (address) => sourceOf(address, { usage: 'NativeIngestion', database });
}

async function taken(blobs: AsyncIterable<ListedBlob>, most: number): Promise<ListedBlob[]> {
  const found: ListedBlob[] = [];
  for await (const blob of blobs) {
    if (found.length === most) break;
    found.push(blob);
  }
  return found;
}

async function listBlobs(command: Command, context: CommandContext): Promise<readonly Row[]> {
  endpointOf(context);
  const listing = blobListingOf(command);
  const found = await taken(listedBlobs(listing, sourceOfIn(context, context.database), context.signal), shownMax);
  return found.map((blob) => [blob.uri, BigInt(blob.bytes), capturedText(blob)]);
}

/** What the command itself is told; all else are properties of the ingestion. */
const ownSettings = ['EnableTracking', 'SkipBatching', 'CompressionFactor'] as const;
const ingestionProperties = [
  ...['format', 'tags', 'creationTime', 'ignoreFirstRecord', 'ingestIfNotExists', 'ingestionMapping'],
  ...['ingestionMappingReference', 'ingestionMappingType', 'validationPolicy', 'zipPattern'],
] as const;

/** Puts blobs into the queue, where those of clients wait too. */
async function ingestQueued(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const endpoint = endpointOf(context);
  const table = command.required('TableName');
  const database = context.data.database(command.databaseName(context)).name;
  context.data.table(database, table);
  const asked = command.properties([...ownSettings, ...ingestionProperties]);
  const [isTracked, isAlone] = [flag('EnableTracking', asked), flag('SkipBatching', asked)];
  const properties = Object.fromEntries(
    ingestionProperties.flatMap((name) => (asked[name] === undefined ? [] : [[name, asked[name]]])),
  );
  readProperties(new Map(Object.entries(properties).map(([name, value]) => [name.toLowerCase(), value])));
  const factor = factorOf(asked.CompressionFactor);
  const blobs = await blobsIn(command.raw, { ...context, database }, factor);
  const operationId = await endpoint.enqueue({ database, table, blobs, properties, isTracked, isAlone });
  const shown = shownId(operationId);
  return [[shown, context.clientRequestId, `.show queued ingestion operations "${shown}"`]];
}

function flag(name: (typeof ownSettings)[number], asked: Partial<Record<string, string>>): boolean {
  const text = asked[name]?.toLowerCase() ?? 'false';
  if (text !== 'true' && text !== 'false') throw new KqlError('semantic', `${name} is true or false.`);
  return text === 'true';
}

function factorOf(text: string | undefined): number {
  const factor = text === undefined ? 1 : Number(text);
  if (!(factor > 0 && factor <= 10_000)) throw new KqlError('semantic', 'CompressionFactor is a number above 0.');
  return factor;
}

/** What stands after `<|`: a list of blobs, or their addresses.
 * @param factor how much larger than its blob data is that is stored compressed */
async function blobsIn(raw: string, context: CommandContext, factor: number): Promise<readonly QueuedBlob[]> {
  const sourceOf = sourceOfIn(context, context.database);
  const over = new KqlError('semantic', `.ingest-from-storage-queued takes ${queuedBlobsMax} blobs at most.`);
  if (/^\s*\./.test(raw)) {
    const listing = blobListingOf(listingCommand(raw));
    requireQueueable(listing.locator);
    const found = await taken(listedBlobs(listing, sourceOf, context.signal), queuedBlobsMax + 1);
    if (found.length > queuedBlobsMax) throw over;
    return found.map(({ address, uri, bytes, createdAt }) => ({
      ...{ address, name: uri, rawBytes: rawBytesOf(uri, bytes, factor) },
      properties: createdAt === undefined ? {} : { creationTime: creationTimeText(createdAt) },
    }));
  }
  const addresses = literalsIn(raw);
  if (addresses.length > queuedBlobsMax) throw over;
  addresses.forEach(requireQueueable);
  return addresses.map((address) => ({
    ...{ address, name: sourceOf(address).name, rawBytes: undefined, properties: {} },
  }));
}

/** @throws KqlError */
function requireQueueable(address: string): void {
  if (isImpersonated(address))
    throw new KqlError(
      'semantic',
      "Blobs wait in the queue, and when they are read nobody is there to be impersonated (';impersonate').",
    );
}

const rawBytesOf = (uri: string, bytes: number, factor: number): number =>
  Math.round(/\.(?:gz|zip|parquet|avro|orc)$/i.test(uri) ? bytes * factor : bytes);

function listingCommand(text: string): Command {
  const words = splitCommand(text) ?? [];
  const isList = words[0]?.text.toLowerCase() === 'list' && words[1]?.text.toLowerCase() === 'blobs';
  const locators = isList ? argumentList(words, 2, 'Locator') : undefined;
  const more = locators && settings(words, locators.next);
  if (locators === undefined || more === undefined || more.next !== words.length)
    throw new KqlError('syntax', "After '<|' stand addresses of blobs, or '.list blobs (…)'.");
  return new Command({ kind: 'ListBlobs', text, parts: [...locators.parts, ...more.parts] });
}

function literalsIn(raw: string): string[] {
  const found: string[] = [];
  const token = new RegExp(String.raw`[\s,]*(${stringLiteral.source})`, 'iy');
  let end = 0;
  for (let match = token.exec(raw); match !== null; match = token.exec(raw)) {
    found.push(unquote(match[1] ?? ''));
    end = token.lastIndex;
  }
  if (found.length === 0 || !/^[\s,;]*$/.test(raw.slice(end)))
    throw new KqlError('syntax', "After '<|' stand addresses of blobs as string literals, or '.list blobs (…)'.");
  return found;
}

/** Three parts, as the service has it; what the first two are there is not said. */
const shownId = (operationId: Guid): string => `${operationId.slice(0, 8)};${operationId.slice(-8)};${operationId}`;

/** @returns undefined for what is no id of any, and for one whose table the caller may not ingest into */
function findOperation(context: CommandContext, shown: string): QueuedOperationView | undefined {
  const operationId = parseGuid(shown.split(';').at(-1) ?? '');
  const found = operationId && context.data.queued.operations.find(operationId);
  if (found === undefined || shownId(found.operation.operationId) !== shown) return undefined;
  const { database, table } = found.operation;
  return isAllowed(context, 'tableIngest', database, table) ? found : undefined;
}

function operationRow({ operation, items }: QueuedOperationView): Row {
  const { database, table, startedOn, canceledOn, operationId } = operation;
  const count = (state: string | undefined): number => items.filter(({ ended }) => ended?.state === state).length;
  const [pending, canceled, ingested, failed] = [
    count(undefined),
    count('Canceled'),
    count('Succeeded'),
    count('Failed'),
  ];
  const state =
    canceledOn !== undefined ? 'Canceled' : pending > 0 ? 'InProgress' : failed > 0 ? 'Failed' : 'Completed';
  const updatedOn = items.reduce((last, { ended }) => Math.max(last, ended?.on ?? 0), startedOn);
  const reasons = new Set(items.flatMap(({ ended }) => (ended?.state === 'Failed' ? [ended.why] : [])));
  return [
    ...[shownId(operationId), ticksOf(instant(startedOn)), ticksOf(instant(updatedOn)), state],
    ...[items.length, pending, canceled, ingested, failed].map(BigInt),
    ...[[...reasons].slice(0, 3).join('; '), database, table],
  ];
}

function showOperations(command: Command, context: CommandContext): readonly Row[] {
  return command.all('IngestionOperationId').flatMap((id) => {
    const found = findOperation(context, id);
    return found === undefined ? [] : [operationRow(found)];
  });
}

function showDetails(command: Command, context: CommandContext): readonly Row[] {
  const id = command.required('IngestionOperationId');
  const found = findOperation(context, id);
  if (found === undefined) return [];
  const items = [...found.items].sort((left, right) => (left.source < right.source ? -1 : 1));
  return items.map(({ source, ended }) => [
    ...[id, source, ended?.state ?? 'InProgress', ticksOf(instant(found.operation.startedOn))],
    ...[ended === undefined ? null : ticksOf(instant(ended.on)), ended?.why ?? ''],
  ]);
}

async function cancelOperation(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const id = command.required('IngestionOperationId');
  const found = findOperation(context, id);
  if (found === undefined) throw dataError('OperationNotFound', id.slice(0, 200));
  const { database, table, operationId } = found.operation;
  requirePermission(context, 'tableIngest', database, command.kind, table);
  await context.data.queued.operations.cancel(operationId);
  const after = context.data.queued.operations.find(operationId);
  return after === undefined ? [] : [operationRow(after)];
}

/** @see Kusto "Queued ingestion commands" */
export const queuedIngestionCommands: readonly CommandRow[] = [
  {
    kinds: {
      IngestFromStorageQueued: [
        ".ingest-from-storage-queued into table T EnableTracking=true with (format='csv') <| .list blobs ('https://account.blob.core.windows.net/box')",
        'ingest-from-storage-queued into table database ( {DatabaseName} ) . {TableName} settings with settings <|',
        'ingest-from-storage-queued into table {TableName} settings with settings <|',
      ],
    },
    endpoint: 'ingestion',
    permission: 'tableIngest',
    columns: 'IngestionOperationId: string, ClientRequestId: string, OperationInfo: string',
    run: ingestQueued,
  },
  {
    kinds: {
      ListBlobs: [
        ".list blobs ('https://account.blob.core.windows.net/box/folder') Suffix='.csv' MaxFiles=20",
        'list blobs {Locator,} settings',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: 'BlobUri: string, SizeInBytes: long, CapturedVariables: dynamic',
    run: listBlobs,
  },
  {
    kinds: {
      ShowQueuedIngestionOperations: [
        '.show queued ingestion operations "00000000;00000000;00000000-0000-0000-0000-000000000000"',
        'show queued ingestion operations {IngestionOperationId}',
        'show queued ingestion operations {IngestionOperationId,}',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: operationColumns,
    run: showOperations,
  },
  {
    kinds: {
      ShowQueuedIngestionOperationDetails: [
        '.show queued ingestion operations "00000000;00000000;00000000-0000-0000-0000-000000000000" details',
        'show queued ingestion operations {IngestionOperationId} details',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: detailColumns,
    run: showDetails,
  },
  {
    kinds: {
      CancelQueuedIngestionOperation: [
        '.cancel queued ingestion operation "00000000;00000000;00000000-0000-0000-0000-000000000000"',
        'cancel queued ingestion operation {IngestionOperationId}',
      ],
    },
    endpoint: 'ingestion',
    permission: 'anyone',
    columns: operationColumns,
    run: cancelOperation,
  },
];
