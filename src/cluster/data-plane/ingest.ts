import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { zeroBytes } from '../../base/bytes.ts';
import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { DataError } from '../../database/catalog/data-error.ts';
import { syncedData } from './cluster-host.ts';
import { requireIngestion } from './database-access.ts';
import { translateError } from './errors/engine-errors.ts';
import { kustoError } from './errors/kusto-error.ts';
import { commandTimeoutMs } from './requests/request-options.ts';
import type { Streamed } from './requests/streaming-history.ts';
import { oneTable } from './answers/one-table.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import { withLimits } from './request-limits.ts';

export interface IngestTarget {
  readonly database: string;
  readonly table: string;
  readonly query: URLSearchParams;
  readonly body: Uint8Array | undefined;
}

/** One request may carry this much, not compressed. @see Kusto "Streaming ingestion", limitations */
export const streamingBytesMax = 4 * 1024 * 1024;

/** Takes the rows of one request in: all or none, durable when answered. */
export async function ingestRequest(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  target: IngestTarget,
): Promise<void> {
  const { access, request, reply } = admitted;
  if (!access.streamingIngestEnabled) {
    throw kustoError(
      'streamingOffOnCluster',
      `Streaming ingestion is not enabled on cluster '${ports.host.clusterName}'. Set enableStreamingIngest on it first.`,
    );
  }
  const data = await syncedData(ports.host, access);
  const database = requireIngestion(access, data, target.database, target.table);
  const format = parameter(target.query, 'streamFormat');
  const mappingName = parameter(target.query, 'mappingName');
  const { clientRequestId } = request.correlation;
  await withLimits(
    ports,
    admitted,
    commandTimeoutMs,
    { text: '', database: database.name, kind: 'ingestion' },
    counted(ports, admitted, { database: database.name, table: target.table, format, mappingName }, async (signal) => {
      if (format === undefined)
        throw kustoError(
          'ingestionProperty',
          'Request is invalid and cannot be processed: the parameter streamFormat is missing.',
        );
      const isUri = parameter(target.query, 'sourceKind')?.toLowerCase() === 'uri';
      const body = await plainBody(target.body, request.headers['content-encoding']);
      try {
        const wanted = {
          database: database.name,
          table: target.table,
          format,
          ...(mappingName === undefined ? {} : { mappingName }),
          ...(clientRequestId === undefined ? {} : { requestId: clientRequestId }),
          kind: 'streaming',
          signal,
          by: {
            principal: access.caller.fqn,
            user: access.caller.displayName,
            rootActivityId: parseGuid(request.correlation.requestId) ?? newGuid(ports.randomBytes),
            operationKind: 'DataIngestStreaming',
          },
        } as const;
        const bytes = body.byteLength;
        const result = isUri
          ? await data.ingestFrom({
              ...wanted,
              sources: [ports.sourceOf(sourceUri(body), { usage: undefined, database: database.name })],
            })
          : { ...(await data.ingest({ ...wanted, body })), bytes };
        const { status = 'Inactive', failure } = result.updates ?? {};
        await reply.type('application/json; charset=utf-8').send(
          oneTable(
            [
              { name: 'ConsumedRecordsCount', type: 'long' },
              { name: 'UpdatePolicyStatus', type: 'string' },
              { name: 'UpdatePolicyFailureCode', type: 'string' },
              { name: 'UpdatePolicyFailureReason', type: 'string' },
            ],
            [JSON.stringify([result.rowCount, status, failure?.code ?? 'Unknown', failure?.reason ?? null])],
          ),
        );
        return { rows: result.repeated ? 0 : result.rowCount, bytes: result.bytes };
      } finally {
        zeroBytes(body);
      }
    }),
  );
}

/** Keeps what came of a request, for `.show streamingingestion statistics` and `failures`. */
const counted =
  (
    ports: DataPlanePorts,
    { access, request }: AdmittedRequest,
    what: Pick<Streamed, 'database' | 'table' | 'format' | 'mappingName'>,
    work: (signal: AbortSignal) => Promise<Pick<Streamed, 'rows' | 'bytes'>>,
  ) =>
  async (signal: AbortSignal): Promise<void> => {
    const startedMs = ports.monotonicMs();
    const told = { ...what, principal: access.caller.fqn };
    const when = () => ({ on: ports.clock.now(), milliseconds: ports.monotonicMs() - startedMs });
    try {
      const done = await work(signal);
      ports.streamed.add({ ...told, ...done, ...when() });
    } catch (error) {
      const cause: unknown = signal.aborted ? signal.reason : error;
      const known = translateError(cause, '', what.database);
      const failure = {
        kind: known?.permanent === true ? ('Permanent' as const) : ('Transient' as const),
        code:
          (cause instanceof DataError ? cause.malformed : undefined) ?? known?.code ?? 'General_InternalServerError',
        details: known?.message ?? 'An internal error occurred.',
        rootActivityId: parseGuid(request.correlation.requestId) ?? newGuid(ports.randomBytes),
      };
      ports.streamed.add({ ...told, rows: 0, bytes: 0, ...when(), failure });
      throw error;
    }
  };

/** `{"SourceUri": "…"}` @throws KustoError `badRequest` */
function sourceUri(body: Uint8Array): string {
  let sent: unknown;
  try {
    sent = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    sent = undefined;
  }
  const found = typeof sent === 'object' && sent !== null ? Object.entries(sent) : [];
  const uri: unknown = found.find(([name]) => name.toLowerCase() === 'sourceuri')?.[1];
  if (typeof uri === 'string' && uri !== '') return uri;
  throw kustoError(
    'badRequest',
    "Request is invalid and cannot be processed: with sourceKind=uri the body is a JSON object with 'SourceUri'.",
  );
}

/** Names of parameters differ in case between clients. @returns undefined when it is missing or empty */
function parameter(query: URLSearchParams, name: string): string | undefined {
  for (const [key, value] of query) if (key.toLowerCase() === name.toLowerCase() && value !== '') return value;
  return undefined;
}

const unzip = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate) } as const;

/** @throws KustoError `payloadTooLarge` | `badRequest` */
async function plainBody(body: Uint8Array | undefined, encoding: string | undefined): Promise<Uint8Array> {
  const sent = body ?? new Uint8Array();
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity' || name === '') {
    if (sent.byteLength > streamingBytesMax) throw tooLarge();
    return sent;
  }
  if (!Object.hasOwn(unzip, name)) {
    throw kustoError(
      'badRequest',
      'Request is invalid and cannot be processed: the content encoding of the body is not supported. Use gzip or none.',
    );
  }
  try {
    return await unzip[name as keyof typeof unzip](sent, { maxOutputLength: streamingBytesMax });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw kustoError('badRequest', 'Request is invalid and cannot be processed: the body could not be decompressed.');
  } finally {
    zeroBytes(sent);
  }
}

const tooLarge = () =>
  kustoError(
    'payloadTooLarge',
    `The data is larger than the ${streamingBytesMax} bytes that one streaming ingestion may carry.`,
  );
