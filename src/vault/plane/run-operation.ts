import type { AuditEvent, VaultFacts } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { RepeatedEvents } from '../../audit/repeated-events.ts';
import type { Caller } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { BoundedCache } from '../../base/bounded-cache.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { parseKeyName, parseKeyVersion } from '../../base/names.ts';
import { toIso } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { auditedCaller, auditedNameOf, auditedVault } from '../audited-operation.ts';
import type { AllowedByRole } from '../authorization.ts';
import { authorize } from '../authorization.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import type { CollectionOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import type { VaultLimits } from '../limits.ts';
import { plainCost } from '../limits.ts';
import { refusedByNetwork } from '../network-rules.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { VaultError, vaultError } from '../vault-error.ts';

/** A request whose token is good and whose operation is known. */
export interface VaultCall {
  readonly operation: CollectionOperation;
  readonly vault: VaultSettings;
  readonly caller: Caller;
  /** The server itself asks: nobody else gets tokens of that principal. */
  readonly isOurOwn: boolean;
  readonly clientAddress: string;
  readonly requestId: Guid;
  readonly correlationId: Guid;
  readonly apiVersion: string;
  readonly query: ReadonlyMap<string, string>;
  /** As sent. */
  readonly name: string | undefined;
  readonly issuer: string | undefined;
  readonly version: string | undefined;
  readonly body: Buffer | undefined;
  readonly accept?: string | undefined;
  readonly clientInfo?: string | undefined;
  /** Since the request came. */
  readonly elapsedMs: () => number;
  /** Whoever asks for the caller has decided that it may: neither firewall nor permissions of the vault are asked. */
  readonly permitted?: true;
}

export interface VaultRunner {
  readonly services: VaultServices;
  readonly allowedByRole: AllowedByRole;
  readonly limits: VaultLimits;
  readonly audit: AuditLog;
  /** For what the server asks by itself, and will ask again. */
  readonly repeated: RepeatedEvents;
}

export type VaultAnswer = Pick<VaultOutcome, 'status' | 'body' | 'text' | 'secret' | 'id' | 'headers'> & {
  readonly assignmentId?: string;
};

const attemptsMax = 8;

/** Checks the firewall, then the permission, then does the operation. Its writes, what it relied on and its audit record are ONE
 * commit, made before anybody learns the outcome; refusals are recorded the same way. If what it read has changed
 * by then, it starts anew.
 * @returns an answer; the caller overwrites its secret
 * @throws VaultError what the client is told; anything else is our fault (a failing store), and nothing is answered */
export async function runVaultOperation(runner: VaultRunner, call: VaultCall): Promise<VaultAnswer> {
  const newKey = takenOnce();
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const result = await attemptOperation(runner, call, newKey, attempt === 1);
    if (result instanceof VaultError) {
      await commitRefusal(runner, call, result);
      throw result;
    }
    const { outcome, access } = result;
    try {
      await commitOutcome(runner, call, result);
    } catch (error) {
      if (outcome.secret !== undefined) zeroBytes(outcome.secret);
      if (error instanceof StateConflictError) continue;
      throw error;
    }
    await outcome.committed?.();
    const { assignmentId } = access;
    return { ...outcome, ...(assignmentId === undefined ? {} : { assignmentId }) };
  }
  const tooMany = vaultError('changedMeanwhile');
  await commitRefusal(runner, call, tooMany);
  throw tooMany;
}

async function commitOutcome(runner: VaultRunner, call: VaultCall, { outcome, access }: Attempt): Promise<void> {
  const { expect = [], write = [] } = outcome;
  const event = auditEvent(runner, call, { ...access, status: outcome.status }, outcome.id);
  if (write.length === 0 && isRepeated(call)) await runner.repeated.record(runner.services.clock.now(), event, expect);
  else await runner.audit.commit({ events: [event], expect, write });
}

interface Attempt {
  readonly outcome: VaultOutcome;
  readonly access: Access;
}

/** What let the caller in. */
type Access = Pick<VaultFacts, 'access' | 'assignmentId'>;

