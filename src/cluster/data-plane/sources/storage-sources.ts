import type { DataSource, OpenedSource, SourceOf, StorageUse } from '../../../database/ingest/data-source.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import type { StorageAccount } from '../../messages/storage-account.ts';
import type { AskSource } from './pinned-requests.ts';
import { createSourceClient } from './pinned-requests.ts';
import type { SourceAddress } from './source-address.ts';
import { notRead, readSourceAddress } from './source-address.ts';
import type { ProofOf } from './identity-tokens.ts';
import type { ProvenAddress } from './storage-client.ts';
import { addressesOf, storageClient } from './storage-client.ts';
import { signedForS3 } from './s3-signature.ts';
import { explain } from './storage-failures.ts';
import { blobBelow, blobsBelow } from './storage-folders.ts';

export interface StorageSourceParts {
  readonly accounts: readonly StorageAccount[];
  readonly call: CallMain;
  readonly proofOf: ProofOf;
  /** The machine's own: others look at the time of a signature. Milliseconds since 1970. */
  readonly wallClock: () => number;
}

/** Reads blobs of accounts that the user mapped, and what hosts give that were let through; nothing else. */
export function createStorageSources(parts: StorageSourceParts): SourceOf {
  const { accounts, call, proofOf } = parts;
  const sourceOf = (address: SourceAddress, use: StorageUse): DataSource => {
    const proven = async (): Promise<ProvenAddress> => ({ ...address, credential: await proofOf(address, use) });
    const source = {
      name: address.name,
      open: async (signal: AbortSignal | undefined) => open(await proven(), parts, signal),
    };
    if (!address.isStorage || address.container === '') return source;
    return {
      ...source,
      below: (prefix, signal) => blobsBelow(proven, call, prefix, (file) => sourceOf(file, use), signal),
      file: (path) => sourceOf({ ...address, ...blobBelow(address, path) }, use),
    };
  };
  return (text, use) => sourceOf(readSourceAddress(text, accounts), use);
}

async function open(
  address: ProvenAddress,
  { call, wallClock }: StorageSourceParts,
  signal: AbortSignal | undefined,
): Promise<OpenedSource> {
  const addresses = address.isMapped ? undefined : await addressesOf(address, call, notRead);
  const client = createSourceClient(address.url.origin, addresses);
  try {
    const { bytes, stream } = await (address.isStorage
      ? openBlob(address, client, signal)
      : openFile(address, client, { signal, wallClock }));
    return { bytes, stream: explained(stream, address, signal) };
  } catch (error) {
    throw explain(error, address, signal);
  }
}

type Opened = { readonly bytes: number | undefined; readonly stream: AsyncIterable<Uint8Array> };

/** The SDK is large, and who reads nothing from storage does without. */
async function openBlob(
  { url, credential }: ProvenAddress,
  ask: AskSource,
  signal: AbortSignal | undefined,
): Promise<Opened> {
  const { BlobClient } = await import('@azure/storage-blob');
  const { shared, options } = await storageClient(credential, ask);
  const blob = new BlobClient(url.href, shared, options);
  const until = signal === undefined ? {} : { abortSignal: signal };
  const { readableStreamBody, contentLength } = await blob.download(0, undefined, { maxRetryRequests: 2, ...until });
  if (readableStreamBody === undefined) throw new Error('There is no body.');
  return { bytes: contentLength, stream: readableStreamBody as AsyncIterable<Buffer> };
}

/** @param ask the host that gives the file */
export async function openFile(
  { url, credential }: Pick<ProvenAddress, 'url' | 'credential'>,
  ask: AskSource,
  { signal, wallClock }: { readonly signal: AbortSignal | undefined } & Pick<StorageSourceParts, 'wallClock'>,
): Promise<Opened> {
  const asked =
    credential.kind === 'accessKeys'
      ? await signedForS3(url, credential, wallClock())
      : { url: url.href, headers: { accept: '*/*', 'user-agent': 'kustody' } };
  const answer = await ask({ ...asked, method: 'GET', signal });
  if (answer.body === undefined) throw Object.assign(new Error('It was refused.'), { statusCode: answer.status });
  const length = answer.headers['content-length'];
  return { bytes: length === undefined ? undefined : Number(length), stream: answer.body as AsyncIterable<Buffer> };
}

async function* explained(
  stream: AsyncIterable<Uint8Array>,
  address: SourceAddress,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    throw explain(error, address, signal);
  }
}
