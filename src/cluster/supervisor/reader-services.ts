import type { Guid } from '../../base/guid.ts';
import { isSetBack } from '../process/remote-catalog-store.ts';
import type { CatalogChangesCall, CatalogChangesReply } from '../messages/catalog-changes.ts';
import { readCatalogChanges } from '../messages/catalog-changes.ts';
import { readDataPlaneCall } from '../messages/data-plane-calls.ts';
import type { AllowedRequest, DataPlaneReplies, RefusedRequest } from '../messages/data-plane-calls.ts';
import { ProtocolError } from '../messages/message.ts';
import type { VaultGrant } from './cluster-process.ts';
import type { ClusterKeysOptions } from './ports.ts';
import type { CatalogFeeds } from './catalog-feeds.ts';

/** Nodes that read answer for so long at most without having asked: as long as a node that serves does without its database. */
export const readerLeaseMs = 5_000;

/** What a process that only reads may ask; whatever is not listed here changes something, or is none of its business. */
const asked: ReadonlySet<string> = new Set([
  ...['resolve', 'token', 'spans', 'infrastructureKey', 'containerAccess', 'stateGet', 'stateList'],
  ...['identities', 'storageToken', 'impersonation', 'outwardHost', 'log'],
]);

export interface ReaderServiceParts {
  readonly ports: Pick<ClusterKeysOptions, 'state' | 'clock' | 'log'>;
  readonly clusterId: Guid;
  readonly feeds: CatalogFeeds;
  /** A client asks: the cluster's own process is to be there. */
  readonly needed: () => Promise<unknown>;
  /** For how long the process may use what it has, in milliseconds: 0 or less, not at all. */
  readonly leaseMs: () => Promise<number>;
  /** Told what it is lent, before it is told itself. */
  readonly lent: (leaseMs: number) => void;
  /** What has ended there. @throws ProtocolError */
  readonly ended: (body: unknown) => Promise<null>;
  /** As for a process of this node. */
  readonly serve: (operation: string, body: unknown, grants: readonly VaultGrant[]) => Promise<unknown>;
}

/** Answers what a process on another node asks that reads a cluster. Who sends a request, what they may do, whether the key may be used and what the
 * catalog says is told by the node that serves, as of the question: so that is the one place that changes it.
 * @throws ProtocolError */
export function createReaderServices(parts: ReaderServiceParts): ReaderServiceParts['serve'] {
  const { ports, clusterId, feeds, serve } = parts;
  const lend = async (least: number): Promise<number> => {
    const leaseMs = Math.min(least, readerLeaseMs, await parts.leaseMs());
    if (leaseMs > 0) parts.lent(leaseMs);
    return Math.max(0, leaseMs);
  };
  const changes = async ({ after }: CatalogChangesCall): Promise<CatalogChangesReply> =>
    // Who may read what in a catalog that was set back is known when its own process has opened it.
    (await isSetBack(ports.state, clusterId)) ? { outcome: 'ended' } : feeds.read(clusterId, after);
  return async (operation, body, grants) => {
    switch (operation) {
      case 'catalogChanges': {
        const call = readCatalogChanges(body);
        const reply: CatalogChangesReply = (await parts.leaseMs()) > 0 ? await changes(call) : { outcome: 'ended' };
        return reply;
      }
      case 'authorize': {
        const { catalog } = readDataPlaneCall.authorize(body);
        await parts.needed();
        const answer = (await serve(operation, body, grants)) as AllowedRequest | RefusedRequest;
        if (answer.outcome === 'refused') return answer;
        const leaseMs = await lend(answer.leaseMs);
        // What is in the catalog comes last: nothing is older than the question.
        if (leaseMs > 0)
          return { ...answer, leaseMs, ...(catalog && { catalog: await changes(catalog) }) } satisfies AllowedRequest;
        return { outcome: 'refused', kind: 'unavailable', message: notNow } satisfies RefusedRequest;
      }
      case 'renew': {
        const answer = (await serve(operation, body, grants)) as DataPlaneReplies['renew'];
        return { ...answer, leaseMs: await lend(answer.leaseMs) } satisfies DataPlaneReplies['renew'];
      }
      case 'endedElsewhere':
        return parts.ended(body);
      default:
        if (asked.has(operation)) return serve(operation, body, grants);
        ports.log.warning('cluster-process-overreach', { clusterId, operation: operation.slice(0, 40) });
        throw new ProtocolError('operation');
    }
  };
}

const notNow = 'This node may not read the cluster now. Try again in a moment.';
