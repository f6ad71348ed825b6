import { fromBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import type { WrappedClusterKey } from '../../encryption/rotation.ts';
import { ChannelClosedError } from '../messages/channel.ts';
import type { SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import type { ClusterProcess } from './cluster-process.ts';

/** @param identities who may unwrap, in the order of trying */
export function wrappedKey(record: ClusterKeyRecord, identities: readonly Guid[]): WrappedClusterKey {
  const wrapped = fromBase64Url(record.wrapped);
  const check = fromBase64Url(record.check);
  invariant(wrapped !== undefined && check !== undefined, 'a parsed record holds base64url');
  return { clusterId: record.clusterId, identities: [...new Set(identities)], kid: record.kid, wrapped, check };
}

/** After the commit. A process that died, or has nothing to adopt, opens the key from its record at the next check. */
export async function adoptKey(
  process: ClusterProcess | undefined,
  generation: number,
  check: Uint8Array,
): Promise<void> {
  if (process === undefined) return;
  const reply = await process.call('adopt', { generation, check }).catch(unlessEnded);
  process.holds = reply?.outcome === 'adopted' ? generation : undefined;
}

export async function forgetKey(process: ClusterProcess | undefined, check: Uint8Array): Promise<void> {
  await process?.call('forget', { check }).catch(unlessEnded);
}

function unlessEnded(error: unknown): undefined {
  if (!(error instanceof ChannelClosedError)) throw error;
}

export const processEnded: KeyFailure = {
  ...{ outcome: 'failed', kind: 'outage', cause: 'unreachable' },
  message: 'The cluster process ended.',
};

/** As `tryProcess`; a process that keeps dying is told as an outage. */
export async function callProcess<Call extends SupervisorCall>(
  obtain: () => ClusterProcess,
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call] | KeyFailure> {
  const reply = await tryProcess(obtain, operation, body);
  return reply ?? processEnded;
}

/** Calls a process; one that died on the way is started again and asked once more.
 * @returns undefined when that one died, too, or pauses after a crash: nothing is known */
export async function tryProcess<Call extends SupervisorCall>(
  obtain: () => ClusterProcess,
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call] | undefined> {
  return (await callOnce(obtain, operation, body)) ?? callOnce(obtain, operation, body);
}

/** @returns undefined when the process died on the way, or pauses after a crash: nothing is known */
export async function callOnce<Call extends SupervisorCall>(
  obtain: () => ClusterProcess,
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call] | undefined> {
  try {
    return await obtain().call(operation, body);
  } catch (error) {
    if (!(error instanceof ChannelClosedError)) throw error;
    return undefined;
  }
}
