import { DataError, sourceFailed } from '../../../database/catalog/data-error.ts';
import type { DownloadCode } from '../../../database/catalog/data-error.ts';
import type { SourceAddress } from './source-address.ts';

const codeOfStatus: Readonly<Record<number, readonly [DownloadCode, string]>> = {
  400: ['Download_BadRequest', 'the storage calls the request bad'],
  401: ['Download_Forbidden', 'access is forbidden'],
  403: ['Download_Forbidden', 'access is forbidden'],
  404: ['Download_SourceNotFound', 'there is no such source'],
  409: ['Download_AccessConditionNotSatisfied', 'a condition of the access is not satisfied'],
  412: ['Download_AccessConditionNotSatisfied', 'a condition of the access is not satisfied'],
};

/** A chain of certificates that ends at no known root (OpenSSL's X509_V_ERR, as Node.js names them). */
const untrusted: ReadonlySet<unknown> = new Set([
  ...['SELF_SIGNED_CERT_IN_CHAIN', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
]);

function unread(host: string, code: unknown): string {
  if (code === 'ENOTFOUND') return `there is no host ${host}`;
  if (untrusted.has(code))
    return `no root certificate that is known signed that of ${host} (start Kustody with NODE_EXTRA_CA_CERTS=FILE)`;
  return `${host} could not be read to the end`;
}

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
    return sourceFailed(
      isUnknown ? 'Download_AccountNotFound' : 'Download_UnknownError',
      failure(name, `${unread(url.hostname, code)}${named}`),
    );
  }
  if (status >= 300 && status < 400)
    return sourceFailed('Download_NotTransient', failure(name, `it leads somewhere else (status ${status})`));
  const [known, why] = codeOfStatus[status] ?? ['Download_UnknownError', 'the storage answers with an error'];
  return sourceFailed(known, failure(name, `${why} (status ${status}${named})`));
}

const notDownloaded = (name: string, why: string): string => `Failed to download the source '${name}': ${why}.`;
