import type { FastifyRequest } from 'fastify';
import type { FollowerChange, FollowerConfiguration } from '../../authz/follower-overrides.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { instant, toIso } from '../../clock/clock.ts';
import type { CommandAnswer, CommandTable } from '../../database/commands/command.ts';
import type { CommandContext, FollowerSettings, RoleSettings } from '../../database/commands/command-context.ts';
import { runCommand } from '../../database/commands/run-command.ts';
import { unixEpochTicks, ticksPerMillisecond } from '../../kql/values/ticks.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { ExportPlaces } from '../../database/exports/export-places.ts';
import { ingestionEndpoint } from './storage/ingestion-resources.ts';
import { syncedData } from './cluster-host.ts';
import { clientRequestIdOf, errorContext } from './kusto-app.ts';
import { kustoError, oneApiError } from './errors/kusto-error.ts';
import { AnswerBody } from './answers/answer-body.ts';
import type { TruncationLimits } from './answers/truncation.ts';
import { truncationLimits } from './answers/truncation.ts';
import { tablesV1 } from './answers/v1.ts';
import type { EncodedResult } from './answers/write-results.ts';
import { writeResults } from './answers/write-results.ts';
import type { KustoRequest } from './requests/request-body.ts';
import type { RequestLimits } from '../../database/catalog/workload-group.ts';
import { queryLimits } from './requests/group-limits.ts';
import { commandTimeoutMs } from './requests/request-options.ts';
import { failureOf, withLimits } from './request-limits.ts';
import { encodingsOf, resourceText, stringHeaders } from './run-query.ts';
import { encodeRows } from '../../kql/row-json.ts';
import { defaultRateLimit, setLimits } from './requests/request-capacity.ts';
import type { RunningPlace } from './requests/request-queue.ts';
import { requestsEverywhere } from './requests/requests-everywhere.ts';
import { callerStorage } from './caller-storage.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

/** Runs a management command. Its answer goes out when the command is done, so every failure has its own status. */
export async function runCommandRequest(
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  sent: KustoRequest,
): Promise<void> {
  const { request, reply } = admitted;
  if (isReadOnly(request, sent) && !/^(?:\s|\/\/[^\n]*(?:\n|$))*\.\s*show\b/i.test(sent.text)) {
    throw kustoError(
      'forbidden',
      'The request is read-only (request_readonly), and this command may change something.',
    );
  }
  await withLimits(
    ports,
    admitted,
    commandTimeoutMs,
    { ...sent, kind: 'command' },
    async (signal, { place, limits, workloadGroup }) => {
      const context = await commandContext(ports, admitted, sent, { signal, place, workloadGroup, limits });
      const startedMs = ports.monotonicMs();
      const answer = await runCommand(context, sent.text);
      await ports.lease.require();
      const text = await answerText(ports, admitted, answer, {
        ...{ signal, sent, limits: truncationLimits(sent.options, limits) },
        milliseconds: ports.monotonicMs() - startedMs,
      });
      reply.hijack();
      const headers = { ...stringHeaders(reply.getHeaders()), 'content-type': 'application/json; charset=utf-8' };
      const body = new AnswerBody(reply.raw, headers, encodingsOf(request.headers['accept-encoding']));
      await body.write(text, signal).catch(() => undefined); // the client has gone; the command is done all the same
      body.end();
    },
  );
}

interface Answering {
  readonly signal: AbortSignal;
  readonly sent: KustoRequest;
  /** Rows beyond them are cut off, and the answer says so. */
  readonly limits: TruncationLimits;
  /** That the command took. */
  readonly milliseconds: number;
}

/** One table, or what a query over it gave as any query's answer. */
async function answerText(
  ports: DataPlanePorts,
  { access, request }: AdmittedRequest,
  answer: CommandAnswer,
  { signal, sent, limits, milliseconds }: Answering,
): Promise<string> {
  const timestamp = toIso(instant(access.now));
  const context = errorContext(request, timestamp);
  const { queried } = answer;
  const pieces: string[] = [];
  await writeResults((queried?.tables ?? [answer]).map(encoded), {
    format: tablesV1(queried === undefined ? 'command' : 'query', () => newGuid(ports.randomBytes)),
    limits,
    takeMax: Infinity,
    deferFailures: queried !== undefined && sent.options.deferPartialFailures,
    write: (piece) => Promise.resolve(void pieces.push(piece)),
    requireLease: () => ports.lease.require(),
    translate: (error) => failureOf(ports, error, signal, sent),
    becomesAnswer: () => true,
    errorJson: (error) => JSON.stringify(oneApiError(error, context)),
    completion: (tables) => ({
      timestamp,
      clientRequestId: clientRequestIdOf(request.correlation),
      activityId: request.correlation.requestId,
      resources: queried === undefined ? '' : resourceText(milliseconds, queried.scanned, tables),
    }),
  });
  return pieces.join('');
}

const encoded = ({ columns, rows, visualization }: CommandTable, index: number): EncodedResult => ({
  name: `Table_${index}`,
  columns,
  chunks: [encodeRows(columns, columnsOf(columns.length, rows))],
  ...(visualization && { visualization }),
});

/** By an option, or by a header whatever it says, as long as it is not `false`. */
const isReadOnly = ({ headers }: FastifyRequest, { options }: KustoRequest): boolean =>
  options.readonly ||
  options.readonlyHardline ||
  (headers['x-ms-readonly'] !== undefined && String(headers['x-ms-readonly']).toLowerCase() !== 'false');

