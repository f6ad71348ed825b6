import type { FastifyReply, FastifyRequest } from 'fastify';
import { invariant } from '../../base/invariant.ts';
import { StorageFullError } from '../../base/storage-full.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';
import { instant, toIso } from '../../clock/clock.ts';
import { DataError, CommitRefusedError } from '../../database/catalog/data-error.ts';
import { accountNames, readStorageHost } from '../../database/queued/storage-accounts.ts';
import type { StorageService } from '../../database/queued/storage-accounts.ts';
import { StorageRefusal } from '../../database/queued/storage-refusal.ts';
import { MemoryFilesFullError } from '../../encryption/extent-files/memory-file.ts';
import { BodyRoom } from '../../http/body-room.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { Plane } from '../../http/plane.ts';
import type { Guid } from '../../base/guid.ts';
import { KustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';
import { blobOperations } from './storage/blob-operations.ts';
import { queueOperations } from './storage/queue-operations.ts';
import type { SasResource } from './storage/sas.ts';
import { checkSas } from './storage/sas.ts';
import { StorageError, storageErrorAnswer } from './storage/storage-errors.ts';
import type { StorageOperation } from './storage/storage-operation.ts';
import { tableOperations } from './storage/table-operations.ts';

/** Of all requests at the same time: it is memory. */
const roomBytes = 512 * 1024 * 1024;

export const storageOperations: readonly StorageOperation[] = [
  ...blobOperations,
  ...queueOperations,
  ...tableOperations,
];

export interface StorageAppPorts extends Pick<
  DataPlanePorts,
  'call' | 'lease' | 'host' | 'clock' | 'log' | 'randomBytes'
> {
  readonly clusterId: Guid;
  /** Signatures end by it, as tokens do. */
  readonly wallClock: () => number;
  /** Something was put into the queue. */
  readonly queued: () => void;
}

/** The storage accounts of the cluster: what clients that ingest ask of Azure Storage, and nothing more. */
export function createStorageApp(ports: StorageAppPorts): Pick<Plane, 'name' | 'handle' | 'answerConnectionFailure'> {
  const accounts = accountNames(ports.clusterId);
  const room = new BodyRoom(roomBytes);
  const about = (request?: FastifyRequest) => ({
    requestId: request?.correlation.requestId ?? '',
    time: toIso(instant(ports.wallClock())),
  });
  const { app, toPlane } = createPlaneApp({
    name: 'storage',
    log: ports.log,
    randomBytes: ports.randomBytes,
    bodies: 'stream',
    renderError: (error, request) => {
      const known = storageErrorOf(error);
      return known && storageErrorAnswer(known, serviceOf(request), about(request));
    },
    renderFailure: (failure, request) => {
      const code =
        failure.status === 503 || failure.status === 429
          ? 'ServerBusy'
          : failure.status >= 500
            ? 'InternalError'
            : 'InvalidUri';
      return storageErrorAnswer(new StorageError(code), serviceOf(request), about(request));
    },
    answerHeaders: ({ requestId, clientRequestId }) => ({
      'x-ms-request-id': requestId,
      ...(clientRequestId === undefined ? {} : { 'x-ms-client-request-id': clientRequestId }),
    }),
  });
  app.route({
    method: ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'],
    url: '/*',
    handler: (request, reply) => run(ports, { accounts, room }, request, reply),
  });
  return toPlane(() => 'serve');
}

const versionPattern = /^20\d\d-\d\d-\d\d$/;

async function run(
  ports: StorageAppPorts,
  { accounts, room }: { readonly accounts: readonly string[]; readonly room: BodyRoom },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const version = request.headers['x-ms-version'];
  if (version !== undefined && (typeof version !== 'string' || !versionPattern.test(version)))
    throw new StorageError('InvalidHeaderValue');
  if (version !== undefined) void reply.header('x-ms-version', version);
  const host = readStorageHost(hostOf(request));
  invariant(host !== undefined, 'the edge sends hosts of accounts here');
  const account = accounts.indexOf(host.account);
  invariant(account >= 0, 'a process is sent the hosts of its own cluster');
  const { name, rest, query } = addressOf(request.raw.url ?? '', host.service);
  const resource = { ...host, name };

  // Whether the cluster may use its key is asked before anything that depends on it, and the time comes along.
  const extend = ports.lease.asking();
  const { leaseMs, now } = await ports.call('renew', {});
  if (leaseMs <= 0) throw new StorageError('ServerBusy');
  extend(leaseMs);
  ports.clock.tell(now);
  ports.host.tell(instant(now));
  const { queued: storage } = await ports.host.data();
  const permissions = permissionsOf(ports, storage.keys()?.accounts[account], resource, request, query);
  const operation = storageOperations.find((one) => isFor(one, host.service, request.method, rest, query));
  request.operationId = operation?.id;
  if (operation === undefined) throw new StorageError('NotImplemented', `${request.method} of this resource.`);
  if (!operation.permissions.split('').some((letter) => permissions.includes(letter)))
    throw new StorageError('AuthorizationPermissionMismatch');
  await operation.run({
    ...{ request, reply, storage, account, accountName: host.account, name, rest, query },
    body: (bytesMax) => bodyOf(request, bytesMax, room),
    at: ports.wallClock(),
    queued: ports.queued,
  });
}

/** A signature is the only way in: an account's key leaves the cluster never, and tokens are no way to these accounts in Azure either.
 * @throws StorageError */
function permissionsOf(
  ports: StorageAppPorts,
  key: string | undefined,
  resource: SasResource,
  request: FastifyRequest,
  query: URLSearchParams,
): string {
  const { authorization } = request.headers;
  if (authorization !== undefined)
    throw new StorageError(/^bearer\b/i.test(authorization) ? 'InvalidAuthenticationInfo' : 'AuthenticationFailed');
  if (key === undefined || !query.has('sig')) throw new StorageError('NoAuthenticationInformation');
  const verdict = checkSas(Buffer.from(key, 'base64url'), resource, query, ports.wallClock());
  if (verdict.outcome !== 'granted') throw new StorageError('AuthenticationFailed');
  return verdict.permissions;
}

function isFor(
  operation: StorageOperation,
  service: StorageService,
  method: string,
  rest: string,
  query: URLSearchParams,
): boolean {
  if (operation.service !== service || operation.method !== method || !operation.rest.test(rest)) return false;
  if ((query.get('comp') ?? undefined) !== operation.comp || query.has('restype')) return false;
  return operation.matches?.(query) ?? true;
}

const hostOf = ({ headers }: FastifyRequest): string => (headers.host ?? '').toLowerCase().replace(/:\d+$/, '');

const serviceOf = (request: FastifyRequest | undefined): StorageService =>
  (request && readStorageHost(hostOf(request))?.service) ?? 'blob';

/** `/{container or queue}/{rest}`, or `/{table}{rest}`. @throws StorageError `InvalidUri` */
function addressOf(url: string, service: StorageService): { name: string; rest: string; query: URLSearchParams } {
  const [path = '', search = ''] = url.split(/\?(.*)/s);
  const pattern = service === 'table' ? /^\/([A-Za-z0-9]*)(.*)$/ : /^\/([^/]*)\/?(.*)$/s;
  const [, name = '', rest = ''] = pattern.exec(path) ?? [];
  try {
    return { name: decodeURIComponent(name), rest: decodeURIComponent(rest), query: new URLSearchParams(search) };
  } catch {
    throw new StorageError('InvalidUri');
  }
}

/** @throws StorageError */
async function* bodyOf(request: FastifyRequest, bytesMax: number, room: BodyRoom): AsyncGenerator<Uint8Array> {
  if (Number(request.headers['content-length']) > bytesMax) throw new StorageError('RequestBodyTooLarge');
  let length = 0;
  try {
    for await (const piece of request.raw as AsyncIterable<Uint8Array>) {
      length += piece.byteLength;
      if (length > bytesMax) throw new StorageError('RequestBodyTooLarge');
      if (!room.take(request.raw, piece.byteLength)) throw new StorageError('ServerBusy');
      yield piece;
    }
  } finally {
    room.release(request.raw);
  }
}

/** @returns undefined for what is our own fault */
function storageErrorOf(error: unknown): StorageError | undefined {
  if (error instanceof StorageError) return error;
  if (error instanceof StorageRefusal) return new StorageError(error.code);
  const isUnavailable =
    error instanceof CommitRefusedError ||
    error instanceof StorageFullError ||
    error instanceof BlobsUnavailableError ||
    error instanceof MemoryFilesFullError ||
    (error instanceof KustoError && error.status === 503) ||
    (error instanceof DataError && error.code === 'DatabaseLocked');
  return isUnavailable ? new StorageError('ServerBusy') : undefined;
}
