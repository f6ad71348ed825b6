import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';

/** A blob that is to be ingested, as clients write it into the queue: base64 of JSON. Names of members are compared without case, as clients
 * of several languages write them. */
export interface IngestionMessage {
  /** A GUID of the client's: of the source in all reports. */
  readonly id: string;
  /** With the signature that it is read with. */
  readonly blobPath: string;
  readonly rawDataBytes: number | undefined;
  readonly database: string;
  readonly table: string;
  readonly retainBlob: boolean;
  readonly flushImmediately: boolean;
  readonly report: Report;
  /** In the table of statuses. */
  readonly status: { readonly partitionKey: string; readonly rowKey: string; readonly table: string } | undefined;
  /** What `.get kusto identity token` gave. */
  readonly identity: string | undefined;
  /** Of `AdditionalProperties`, names in lower case. */
  readonly properties: ReadonlyMap<string, string>;
}

export interface Report {
  readonly failures: boolean;
  readonly successes: boolean;
  readonly toQueue: boolean;
  readonly toTable: boolean;
}

/** A message that is written here: as a client writes it, base64 of JSON. What is read is left where it lies, and nobody waits for reports. */
export interface WrittenMessage {
  readonly id: string;
  /** With what it is read with. */
  readonly blobPath: string;
  readonly rawDataBytes: number | undefined;
  readonly database: string;
  readonly table: string;
  /** As `AdditionalProperties`, without the identity. */
  readonly properties: Readonly<Record<string, string>>;
  readonly identity: string;
}

export const writeIngestionMessage = ({ id, blobPath, rawDataBytes, ...about }: WrittenMessage): string =>
  Buffer.from(
    JSON.stringify({
      ...{ Id: id, BlobPath: blobPath, DatabaseName: about.database, TableName: about.table },
      ...(rawDataBytes === undefined ? {} : { RawDataSize: rawDataBytes }),
      ...{ RetainBlobOnSuccess: true, FlushImmediately: false, ReportLevel: 1 },
      AdditionalProperties: { ...about.properties, authorizationContext: about.identity },
    }),
  ).toString('base64');

export class UnreadableMessage extends Error {
  override readonly name = 'UnreadableMessage';
}

const propertiesMax = 100;

/** @throws UnreadableMessage for what is not a message of an ingestion */
export function parseIngestionMessage(text: string): IngestionMessage {
  const body = readJson(text);
  const text1 = (name: string): string => textOf(member(body, name)) ?? '';
  const message = {
    id: text1('Id'),
    blobPath: text1('BlobPath'),
    database: text1('DatabaseName'),
    table: text1('TableName'),
  };
  if (Object.values(message).some((value) => value === '' || value.length > 8_192)) throw new UnreadableMessage();
  const raw = member(body, 'RawDataSize');
  const bytes = typeof raw === 'number' ? raw : Number(textOf(raw) ?? Number.NaN);
  const status = member(body, 'IngestionStatusInTable');
  const properties = additionalProperties(member(body, 'AdditionalProperties'));
  const inTable = isJsonObject(status)
    ? {
        table: textOf(member(status, 'TableConnectionString')) ?? '',
        partitionKey: textOf(member(status, 'PartitionKey')) ?? '',
        rowKey: textOf(member(status, 'RowKey')) ?? '',
      }
    : undefined;
  return {
    ...message,
    rawDataBytes: Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined,
    retainBlob: isTrue(member(body, 'RetainBlobOnSuccess')),
    flushImmediately: isTrue(member(body, 'FlushImmediately')),
    report: reportOf(member(body, 'ReportLevel'), member(body, 'ReportMethod'), inTable !== undefined),
    status: inTable,
    identity: properties.get('authorizationcontext'),
    properties,
  };
}

function readJson(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(
      Buffer.from(text, 'base64')
        .toString('utf8')
        .replace(/^\uFEFF/, ''),
    ) as Json;
  } catch {
    throw new UnreadableMessage();
  }
  if (!isJsonObject(value)) throw new UnreadableMessage();
  return value;
}

function additionalProperties(value: Json | undefined): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  if (!isJsonObject(value) || entries.length > propertiesMax) throw new UnreadableMessage();
  return new Map(
    entries.flatMap(([name, one]): [string, string][] => {
      if (one === null || one === undefined) return [];
      return [[name.toLowerCase(), typeof one === 'string' ? one : JSON.stringify(one)]];
    }),
  );
}

/** Levels: 0 failures, 1 nothing, 2 both; methods: 0 queue, 1 table, 2 both. Some clients leave them out. */
function reportOf(level: Json | undefined, method: Json | undefined, hasStatus: boolean): Report {
  const levelNumber = numbered(level, ['FailuresOnly', 'DoNotReport', 'FailuresAndSuccesses']) ?? 0;
  const methodNumber = numbered(method, ['Queue', 'Table', 'QueueAndTable']) ?? (hasStatus ? 1 : 0);
  return {
    failures: levelNumber !== 1,
    successes: levelNumber === 2,
    toQueue: methodNumber !== 1,
    // Who has put a row there waits for it, whatever level is asked for.
    toTable: methodNumber !== 0 && hasStatus,
  };
}

function numbered(value: Json | undefined, names: readonly string[]): number | undefined {
  if (typeof value === 'number') return value;
  const at = typeof value === 'string' ? names.findIndex((name) => name.toLowerCase() === value.toLowerCase()) : -1;
  return at < 0 ? undefined : at;
}

const isTrue = (value: Json | undefined): boolean =>
  value === true || (typeof value === 'string' && value.toLowerCase() === 'true');

const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

function member(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const found = Object.keys(object).find((key) => key.toLowerCase() === name.toLowerCase());
  return found === undefined ? undefined : object[found];
}
