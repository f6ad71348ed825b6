import type { Guid } from '../../../base/guid.ts';
import { invariant } from '../../../base/invariant.ts';
import type { IngestionEndpoint } from '../../../database/commands/command-context.ts';
import type { QueuedStorage } from '../../../database/queued/queued-storage.ts';
import {
  accountNames,
  containerNames,
  queueNamesOnWire,
  storageHost,
  tableName,
} from '../../../database/queued/storage-accounts.ts';
import type { RequestCaller } from '../../messages/data-plane-calls.ts';
import { signIdentity } from './identity-token.ts';
import type { SasResource } from './sas.ts';
import { signedQuery } from './sas.ts';

/** Clients ask anew each hour. */
const validMs = 24 * 3_600_000;
/** Clocks differ. */
const backdateMs = 15 * 60_000;

interface ResourceKind {
  /** As clients know it. */
  readonly type: string;
  readonly service: SasResource['service'];
  readonly name: string;
  /** What its address is good for. */
  readonly permissions: string;
  /** Absent: the first account has the only one. */
  readonly inEachAccount?: true;
}

const kinds: readonly ResourceKind[] = [
  {
    ...{ type: 'SecuredReadyForAggregationQueue', service: 'queue', name: queueNamesOnWire.ready },
    ...{ permissions: 'a', inEachAccount: true },
  },
  { type: 'SuccessfulIngestionsQueue', service: 'queue', name: queueNamesOnWire.successful, permissions: 'rp' },
  { type: 'FailedIngestionsQueue', service: 'queue', name: queueNamesOnWire.failed, permissions: 'rp' },
  { type: 'IngestionsStatusTable', service: 'table', name: tableName, permissions: 'ra' },
  { type: 'TempStorage', service: 'blob', name: containerNames.ingest, permissions: 'rcwd', inEachAccount: true },
];
const exportKinds: readonly ResourceKind[] = [
  { type: 'ExportContainer', service: 'blob', name: containerNames.export, permissions: 'rcwd', inEachAccount: true },
];

/** What `.get ingestion resources`, `.show export containers` and `.get kusto identity token` tell, and the way into the queue.
 * @param wallClock signatures and tokens end by it
 * @param queued something is in the queue */
export function ingestionEndpoint(
  storage: QueuedStorage,
  about: { readonly clusterId: Guid; readonly caller: RequestCaller; readonly isUser: boolean },
  wallClock: () => number,
  queued: () => void,
): IngestionEndpoint {
  const signed = async (wanted: readonly ResourceKind[]): Promise<{ type: string; root: string }[]> => {
    const keys = await storage.ensureKeys();
    const at = wallClock();
    const accounts = accountNames(about.clusterId);
    return wanted.flatMap(({ type, service, name, permissions, inEachAccount }) =>
      accounts.slice(0, inEachAccount ? undefined : 1).map((account, index) => {
        const key = keys.accounts[index];
        invariant(key !== undefined, 'each account has a key');
        const grant = { permissions, startsAt: at - backdateMs, endsAt: at + validMs };
        const query = signedQuery(Buffer.from(key, 'base64url'), { service, account, name }, grant);
        return { type, root: `https://${storageHost(account, service)}/${name}?${query}` };
      }),
    );
  };
  const identityToken = async (): Promise<string> => {
    const keys = await storage.ensureKeys();
    return signIdentity(keys, { ...about.caller, isUser: about.isUser, endsAt: wallClock() + validMs });
  };
  return {
    resources: () => signed(kinds),
    exportContainers: async () => (await signed(exportKinds)).map(({ root }) => root),
    identityToken,
    enqueue: async (blobs) => {
      const by = { identity: await identityToken(), sentOn: wallClock() };
      const operationId = await storage.operations.begin(blobs, by);
      queued();
      return operationId;
    },
  };
}