async function attemptOperation(
  { services, allowedByRole, limits }: VaultRunner,
  call: VaultCall,
  newKey: VaultRequest['newKey'],
  isCounted: boolean,
): Promise<Attempt | VaultError> {
  const { operation, vault, caller } = call;
  try {
    const access = call.permitted === true ? {} : await requireAllowed(allowedByRole, call);
    if (operation.handle === undefined) {
      throw vaultError('notBuilt', `the operation ${operation.id} (${operation.method} ${operation.path})`);
    }
    const name = call.name === undefined ? undefined : parseKeyName(call.name);
    if (call.name !== undefined && name === undefined) throw vaultError('invalidName', call.name.slice(0, 200));
    const request: VaultRequest = {
      vault,
      caller,
      isOurOwn: call.isOurOwn,
      apiVersion: call.apiVersion,
      query: call.query,
      name,
      issuer: call.issuer,
      version: call.version,
      body: call.body,
      accept: call.accept,
      newKey,
    };
    if (isCounted && limits.areOn())
      limits.take(vault.vaultId, (await operation.cost?.(services, request)) ?? plainCost);
    return { outcome: await operation.handle(services, request), access };
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
}

async function requireAllowed(
  allowedByRole: AllowedByRole,
  { operation, vault, caller, clientAddress, name }: VaultCall,
): Promise<Access> {
  const closed = refusedByNetwork(vault, caller, clientAddress);
  if (closed !== undefined) throw closed;
  const allowed = await authorize(allowedByRole, vault, caller, operation, name);
  return { access: vault.enableRbacAuthorization ? 'role' : 'policy', ...allowed };
}

async function commitRefusal(runner: VaultRunner, call: VaultCall, error: VaultError): Promise<void> {
  const { status, code, inner } = error;
  const event = auditEvent(
    runner,
    call,
    { status, error: inner === undefined ? { code } : { code, inner } },
    undefined,
  );
  if (isRepeated(call)) await runner.repeated.record(runner.services.clock.now(), event, []);
  else await runner.audit.commit({ events: [event] });
}

/** What checks of keys ask, each half minute. */
const isRepeated = ({ isOurOwn, operation }: VaultCall): boolean =>
  isOurOwn && (operation.id === 'UnwrapKey' || operation.id === 'GetKey');

type Ended = Pick<VaultFacts, 'status' | 'error' | 'access' | 'assignmentId'>;

function auditEvent({ services }: VaultRunner, call: VaultCall, ended: Ended, id: string | undefined): AuditEvent {
  return {
    time: toIso(services.clock.now()),
    requestId: call.requestId,
    correlationId: call.correlationId,
    durationMs: Math.round(call.elapsedMs()),
    facts: factsOf(call, ended, id),
  };
}

/** Of what succeeded, by all that they are made of but the caller. */
const knownFacts = new BoundedCache<VaultFacts>({ countMax: 1_000 });

/** The same for the same request of the same caller, as an object: such requests come by the thousand. */
function factsOf(call: VaultCall, ended: Ended, id: string | undefined): VaultFacts {
  const object = id ?? requestedId(call);
  if (ended.error !== undefined) return newFacts(call, ended, object);
  const { vault, operation, apiVersion, name, issuer, version, clientAddress, clientInfo } = call;
  const { status, access, assignmentId } = ended;
  const asked = `${vault.vaultId} ${operation.id} ${apiVersion} ${status} ${access ?? ''} ${assignmentId ?? ''}`;
  const key = `${asked}\n${object ?? ''}\n${name ?? ''}\n${issuer ?? ''}\n${version ?? ''}\n${clientAddress}\n${clientInfo ?? ''}`;
  const known = knownFacts.get(key);
  if (known?.caller === auditedCaller(call.caller)) return known;
  const facts = newFacts(call, ended, object);
  knownFacts.set(key, facts);
  return facts;
}

function newFacts(call: VaultCall, ended: Ended, object: string | undefined): VaultFacts {
  const { vault, operation, apiVersion, clientAddress, clientInfo } = call;
  return {
    ...auditedVault(vault),
    ...{ operation: auditedNameOf(operation.id), apiVersion },
    ...(object === undefined ? {} : { id: object }),
    ...ended,
    ...{ caller: auditedCaller(call.caller), clientAddress },
    ...(clientInfo === undefined ? {} : { clientInfo }),
    requestUri: requestUriOf(call),
  };
}

/** What the path names, as far as it is well-formed. */
function requestedId({ operation, vault, name, version }: VaultCall): string | undefined {
  const objectName = name === undefined ? undefined : parseKeyName(name);
  if (objectName === undefined) return undefined;
  return formatObjectId(
    vault,
    operation.collection,
    objectName,
    version === undefined ? undefined : parseKeyVersion(version),
  );
}

/** Made anew of what is known to be no secret: what else a client wrote there is left out. */
function requestUriOf({ operation, vault, name, issuer, version, apiVersion }: VaultCall): string {
  const objectVersion = version === undefined ? undefined : parseKeyVersion(version);
  const path = operation.path
    .replace('{name}', (name === undefined ? undefined : parseKeyName(name)) ?? '{name}')
    .replace('{issuer}', (issuer === undefined ? undefined : parseKeyName(issuer)) ?? '{issuer}')
    .replace('/{version}', objectVersion === undefined ? '' : `/${objectVersion}`);
  return `${vault.uri}${path.slice(1)}?api-version=${apiVersion}`;
}

function takenOnce(): VaultRequest['newKey'] {
  let taken: Promise<KeyPair> | undefined;
  return (make) => (taken ??= make());
}
