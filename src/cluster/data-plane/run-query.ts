import { newGuid } from '../../base/new-guid.ts';
import { untilAborted } from '../../base/until-aborted.ts';
import { step } from '../../http/tracing/tracer.ts';
import { instant, toIso } from '../../clock/clock.ts';
import { ticksOfUnixMilliseconds } from '../../kql/values/ticks.ts';
import { missingDatabase } from '../../kql/plan/kql-error.ts';
import type { QueryExecution } from '../../kql/query-engine.ts';
import type { QueryRequest, ScanCounts } from '../../kql/query-request.ts';
import type { KqlCatalog } from '../../kql/plan/catalog.ts';
import { AnswerBody } from './answers/answer-body.ts';
import { syncedData } from './cluster-host.ts';
import { requireDatabase } from './database-access.ts';
import { framesV2 } from './answers/v2.ts';
import { clientRequestIdOf, errorContext } from './kusto-app.ts';
import type { SentText } from './errors/kusto-error.ts';
import { kustoError, oneApiError } from './errors/kusto-error.ts';
import { withForcedSecurity } from '../../database/catalog/views.ts';
import { readable } from './readable.ts';
import type { KustoRequest } from './requests/request-body.ts';
import { failureOf, withLimits } from './request-limits.ts';
import { cacheMaxAgeMsOf, queryLimits } from './requests/group-limits.ts';
import type { RequestOptions } from './requests/request-options.ts';
import { queryTimeoutMs, withSetStatements } from './requests/request-options.ts';
import type { FromCache, ResultFormat } from './answers/result-format.ts';
import { tablesV1 } from './answers/v1.ts';
import { truncationLimits } from './answers/truncation.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { RequestLimits } from '../../database/catalog/workload-group.ts';
import { defaultGroup } from '../../database/catalog/workload-group.ts';
import type { RunningPlace } from './requests/request-queue.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import type { EncodedResult, WrittenTable } from './answers/write-results.ts';
import { encodedResults, writeResults } from './answers/write-results.ts';
import { callerStorage } from './caller-storage.ts';
import type { AnswerPlace } from './cached-answers.ts';
import { answerPlace } from './cached-answers.ts';
import type { CachedAnswer } from './answers/results-cache.ts';

/** Runs a query and writes its results. Failures before the first byte are thrown, later ones are part of the answer. */
export async function runQueryRequest(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  sent: KustoRequest,
  version: 'v1' | 'v2',
): Promise<void> {
  const { access } = admitted;
  const database = isNoDatabase(sent.database) ? noDatabase : requireDatabase(access, sent.database, 'read').name;
  const now = sent.options.now ?? ticksOfUnixMilliseconds(access.now);
  await withLimits(
    ports,
    admitted,
    queryTimeoutMs,
    { ...sent, kind: 'query' },
    async (signal, { place, limits, workloadGroup }) => {
      const startedMs = ports.monotonicMs();
      await untilAborted(asStrongAsSet(ports, admitted, workloadGroup), signal);
      const data = await untilAborted(syncedData(ports.host, access), signal);
      const principal = access.caller.fqn;
      const { sourceOf } = callerStorage(ports, admitted, sent.options.noImpersonation);
      const { catalog: seen, sources } = readable(access, data, sourceOf, sent.options.barred);
      const catalog = sent.options.forceRowLevelSecurity ? withForcedSecurity(seen) : seen;
      const query: QueryRequest = {
        text: sent.text,
        database,
        catalog: database === noDatabase ? withNoDatabase(catalog) : catalog,
        parameters: sent.parameters,
        now,
        principal,
        principalDetails: access.caller,
        memberOf: access.caller.memberOf,
        cursor: data.cursor(),
        bestEffort: sent.options.bestEffort,
        cursors: sent.options.cursors,
        rowsAs: 'json',
        ...queryLimits(limits, sent.options),
        signal,
        sources,
      };
      const consistency = consistencyOf(data, workloadGroup);
      const cacheMaxAgeMs = cacheMaxAgeMsOf(limits, consistency, sent.options.cacheMaxAgeMs);
      const aged = cacheMaxAgeMs === undefined ? sent.options : { ...sent.options, cacheMaxAgeMs };
      // What is kept is cleared by commands, which do not come to a process that only reads.
      const kept =
        ports.settings.writer === undefined && answerPlace(ports, access, data, { ...sent, options: aged }, query);
      const cache = kept ? await untilAborted(kept, signal) : undefined;
      const execution =
        cache?.found === undefined
          ? await step(ports.log.tracer, 'engine query', () => execute(ports, access, query))
          : again(cache.found);
      try {
        await untilAborted(ports.lease.require(), signal);
        const options = withSetStatements(sent.options, execution.options);
        const format = version === 'v1' ? tablesV1('query', () => newGuid(ports.randomBytes)) : framesV2(sent.options);
        await answer(ports, admitted, {
          ...{ execution, options, format, signal, startedMs, sent, place, limits, workloadGroup },
          ...(cache && { cache }),
        });
      } finally {
        execution.close();
      }
    },
  );
}

