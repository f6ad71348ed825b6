import { DataError, sourceFailed } from '../../../database/catalog/data-error.ts';
import type { DownloadCode } from '../../../database/catalog/data-error.ts';
import type { OpenedSource, SourceOf } from '../../../database/ingest/data-source.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import type { StorageAccount } from '../../messages/storage-account.ts';
import type { AskSource } from './pinned-requests.ts';
import { createSourceClient } from './pinned-requests.ts';
import type { SourceAddress } from './source-address.ts';
import { notRead, readSourceAddress } from './source-address.ts';
import { addressesOf, storageClient } from './storage-client.ts';

/** Reads blobs of accounts that the user mapped, and what hosts give that were let through; nothing else. */
export function createStorageSources(accounts: readonly StorageAccount[], call: CallMain): SourceOf {
  return (text) => {
    const address = readSourceAddress(text, accounts);
    return { name: address.name, open: (signal) => open(address, call, signal) };
  };
}

async function open(address: SourceAddress, call: CallMain, signal: AbortSignal | undefined): Promise<OpenedSource> {
  const addresses = address.isMapped ? undefined : await addressesOf(address, call, notRead);
  const client = createSourceClient(address.url.origin, addresses);
  try {
    const { bytes, stream } = await (address.isStorage ? openBlob : openFile)(address, client, signal);
    return { bytes, stream: explained(stream, address, signal) };
  } catch (error) {
    throw explain(error, address, signal);
  }
}

type Opened = { readonly bytes: number | undefined; readonly stream: AsyncIterable<Uint8Array> };

/** The SDK is large, and who reads nothing from storage does without. */
async function openBlob(
  { url, credential }: SourceAddress,
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

async function openFile({ url }: SourceAddress, ask: AskSource, signal: AbortSignal | undefined): Promise<Opened> {
  const headers = { accept: '*/*', 'user-agent': 'kustody' };
  const answer = await ask({ url: url.href, method: 'GET', headers, signal });
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

const codeOfStatus: Readonly<Record<number, readonly [DownloadCode, string]>> = {
  400: ['Download_BadRequest', 'the storage calls the request bad'],
  401: ['Download_Forbidden', 'access is forbidden'],
  403: ['Download_Forbidden', 'access is forbidden'],
  404: ['Download_SourceNotFound', 'there is no such source'],
  409: ['Download_AccessConditionNotSatisfied', 'a condition of the access is not satisfied'],
  412: ['Download_AccessConditionNotSatisfied', 'a condition of the access is not satisfied'],
};

/** Answers of storage may repeat what was signed: only a status and the name of an error leave here. */
export function explain(
  error: unknown,
  { name, url }: Pick<SourceAddress, 'name' | 'url'>,
  signal: AbortSignal | undefined,
  failure: (name: string, why: string) => string = notDownloaded,
): unknown {
  if (signal?.aborted === true) return signal.reason instanceof Error ? signal.reason : error;
  if (error instanceof DataError) return error;
  const { statusCode: status, code } = error as { readonly statusCode?: unknown; readonly code?: unknown };
  const named = typeof code === 'string' && /^[A-Za-z_]{1,60}$/.test(code) ? `, ${code}` : '';
  if (typeof status !== 'number' || status === 0) {
    const isUnknown = code === 'ENOTFOUND';
    const why = isUnknown ? `there is no host ${url.hostname}` : `${url.hostname} could not be read to the end`;
    return sourceFailed(
      isUnknown ? 'Download_AccountNotFound' : 'Download_UnknownError',
      failure(name, `${why}${named}`),
    );
  }
  if (status >= 300 && status < 400)
    return sourceFailed('Download_NotTransient', failure(name, `it leads somewhere else (status ${status})`));
  const [known, why] = codeOfStatus[status] ?? ['Download_UnknownError', 'the storage answers with an error'];
  return sourceFailed(known, failure(name, `${why} (status ${status}${named})`));
}

const notDownloaded = (name: string, why: string): string => `Failed to download the source '${name}': ${why}.`;
