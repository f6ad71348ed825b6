import type { VaultFacts } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { RepeatedEvents } from '../../audit/repeated-events.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { parseKeyName } from '../../base/names.ts';
import type { Soon } from '../../base/soon.ts';
import { soon, soonOr } from '../../base/soon.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { AllowedByRole } from '../authorization.ts';
import { authorize } from '../authorization.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import type { VaultLimits } from '../limits.ts';
import { plainCost } from '../limits.ts';
import { refusedByNetwork } from '../network-rules.ts';
import { VaultError, vaultError } from '../vault-error.ts';
import { auditEvent } from './operation-event.ts';
import type { VaultCall } from './vault-call.ts';

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
    const tried = attemptOperation(runner, call, newKey, attempt === 1);
    const result = tried instanceof Promise ? await tried : tried;
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
    if (outcome.committed !== undefined) await outcome.committed();
    const { assignmentId } = access;
    return assignmentId === undefined ? outcome : { assignmentId, ...outcome };
  }
  const tooMany = vaultError('changedMeanwhile');
  await commitRefusal(runner, call, tooMany);
  throw tooMany;
}

function commitOutcome(runner: VaultRunner, call: VaultCall, { outcome, access }: Attempt): Promise<void> {
  const { expect = [], write = [] } = outcome;
  const now = runner.services.clock.now();
  const event = auditEvent(now, call, { status: outcome.status, ...access }, outcome.id);
  return write.length === 0 && isRepeated(call)
    ? runner.repeated.record(now, event, expect)
    : runner.audit.commit({ events: [event], expect, write });
}

interface Attempt {
  readonly outcome: VaultOutcome;
  readonly access: Access;
}

/** What let the caller in. */
type Access = Pick<VaultFacts, 'access' | 'assignmentId'>;

function attemptOperation(
  { services, allowedByRole, limits }: VaultRunner,
  call: VaultCall,
  newKey: VaultRequest['newKey'],
  isCounted: boolean,
): Soon<Attempt | VaultError> {
  const { operation } = call;
  const attempt = (access: Access): Soon<Attempt> => {
    if (operation.handle === undefined)
      throw vaultError('notBuilt', `the operation ${operation.id} (${operation.method} ${operation.path})`);
    const { handle } = operation;
    const request = requestOf(call, newKey);
    const counted =
      isCounted &&
      limits.areOn() &&
      soon(operation.cost?.(services, request) ?? plainCost, (cost) => limits.take(call.vault.vaultId, cost));
    return soon(counted, () => soon(handle(services, request), (outcome) => ({ outcome, access })));
  };
  return soonOr(() => soon(call.permitted === true ? {} : requireAllowed(allowedByRole, call), attempt), refusalIn);
}

function refusalIn(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  throw error;
}

const versionForm = /^[0-9a-f]{32}$/i;

/** @throws VaultError 400 for a name that no object has, and a path that ends in no version */
function requestOf(call: VaultCall, newKey: VaultRequest['newKey']): VaultRequest {
  const name = call.name === undefined ? undefined : parseKeyName(call.name);
  if (call.name !== undefined && name === undefined) throw vaultError('invalidName', call.name.slice(0, 200));
  const { vault, caller, isOurOwn, apiVersion, query, issuer, version, body, accept } = call;
  if (version !== undefined && call.operation.path.endsWith('/{version}') && !versionForm.test(version))
    throw vaultError('noSuchOperation', call.operation.method, version.slice(0, 200));
  return { vault, caller, isOurOwn, apiVersion, query, name, issuer, version, body, accept, newKey };
}

function requireAllowed(
  allowedByRole: AllowedByRole,
  { operation, vault, caller, clientAddress, name }: VaultCall,
): Soon<Access> {
  const closed = refusedByNetwork(vault, caller, clientAddress);
  if (closed !== undefined) throw closed;
  const allowed = authorize(allowedByRole, vault, caller, operation, name);
  return soon(allowed, (by) => ({ access: vault.enableRbacAuthorization ? 'role' : 'policy', ...by }));
}

async function commitRefusal(runner: VaultRunner, call: VaultCall, error: VaultError): Promise<void> {
  const { status, code, inner } = error;
  const now = runner.services.clock.now();
  const event = auditEvent(now, call, { status, error: inner === undefined ? { code } : { code, inner } }, undefined);
  if (isRepeated(call)) await runner.repeated.record(now, event, []);
  else await runner.audit.commit({ events: [event] });
}

/** What checks of keys ask, each half minute. */
const isRepeated = ({ isOurOwn, operation }: VaultCall): boolean =>
  isOurOwn && (operation.id === 'UnwrapKey' || operation.id === 'GetKey');

function takenOnce(): VaultRequest['newKey'] {
  let taken: Promise<KeyPair> | undefined;
  return (make) => (taken ??= make());
}