/** Who may not choose a weak consistency waits for what was committed before the request.
 * @throws KustoError `unavailable` */
async function asStrongAsSet(ports: DataPlanePorts, admitted: AdmittedRequest, group: string): Promise<void> {
  if (admitted.isCurrent === undefined) return;
  const set = consistencyOf(await ports.host.data(), group).QueryConsistency;
  if (set?.Value !== 'Strong' || set.IsRelaxable) return;
  if (!(await admitted.isCurrent)) throw kustoError('unavailable', 'The cluster may not use its key now.');
}

const consistencyOf = (data: Pick<ClusterData, 'workloadGroup'>, group: string) => ({
  ...data.workloadGroup(defaultGroup)?.QueryConsistencyPolicy,
  ...data.workloadGroup(group)?.QueryConsistencyPolicy,
});

/** @throws KustoError `forbidden` for a query that names a database which is there, but not for this caller */
async function execute(ports: DataPlanePorts, access: AllowedRequest, request: QueryRequest): Promise<Answered> {
  try {
    const execution = await ports.host.engine.execute(request);
    return {
      ...{ options: execution.options, scanned: execution.scanned, warnings: execution.warnings },
      close: () => execution.close(),
      results: encodedResults(execution.results),
    };
  } catch (error) {
    const lower = missingDatabase(error)?.toLowerCase();
    if (access.databases.some(({ name }) => name.toLowerCase() === lower)) requireDatabase(access, lower ?? '', 'read');
    const elsewhere =
      access.following?.others ??
      access.followed?.filter(({ roles }) => roles.length > 0).map(({ name }) => name) ??
      [];
    if (elsewhere.some((name) => name.toLowerCase() === lower))
      throw kustoError(
        'notBuilt',
        `Request is invalid and cannot be processed: a query over databases of two clusters, one of which follows the other, is not built in Kustody (database '${lower ?? ''}').`,
      );
    throw error;
  }
}

/** Clients name this database when their user names none. It is there on every cluster, has nothing in it and is never listed. */
const noDatabase = 'NetDefaultDB';
const isNoDatabase = (name: string): boolean => name === '' || name.toLowerCase() === noDatabase.toLowerCase();
const withNoDatabase = (catalog: KqlCatalog): KqlCatalog => ({
  ...catalog,
  version: `${catalog.version} ${noDatabase}`,
  databases: [...catalog.databases, { name: noDatabase, tables: [], functions: [] }],
});

/** What answers a query. */
interface Answered extends Pick<QueryExecution, 'options' | 'scanned' | 'warnings' | 'close'> {
  readonly results: readonly EncodedResult[];
}

