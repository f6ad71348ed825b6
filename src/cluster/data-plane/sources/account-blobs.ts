import type { Guid } from '../../../base/guid.ts';
import type { StorageUse } from '../../../database/ingest/data-source.ts';
import type { StorageAccount } from '../../messages/storage-account.ts';
import type { ProofOf } from './identity-tokens.ts';
import { createSourceClient } from './pinned-requests.ts';
import { readSourceAddress } from './source-address.ts';
import { storageClient } from './storage-client.ts';
import { explain } from './storage-failures.ts';

export interface AccountBlob {
  /** For people: `https://account.blob.core.windows.net/container/a b.csv`. */
  readonly name: string;
  /** What it is read with by the same identity. */
  readonly address: string;
  readonly bytes: number;
  /** Milliseconds on the clock of the storage. */
  readonly modifiedOn: number;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Lists the blobs of an account that the user mapped, a page at a time, as a managed identity of the cluster may.
 * @throws DataError `SourceNotAllowed` | `SourceFailed` */
export type ListAccount = (
  account: string,
  identity: Guid,
  use: StorageUse,
  signal: AbortSignal | undefined,
) => AsyncGenerator<AccountBlob>;

/** What storage itself keeps: logs, and a site. */
const isOwn = (container: string): boolean => container.startsWith('$');

export function createAccountLists(accounts: readonly StorageAccount[], proofOf: ProofOf): ListAccount {
  return async function* (account, identity, use, signal) {
    const host = `https://${account}.blob.core.windows.net`;
    const proof = `;managed_identity=${identity}`;
    const address = readSourceAddress(`${host}/${proof}`, accounts);
    const { BlobServiceClient } = await import('@azure/storage-blob');
    const { shared, options } = await storageClient(
      await proofOf(address, use),
      createSourceClient(address.containerAt.origin, undefined),
    );
    const service = new BlobServiceClient(address.containerAt.href.replace(/\/$/, ''), shared, options);
    const until = signal === undefined ? {} : { abortSignal: signal };
    try {
      for await (const { name: container } of service.listContainers(until)) {
        if (isOwn(container)) continue;
        for await (const blob of service
          .getContainerClient(container)
          .listBlobsFlat({ includeMetadata: true, ...until })) {
          const { contentLength = 0, lastModified, etag } = blob.properties;
          if (blob.metadata?.['hdi_isfolder'] === 'true') continue;
          const path = blob.name.split('/').map(encodeURIComponent).join('/');
          yield {
            ...{ name: `${host}/${container}/${blob.name}`, address: `${host}/${container}/${path}${proof}` },
            ...{ bytes: contentLength, modifiedOn: lastModified.getTime(), etag, metadata: blob.metadata ?? {} },
          };
        }
      }
    } catch (error) {
      throw explain(error, { name: host, url: address.url }, signal, notListed);
    }
  };
}

const notListed = (name: string, why: string): string => `Failed to list the blobs of '${name}': ${why}.`;
