import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { AuditLog } from '../../audit/audit-log.ts';
import { RepeatedEvents } from '../../audit/repeated-events.ts';
import type { Caller, VerifyToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import type { HostName, VaultName } from '../../base/names.ts';
import { parseVaultName } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';
import type { Log } from '../../http/logging.ts';
import { vaultBodyRules } from './body-rules.ts';
import { NamedResponse, takeHead, writeNamedHead } from '../../http/named-response.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import { clientAddressOf } from '../../http/client-address.ts';
import type { HostClaim, Plane } from '../../http/plane.ts';
import { existsAtAll } from '../../state/list-all.ts';
import type { State } from '../../state/state.ts';
import { auditedClient } from '../audited-operation.ts';
import type { AllowedByRole } from '../authorization.ts';
import type { VaultFault } from '../faults.ts';
import { faultError } from '../faults.ts';
import { createCertificateLifetimes } from '../certificates/certificate-lifetimes.ts';
import { createKeyRotation } from '../keys/key-rotation.ts';
import type { CollectionOperation, VaultOperation } from '../objects/operation.ts';
import { createDeletions } from '../objects/deletions.ts';
import type { DueWorkServices } from '../objects/due-work.ts';
import { createRetention, purgeVaultContents } from '../objects/retention.ts';
import { createVaultLimits } from '../limits.ts';
import { plainAddress } from '../network-rules.ts';
import { createPrivateKeyCache } from '../material/private-keys.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import type { RsaThreads } from '../rsa/rsa-threads.ts';
import type { ManageVault } from './managed-call.ts';
import { createManageVault } from './managed-call.ts';
import type { VaultRunner } from './run-operation.ts';
import { runVaultOperation } from './run-operation.ts';
import { objectKinds, otherTables, vaultOperations } from './vault-operations.ts';
import { sendSecret } from '../secret-answer.ts';
import { checkToken } from '../token-check.ts';
import type { VaultDirectory, VaultSettings } from '../vault-directory.ts';
import type { Reached } from './answers.ts';
import {
  answerHeaders,
  assignmentHeader,
  readApiVersion,
  readQuery,
  renderVaultError,
  renderVaultFailure,
  textHeaders,
} from './answers.ts';

export interface VaultPlaneOptions {
  readonly directory: VaultDirectory;
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly verifyToken: VerifyToken;
  readonly allowedByRole: AllowedByRole;
  /** Nobody but this server gets tokens of that principal. Default: never. */
  readonly isOurOwn?: (caller: Caller) => Soon<boolean>;
  readonly log: Log;
  /** Asked for each request before anything else; `operation` is undefined for paths that no operation takes. */
  readonly fault?: (
    vault: VaultName,
    operation: string | undefined,
  ) => VaultFault | undefined | Promise<VaultFault | undefined>;
  /** The one writer of the state's audit log. */
  readonly audit: AuditLog;
  /** Leaves no deleted value behind on disk; called after private keys and values were removed. */
  readonly compact?: () => Promise<void>;
  /** How long deletions take, by which clock. Default: they are over at once. */
  readonly deletionsTake?: { readonly milliseconds: number; readonly monotonic: Pick<MonotonicClock, 'after'> };
  /** Whether vaults have the documented limits of operations in ten seconds, and by which clock. Default: they have none. */
  readonly limits?: { readonly areOn: () => boolean; readonly monotonic: Pick<MonotonicClock, 'now'> };
  /** While true no retention is over: the clock is doubtful. */
  readonly purgesHeld?: () => boolean;
  /** Closed with the plane. */
  readonly keyPool: RsaKeyPool;
  /** Closed with the plane. */
  readonly rsaThreads: RsaThreads;
  /** Default: the address of the socket. */
  readonly clientAddress?: (request: IncomingMessage) => string;
}

export interface VaultPlane {
  readonly plane: Plane;
  /** Removes objects whose retention is over and rotates keys by their policies, now and from now on. Call at start, and when purges are no longer held. */
  startRetention(): Promise<void>;
  /** What the resource manager does in vaults. */
  readonly manage: ManageVault;
  /** Removes all that is in a vault that is purged. */
  purgeVaultContents(vaultId: Guid): Promise<void>;
  /** When nobody asks any more. */
  close(): Promise<void>;
}

const privateKeysMax = 64;
/** The backup of a key with many versions. */
const bodyBytesMax = 1024 * 1024;

/** The data plane of all vaults: `{vault}.vault.azure.net`. */
export function createVaultPlane(options: VaultPlaneOptions): VaultPlane {
  const { state, clock, directory, audit } = options;
  const { rsaThreads } = options;
  const privateKeys = createPrivateKeyCache(privateKeysMax, () => rsaThreads.forgetKeys());
  const compact = options.compact ?? (() => Promise.resolve());
  const sweep = {
    state,
    clock,
    kinds: objectKinds,
    others: otherTables,
    privateKeys,
    compact,
    held: options.purgesHeld,
  };
  const retention = createRetention(sweep);
  const { keyPool } = options;
  const { randomBytes } = options;
  const { monotonic, milliseconds = 0 } = options.deletionsTake ?? {};
  const deletions = createDeletions(monotonic, milliseconds);
  const ownWork: DueWorkServices = {
    ...{ state, clock, randomBytes, keyPool, directory, held: options.purgesHeld },
    audit,
    failed: (error) => options.log.failure('due work of a vault failed', error),
  };
  const rotation = createKeyRotation(ownWork);
  const lifetimes = createCertificateLifetimes(ownWork);
  const runner: VaultRunner = {
    services: {
      ...{ state, clock, randomBytes, keyPool, privateKeys, rsaThreads },
      ...{ retention, deletions, rotation, lifetimes, compact },
    },
    allowedByRole: options.allowedByRole,
    limits: createVaultLimits(options.limits?.monotonic, () => options.limits?.areOn() ?? false),
    audit,
    repeated: new RepeatedEvents(state, audit),
  };
  const plane = buildPlane(options, runner);
  return {
    plane: { ...plane, claim: (host) => claim(directory, host), handle: withMethodHeader(plane.handle) },
    startRetention: async () => {
      await retention.start();
      await rotation.start();
      await lifetimes.start();
    },
    manage: createManageVault(runner, directory),
    purgeVaultContents: (vaultId) => purgeVaultContents(sweep, vaultId),
    close: async () => {
      retention.stop();
      rotation.stop();
      lifetimes.stop();
      deletions.stop();
      keyPool.close();
      rsaThreads.close();
      await audit.checkpoint();
    },
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Of a request to a vault that exists. */
    reached: Reached | undefined;
    /** Of one whose token is known to be good. */
    session: Session | undefined;
  }
}

interface Session {
  readonly vault: VaultSettings;
  readonly caller: Caller;
  readonly clientAddress: string;
  readonly isOurOwn: boolean;
}

function buildPlane(options: VaultPlaneOptions, runner: VaultRunner): Plane {
  const routes = new Map<string, CollectionOperation>();
  const operationOf = (request: FastifyRequest): CollectionOperation | undefined =>
    request.is404 ? undefined : routes.get(`${request.method} ${request.routeOptions.url ?? ''}`);

  const { app, toPlane } = createPlaneApp({
    name: 'vault',
    log: options.log,
    bodyRules: vaultBodyRules,
    bodies: 'bytes',
    parsesQueries: false,
    bodyBytesMax,
    randomBytes: options.randomBytes,
    lateHeaders: ({ correlation, reached }) => answerHeaders(correlation, reached),
    renderError: renderVaultError,
    renderFailure: renderVaultFailure,
    // Nothing waits that is known: then all of this is one step.
    authenticate: (request, reply) =>
      soon(findVault(options.directory, request), (vault) => {
        const operation = operationOf(request);
        return soon(vault && options.fault?.(vault.name, operation?.id), (fault) => {
          // A name that resolves no more, between the look-up and now, is a connection that breaks.
          if (vault === undefined || fault === 'drop') {
            drop(reply);
            return;
          }
          if (fault !== undefined) throw faultError(fault);
          if (operation !== undefined) request.operationId = operation.id;
          return begin(request, vault);
        });
      }),
  });
  for (const name of ['reached', 'session']) app.decorateRequest(name, undefined);

  const begin = (request: FastifyRequest, vault: VaultSettings): Soon<void> => {
    const clientAddress = plainAddress(
      options.clientAddress?.(request.raw) ?? clientAddressOf(request.raw.socket) ?? '',
    );
    request.reached = { vault, clientAddress };
    return soon(checkToken(options.verifyToken, vault, request.headers.authorization), (caller) =>
      soon(options.isOurOwn?.(caller) ?? false, (isOurOwn) => {
        request.sender = caller;
        request.session = { vault, caller, clientAddress, isOurOwn };
      }),
    );
  };

  for (const operation of vaultOperations) {
    for (const url of urlsOf(operation)) {
      routes.set(`${operation.method} ${url}`, operation);
      app.route<{ Params: Record<string, string> }>({
        method: operation.method,
        url,
        handler: (request, reply) => {
          const { session } = request;
          invariant(session !== undefined, 'a routed request has been authenticated');
          return answer(runner, operation, session, request, reply);
        },
      });
    }
  }
  return toPlane((host) => claim(options.directory, host));
}

async function answer(
  runner: VaultRunner,
  operation: CollectionOperation,
  session: Session,
  request: FastifyRequest<{ Params: Record<string, string> }>,
  reply: FastifyReply,
): Promise<unknown> {
  const body = request.body instanceof Buffer ? request.body : undefined;
  try {
    const query = readQuery(request.raw.url ?? '');
    const result = await runVaultOperation(runner, {
      operation,
      ...session,
      requestId: request.correlation.requestId,
      correlationId: request.correlation.correlationId,
      apiVersion: readApiVersion(query),
      query,
      name: request.params['name'],
      issuer: request.params['issuer'],
      version: request.params['version'],
      body,
      accept: request.headers.accept,
      clientInfo: auditedClient(request.headers['user-agent']),
      elapsedMs: () => reply.elapsedTime,
    });
    const { correlation } = request;
    const { secret, text, assignmentId } = result;
    if (secret !== undefined) {
      invariant(result.id !== undefined, 'a secret has the kid that opened it');
      sendSecret(reply, textHeaders(correlation, session, assignmentId), result.id, secret);
      return undefined;
    }
    if (text !== undefined && result.headers === undefined) {
      sendText(reply, result.status, textHeaders(correlation, session, assignmentId), text);
      return undefined;
    }
    void reply.code(result.status).headers(answerHeaders(correlation, session));
    if (assignmentId !== undefined) void reply.header(assignmentHeader, assignmentId);
    if (result.headers !== undefined) void reply.headers(result.headers);
    return text ?? result.body;
  } finally {
    if (body !== undefined) zeroBytes(body);
  }
}

/** JSON that was written already needs nothing that an answer goes through otherwise. */
function sendText(reply: FastifyReply, status: number, headers: string[], text: string): void {
  void reply.hijack();
  const response = reply.raw;
  if (response.destroyed) return; // the client has left
  const bodyBytes = Buffer.byteLength(text);
  headers.push('Content-Length', String(bodyBytes));
  writeNamedHead(response, status, headers);
  // Who shows bodies must see no head in them, nor must who asks without a connection; and where each character is a byte, both are one text.
  const isWhole =
    response instanceof NamedResponse && reply.request.captured === undefined && bodyBytes === text.length;
  if (isWhole) response.end(takeHead(response) + text, 'latin1');
  else response.end(text);
}

/** An operation without its version means the current one; an empty version looks the same once slashes are collapsed. */
function urlsOf(operation: VaultOperation): readonly string[] {
  const paths = operation.latest ? [operation.path, operation.path.replace('/{version}', '')] : [operation.path];
  return paths.map((path) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
}

const hostSuffix = '.vault.azure.net';

function claim(directory: VaultDirectory, host: HostName): HostClaim | Promise<HostClaim> {
  if (!host.endsWith(hostSuffix)) return undefined;
  const name = parseVaultName(host.slice(0, -hostSuffix.length));
  if (name === undefined) return 'absent';
  const found = directory.find(name);
  if (found instanceof Promise) return existsAtAll(() => found).then((exists) => (exists ? 'serve' : 'absent'));
  return found === undefined ? 'absent' : 'serve';
}

function findVault(directory: VaultDirectory, request: FastifyRequest): ReturnType<VaultDirectory['find']> {
  const host = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
  const name = host.endsWith(hostSuffix) ? parseVaultName(host.slice(0, -hostSuffix.length)) : undefined;
  return name === undefined ? undefined : directory.find(name);
}

function drop(reply: FastifyReply): void {
  void reply.hijack();
  reply.raw.destroy();
}

/** Clients that can only GET and POST say the method in a header. */
function withMethodHeader(handle: Plane['handle']): Plane['handle'] {
  return (request, response) => {
    const wanted = request.method === 'POST' ? request.headers['x-http-method'] : undefined;
    const method = typeof wanted === 'string' ? wanted.toUpperCase() : undefined;
    if (method === 'PATCH' || method === 'DELETE') request.method = method;
    handle(request, response);
  };
}
