import type { Caller } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { parseKeyName, parseKeyVersion } from '../../base/names.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { StateExpectation } from '../../state/state.ts';
import type { AuditFacts } from '../audit.ts';
import type { AuditEntry } from '../audit-spans.ts';
import { auditedCaller } from '../audit.ts';
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
  /** Whoever asks for the caller has decided that it may: neither firewall nor permissions of the vault are asked. */
  readonly permitted?: true;
}

export interface VaultRunner {
  readonly services: VaultServices;
  readonly allowedByRole: AllowedByRole;
  readonly limits: VaultLimits;
  readonly audit: (record: AuditFacts, repeats: boolean) => Promise<AuditEntry>;
  /** Records what writes nothing else. @throws StateConflictError when what it relied on has changed */
  readonly auditInGroup: (record: AuditFacts, expect: readonly StateExpectation[]) => Promise<void>;
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
    const { outcome, assignmentId } = result;
    try {
      await commitOutcome(runner, call, outcome);
    } catch (error) {
      if (outcome.secret !== undefined) zeroBytes(outcome.secret);
      if (error instanceof StateConflictError) continue;
      throw error;
    }
    await outcome.committed?.();
    return { ...outcome, ...(assignmentId === undefined ? {} : { assignmentId }) };
  }
  const tooMany = vaultError('changedMeanwhile');
  await commitRefusal(runner, call, tooMany);
  throw tooMany;
}

async function commitOutcome(runner: VaultRunner, call: VaultCall, outcome: VaultOutcome): Promise<void> {
  const { expect = [], write = [] } = outcome;
  const record = auditRecord(call, outcome.status, outcome.id);
  if (write.length === 0 && !isRepeated(call)) {
    await runner.auditInGroup(record, expect);
    return;
  }
  const audit = await runner.audit(record, isRepeated(call));
  await runner.services.state.commit({ expect, write: [...write, ...audit.write] });
  audit.committed();
}

interface Attempt {
  readonly outcome: VaultOutcome;
  readonly assignmentId: string | undefined;
}

async function attemptOperation(
  { services, allowedByRole, limits }: VaultRunner,
  call: VaultCall,
  newKey: VaultRequest['newKey'],
  isCounted: boolean,
): Promise<Attempt | VaultError> {
  const { operation, vault, caller } = call;
  try {
    const { assignmentId } = call.permitted === true ? {} : await requireAllowed(allowedByRole, call);
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
    return { outcome: await operation.handle(services, request), assignmentId };
  } catch (error) {
    if (error instanceof VaultError) return error;
    throw error;
  }
}

async function requireAllowed(
  allowedByRole: AllowedByRole,
  { operation, vault, caller, clientAddress, name }: VaultCall,
): Promise<{ readonly assignmentId?: string }> {
  const closed = refusedByNetwork(vault, caller, clientAddress);
  if (closed !== undefined) throw closed;
  return authorize(allowedByRole, vault, caller, operation, name);
}

async function commitRefusal(runner: VaultRunner, call: VaultCall, error: VaultError): Promise<void> {
  const { services, audit } = runner;
  const { status, code, inner } = error;
  const record = auditRecord(call, status, undefined);
  const refused = { ...record, error: inner === undefined ? { code } : { code, inner } };
  if (!isRepeated(call)) {
    await runner.auditInGroup(refused, []);
    return;
  }
  for (let attempt = 1; ; attempt++) {
    const entry = await audit(refused, isRepeated(call));
    try {
      if (entry.write.length > 0) await services.state.commit({ write: entry.write });
      entry.committed();
      return;
    } catch (error) {
      if (!(error instanceof StateConflictError) || attempt >= attemptsMax) throw error;
    }
  }
}

/** What checks of keys ask, each half minute. */
const isRepeated = ({ isOurOwn, operation }: VaultCall): boolean =>
  isOurOwn && (operation.id === 'UnwrapKey' || operation.id === 'GetKey');

function auditRecord(call: VaultCall, status: number, id: string | undefined): AuditFacts {
  const named = id ?? requestedId(call);
  return {
    vaultId: call.vault.vaultId,
    vaultName: call.vault.name,
    operation: call.operation.id,
    ...(named === undefined ? {} : call.operation.collection === 'keys' ? { kid: named } : { id: named }),
    status,
    caller: auditedCaller(call.caller),
    clientAddress: call.clientAddress,
    requestId: call.requestId,
    correlationId: call.correlationId,
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

function takenOnce(): VaultRequest['newKey'] {
  let taken: Promise<KeyPair> | undefined;
  return (make) => (taken ??= make());
}
