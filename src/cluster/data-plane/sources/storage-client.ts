import type {
  AnonymousCredential,
  HttpOperationResponse,
  RequestPolicy,
  StoragePipelineOptions,
  StorageSharedKeyCredential,
  WebResource,
} from '@azure/storage-blob';
import { parseHostName } from '../../../base/names.ts';
import type { CallMain } from '../../messages/data-plane-calls.ts';
import type { AskSource, KnownAddress } from './pinned-requests.ts';
import type { RefuseAddress, SourceAddress, SourceCredential } from './source-address.ts';

/** The main process knows what is let through, and looks names up. @throws DataError `SourceNotAllowed` */
export async function addressesOf(
  { url, name }: Pick<SourceAddress, 'url' | 'name'>,
  call: CallMain,
  refused: RefuseAddress,
): Promise<readonly KnownAddress[]> {
  const host = parseHostName(url.hostname);
  if (host === undefined) throw refused(name, 'its host has no name.');
  const answer = await call('outwardHost', { host, port: url.port === '' ? 443 : Number(url.port) });
  if (answer.outcome === 'refused') throw refused(name, answer.message);
  return answer.addresses;
}

/** What is sent: nothing, a signature, or a token. */
export type Proof = Exclude<SourceCredential, { kind: 'managedIdentity' | 'impersonation' }>;

/** An address with what it proves itself with now. */
export type ProvenAddress = Omit<SourceAddress, 'credential'> & { readonly credential: Proof };

/** What the official clients of storage take, over connections that lead where they may. The SDK is large, and who uses no storage does
 * without. */
export async function storageClient(
  credential: Proof,
  ask: AskSource,
): Promise<{
  readonly shared: StorageSharedKeyCredential | AnonymousCredential;
  readonly options: StoragePipelineOptions;
}> {
  const sdk = await import('@azure/storage-blob');
  const shared =
    credential.kind === 'accountKey'
      ? new sdk.StorageSharedKeyCredential(credential.account, credential.key)
      : new sdk.AnonymousCredential();
  const token = credential.kind === 'token' ? { authorization: `Bearer ${credential.token}` } : {};
  return {
    shared,
    options: { httpClient: clientOver(ask, token), retryOptions: { maxTries: 2, maxRetryDelayInMs: 1_000 } },
  };
}

/** Of one page of a list: 5,000 names of at most 1,024 characters. */
const pageBytesMax = 32 * 1024 * 1024;

async function wholeText(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body) {
    if ((bytes += piece.byteLength) > pageBytesMax) throw new Error('The answer is too long.');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** As the SDK wants a client. */
const clientOver = (ask: AskSource, more: Readonly<Record<string, string>>): RequestPolicy => ({
  sendRequest: async (request: WebResource): Promise<HttpOperationResponse> => {
    const { url, method, abortSignal } = request;
    const sentBody = request.body as string | Uint8Array | undefined; // we send nothing else
    const sent = { ...request.headers.toJson({ preserveCase: true }), ...more };
    const { status, headers, body, text } = await ask({
      ...{ url, method, headers: sent, signal: abortSignal },
      ...(sentBody === undefined ? {} : { body: sentBody }),
    });
    const isStream = request.streamResponseStatusCodes?.has(status) === true;
    const answer = {
      ...{ request, status },
      ...(isStream ? { readableStreamBody: body } : {}),
      bodyAsText: text ?? (body === undefined || isStream ? null : await wholeText(body)),
    };
    return { ...answer, headers: { toJson: () => headers } } as unknown as HttpOperationResponse;
  },
});
