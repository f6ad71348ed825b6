import type { Caller } from '../../authz/caller.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { VaultName } from '../../base/names.ts';
import { vaultError } from '../vault-error.ts';
import type { VaultDirectory } from '../vault-directory.ts';
import type { VaultAnswer, VaultRunner } from './run-operation.ts';
import { runVaultOperation } from './run-operation.ts';
import { vaultOperations } from './vault-operations.ts';

/** What the resource manager has done in a vault, for a caller whom it has authorized by an action of its own. */
interface ManagedCall {
  readonly vault: VaultName;
  /** Id of an operation of the data plane. */
  readonly operation: string;
  readonly caller: Caller;
  readonly correlationId: string;
  readonly query?: ReadonlyMap<string, string>;
  readonly name?: string;
  readonly version?: string;
  readonly body?: JsonObject;
}

/** @throws VaultError, as the data plane would answer; 501 for what no vault does */
export type ManageVault = (call: ManagedCall) => Promise<JsonObject>;

/** Newest of the data plane: the resource manager has versions of its own. */
const apiVersion = '7.4';

export function createManageVault(runner: VaultRunner, directory: VaultDirectory): ManageVault {
  return async (call) => {
    const operation = vaultOperations.find(({ id }) => id === call.operation);
    const vault = await directory.find(call.vault);
    if (operation === undefined || vault === undefined) throw vaultError('notBuilt', `the operation ${call.operation}`);
    const requestId = newGuid(runner.services.randomBytes);
    const answer: VaultAnswer = await runVaultOperation(runner, {
      ...{ operation, vault, requestId, apiVersion },
      caller: call.caller,
      permitted: true,
      issuer: undefined,
      isOurOwn: false,
      elapsedMs: () => 0,
      clientAddress: 'management.azure.com',
      correlationId: parseGuid(call.correlationId) ?? requestId,
      query: call.query ?? new Map(),
      name: call.name,
      version: call.version,
      body: call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body)),
    });
    return answer.body ?? bodyIn(answer.text) ?? {};
  };
}

/** What is shown of a version comes as text that was written before. */
function bodyIn(text: string | undefined): JsonObject | undefined {
  const body: unknown = text === undefined ? undefined : JSON.parse(text);
  return isJsonObject(body) ? body : undefined;
}