/** What was answered before; limits of the answer in the text are the same ones. */
const again = ({ results, options, warnings }: CachedAnswer): Answered => ({
  ...{ options, warnings },
  results: results.map(({ rows, ...head }) => ({ ...head, chunks: [rows] })),
  scanned: { extents: 0, extentsScanned: 0, rows: 0, rowsScanned: 0 },
  close: () => undefined,
});

interface Answering {
  readonly execution: Answered;
  /** Where the answer is kept for others, or comes from. */
  readonly cache?: AnswerPlace;
  readonly options: RequestOptions;
  readonly format: ResultFormat;
  readonly signal: AbortSignal;
  readonly startedMs: number;
  readonly sent: SentText;
  readonly place: Pick<RunningPlace, 'measured'>;
  readonly limits: RequestLimits;
  readonly workloadGroup: string;
}

async function answer(
  ports: DataPlanePorts,
  { access, request, reply }: AdmittedRequest,
  answering: Answering,
): Promise<void> {
  const { execution, options, format, signal, startedMs, sent, place, limits, workloadGroup, cache } = answering;
  const timestamp = toIso(instant(access.now));
  const context = errorContext(request, timestamp);
  const headers = { ...stringHeaders(reply.getHeaders()), 'content-type': 'application/json; charset=utf-8' };
  const kept =
    cache?.found === undefined ? cache?.collect(execution, clientRequestIdOf(request.correlation)) : undefined;
  const body = new AnswerBody(reply.raw, headers, encodingsOf(request.headers['accept-encoding']));
  try {
    await writeResults(execution.results, {
      format,
      limits: truncationLimits(options, limits),
      takeMax: options.takeMaxRecords ?? Infinity,
      deferFailures: options.deferPartialFailures,
      write: (piece) => body.write(piece, signal),
      requireLease: () => untilAborted(ports.lease.require(), signal),
      translate: (error) => failureOf(ports, error, signal, sent),
      becomesAnswer: ({ kind }) => !body.begun && (kind === 'suspended' || kind === 'stopped'),
      ...kept,
      ...(cache?.found && { fromCache: toldOf(cache.found) }),
      errorJson: (error) => JSON.stringify(oneApiError(error, context)),
      completion: (tables) => {
        place.measured({ scanned: execution.scanned, tables });
        return {
          timestamp,
          workloadGroup,
          clientRequestId: clientRequestIdOf(request.correlation),
          activityId: request.correlation.requestId,
          warnings: execution.warnings,
          resources: resourceText(ports.monotonicMs() - startedMs, execution.scanned, tables),
        };
      },
    });
    reply.hijack();
    body.end();
  } catch (error) {
    if (!body.begun) throw error;
    reply.hijack();
    // The status is out: a connection that breaks is the only way left to say that the answer is not whole.
    ports.log.failure('answer broke off', error);
    reply.raw.destroy();
  }
}

const toldOf = ({ clientRequestId, startedOn }: CachedAnswer): FromCache => ({
  clientRequestId,
  startedOn: toIso(startedOn),
});

export const encodingsOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header : '';

export const stringHeaders = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );

/** As the service tells it; processor time and caches are not measured. */
export function resourceText(milliseconds: number, scanned: ScanCounts, tables: readonly WrittenTable[]): string {
  return JSON.stringify({
    ExecutionTime: milliseconds / 1000,
    resource_usage: {
      cache: { memory: { hits: 0, misses: 0, total: 0 }, disk: { hits: 0, misses: 0, total: 0 } },
      cpu: { user: '00:00:00', kernel: '00:00:00', 'total cpu': '00:00:00' },
      memory: { peak_per_node: 0 },
    },
    input_dataset_statistics: {
      extents: { total: scanned.extents, scanned: scanned.extentsScanned },
      rows: { total: scanned.rows, scanned: scanned.rowsScanned },
    },
    dataset_statistics: tables.map(({ rows, bytes }) => ({ table_row_count: rows, table_size: bytes })),
  });
}
