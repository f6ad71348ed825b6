import type { ShutdownReason } from '../messages/supervisor-calls.ts';

/** The same for whoever has not said yet who they are. */
export const endedText = (cluster: string, kind: ShutdownReason['kind']): string =>
  `The cluster '${cluster}' ${kind === 'suspended' ? 'is suspended' : kind === 'stopped' ? 'is stopped' : 'is out of reach'}.`;

/** What clients of a cluster hear that does not serve (any more). @param cluster its name */
export function shutdownText(cluster: string, reason: ShutdownReason): string {
  switch (reason.kind) {
    case 'suspended':
      return `The cluster '${cluster}' is suspended: ${reason.reason}`;
    case 'stopped':
      return `The cluster '${cluster}' is stopped. Start it to reach its data.`;
    case 'instanceStopped':
      return `The cluster '${cluster}' is out of reach: Kustody stops. Try again when it runs.`;
    case 'databaseSuspended':
      return `The cluster '${cluster}' starts again without a database that is suspended: ${reason.reason} Other databases are there in a moment: try again.`;
  }
}