const commandContext = (
  ports: DataPlanePorts,
  admitted: AdmittedRequest,
  sent: KustoRequest,
  {
    limits,
    ...granted
  }: {
    readonly signal: AbortSignal;
    readonly place: RunningPlace;
    readonly limits: RequestLimits;
    readonly workloadGroup: string;
  },
): Promise<CommandContext> => {
  const { access, request, endpoint } = admitted;
  const storage = callerStorage(ports, admitted, sent.options.noImpersonation);
  return openContext({ ...ports, ...storage }, access, {
    database: sent.database,
    barred: sent.options.barred,
    clientRequestId: clientRequestIdOf(request.correlation),
    activityId: parseGuid(request.correlation.requestId) ?? request.correlation.requestId,
    followers: followerSettings(ports, request.headers.authorization),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...queryLimits(limits, sent.options),
    ...granted,
  });
};

/** The main process finds out anew who asks, and decides. */
function followerSettings({ call }: DataPlanePorts, authorization = ''): FollowerSettings {
  const ask = async (
    databases: readonly string[],
    change?: FollowerChange,
  ): Promise<readonly FollowerConfiguration[]> => {
    const answer = await call('follower', { authorization, databases, ...(change === undefined ? {} : { change }) });
    if (answer.outcome === 'told') return answer.databases;
    const isOurs = answer.kind === 'badRequest';
    throw kustoError(answer.kind, `${isOurs ? 'Request is invalid and cannot be processed: ' : ''}${answer.message}`);
  };
  return { tell: (databases) => ask(databases), change: (database, change) => ask([database], change) };
}

/** The main process finds out anew what the caller may do with roles of a database. */
const roleSettings = ({ call }: DataPlanePorts, { caller }: AllowedRequest, requestId: Guid): RoleSettings => ({
  change: async (change, status) => {
    const { objectId, tenantId, fqn } = caller;
    const asking = { objectId, tenantId, isUser: fqn.startsWith('aaduser=') };
    const answer = await call('role', {
      ...{ caller: asking, requestId, change },
      ...(status === undefined ? {} : { status }),
    });
    if (answer.outcome === 'done') return answer;
    const isOurs = answer.kind === 'badRequest';
    throw kustoError(answer.kind, `${isOurs ? 'Request is invalid and cannot be processed: ' : ''}${answer.message}`);
  },
});

type QueryLimits = 'memoryBytes' | 'hotOnly' | 'threadsPercent';

/** What a command works with, for whoever was let in. */
export async function openContext(
  ports: DataPlanePorts,
  access: AllowedRequest,
  {
    place,
    workloadGroup,
    ...about
  }: Pick<
    CommandContext,
    'database' | 'barred' | 'clientRequestId' | 'activityId' | 'followers' | 'endpoint' | QueryLimits
  > & {
    readonly signal: AbortSignal;
    readonly place: RunningPlace;
    /** Absent: `default`. */
    readonly workloadGroup?: string;
  },
): Promise<CommandContext> {
  const data = await syncedData(ports.host, access);
  const { machines } = access;
  return {
    ...access,
    data,
    engine: ports.host.engine,
    ...about,
    cluster: clusterFacts(ports),
    ...(access.following === undefined && {
      ingestion: ingestionOf(ports, data, access),
      roles: roleSettings(ports, access, about.activityId),
      identities: () => ports.call('identities', {}),
      streamed: () => ports.streamed.list(ports.clock.now()),
    }),
    clock: ports.clock,
    randomBytes: ports.randomBytes,
    sourceOf: ports.sourceOf,
    results: ports.results,
    exports: exportPlaces(ports, access.caller, about.activityId),
    requests: {
      ...requestsEverywhere(ports.running, ports.call),
      capacity: (scope) =>
        ports.running.capacity({ machines, ...setLimits(data) }, scope === 'cluster' ? undefined : workloadGroup),
      defaultRateLimit: () => defaultRateLimit(machines),
    },
    background: (work) => {
      const giveBack = place.handOn();
      const done = ports.activity.begin();
      work()
        .catch((error: unknown) => ports.log.failure('background command failed', error))
        .finally(() => {
          giveBack();
          done();
        });
    },
  };
}

export function clusterFacts({ settings, startedAt }: Pick<DataPlanePorts, 'settings' | 'startedAt'>) {
  const { version, hosts, clusterName } = settings;
  return {
    name: clusterName,
    uri: `https://${hosts[0] ?? ''}`,
    version: version.version,
    builtAt: instant(Number((version.builtAt - unixEpochTicks) / ticksPerMillisecond)),
    startedAt: startedAt(),
  };
}

/** @param caller whom the audit log names */
export function exportPlaces(
  { call, lease, targetOf }: Pick<DataPlanePorts, 'call' | 'lease' | 'targetOf'>,
  { objectId, tenantId, displayName }: Pick<CommandContext['caller'], 'objectId' | 'tenantId' | 'displayName'>,
  activityId: Guid,
): ExportPlaces {
  return {
    targetOf,
    ended: lease.ended,
    tell: async (note) => {
      const answer = await call('exported', { ...note, activityId, caller: { objectId, tenantId, displayName } });
      if (answer.outcome === 'refused') throw kustoError('unavailable', answer.message);
    },
  };
}

/** Commands give rows, the encoder takes columns. */
const columnsOf = (width: number, rows: readonly (readonly NativeValue[])[]): NativeValue[][] =>
  Array.from({ length: width }, (_, column) => rows.map((row) => row[column] ?? null));

const ingestionOf = ({ settings, wallClock, queued }: DataPlanePorts, data: ClusterData, { caller }: AllowedRequest) =>
  ingestionEndpoint(
    data.queued,
    { clusterId: settings.clusterId, caller, isUser: caller.fqn.startsWith('aaduser=') },
    wallClock,
    queued,
  );
