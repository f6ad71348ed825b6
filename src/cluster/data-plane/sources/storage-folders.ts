import type { DataSource, FileBelow } from '../../../database/ingest/data-source.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import { createSourceClient } from './pinned-requests.ts';
import type { SourceAddress } from './source-address.ts';
import { notRead } from './source-address.ts';
import type { ProvenAddress } from './storage-client.ts';
import { addressesOf, storageClient } from './storage-client.ts';
import { explain } from './storage-failures.ts';

/** Lists the blobs of a container, or of a folder in it: a page at a time, as they are asked for.
 * @param sourceOf of one of them */
export async function* blobsBelow(
  proven: () => Promise<ProvenAddress>,
  call: CallMain,
  prefix: string,
  sourceOf: (address: ProvenAddress) => DataSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<FileBelow> {
  const address = await proven();
  const { containerAt, folder, name } = address;
  const addresses = address.isMapped ? undefined : await addressesOf({ name, url: containerAt }, call, notRead);
  const { ContainerClient } = await import('@azure/storage-blob');
  const { shared, options } = await storageClient(
    address.credential,
    createSourceClient(containerAt.origin, addresses),
  );
  const container = new ContainerClient(containerAt.href, shared, options);
  const below = folder === '' ? '' : `${folder}/`;
  const until = signal === undefined ? {} : { abortSignal: signal };
  try {
    for await (const blob of container.listBlobsFlat({ prefix: `${below}${prefix}`, ...until })) {
      const path = blob.name.slice(below.length);
      yield {
        path,
        bytes: blob.properties.contentLength ?? 0,
        source: sourceOf({
          ...address,
          name: `${name.replace(/\/+$/, '')}/${path}`,
          url: new URL(container.getBlobClient(blob.name).url),
        }),
      };
    }
  } catch (error) {
    throw explain(error, { name, url: containerAt }, signal, notListed);
  }
}

/** Where a blob below a folder is. */
export function blobBelow(
  { containerAt, folder, name }: Pick<SourceAddress, 'containerAt' | 'folder' | 'name'>,
  path: string,
): Pick<SourceAddress, 'name' | 'url'> {
  const segments = [...(folder === '' ? [] : folder.split('/')), ...path.split('/')];
  // A URL would leave the folder by them.
  if (
    segments
      .join('/')
      .split('/')
      .some((part) => part === '' || part === '.' || part === '..')
  )
    throw notRead(name, 'its path does not lead down from its folder.');
  const url = new URL(containerAt);
  url.pathname = `${url.pathname}/${segments.map(encodeURIComponent).join('/')}`;
  return { name: `${name.replace(/\/+$/, '')}/${path}`, url };
}

const notListed = (name: string, why: string): string => `Failed to list the files of '${name}': ${why}.`;
