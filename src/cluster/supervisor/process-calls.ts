import { fromBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import type { WrappedClusterKey } from '../../encryption/rotation.ts';
import { ChannelClosedError } from '../process/channel.ts';
import type { SupervisorCall, SupervisorCalls, SupervisorReplies } from '../process/protocol.ts';
import type { ClusterProcess } from './cluster-process.ts';

/** @param identities who may unwrap, in the order of trying */
export function wrappedKey(record: ClusterKeyRecord, identities: readonly Guid[]): WrappedClusterKey {
  const wrapped = fromBase64Url(record.wrapped);
  const check = fromBase64Url(record.check);
  invariant(wrapped !== undefined && check !== undefined, 'a parsed record holds base64url');
  return { clusterId: record.clusterId, identities: [...new Set(identities)], kid: record.kid, wrapped, check };
}

/** Calls a process; one that died on the way is started again and asked once more. A process that keeps dying is an outage. */
export async function callProcess<Call extends SupervisorCall>(
  obtain: () => ClusterProcess,
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call] | KeyFailure> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await obtain().call(operation, body);
    } catch (error) {
      if (!(error instanceof ChannelClosedError)) throw error;
      if (attempt >= 2) return { outcome: 'failed', kind: 'outage', cause: 'unreachable', message: error.message };
    }
  }
}
