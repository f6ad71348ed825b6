import type { ShutdownReason } from '../messages/supervisor-calls.ts';

/** What clients of a cluster hear that does not serve (any more). @param cluster its name */
export const shutdownText = (cluster: string, reason: ShutdownReason): string =>
  reason.kind === 'suspended'
    ? `The cluster '${cluster}' is suspended: ${reason.reason}`
    : `The cluster '${cluster}' is stopped. Start it to reach its data.`;
