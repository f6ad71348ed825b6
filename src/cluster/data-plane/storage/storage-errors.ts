import type { PlaneAnswer } from '../../../http/plane-failure.ts';
import type { StorageRefusalCode } from '../../../database/queued/storage-refusal.ts';
import type { StorageService } from '../../../database/queued/storage-accounts.ts';

/** What the storage accounts of a cluster refuse.
 * @see Azure Storage "Common REST API error codes", and those of blobs, queues and tables */
export const storageErrorRows = {
  AuthenticationFailed: {
    status: 403,
    text: 'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  },
  AuthorizationPermissionMismatch: {
    status: 403,
    text: 'This request is not authorized to perform this operation using this permission.',
  },
  BlobAlreadyExists: { status: 409, text: 'The specified blob already exists.' },
  BlobNotFound: { status: 404, text: 'The specified blob does not exist.' },
  ConditionHeadersNotSupported: { status: 400, text: 'Condition headers are not supported.' },
  EntityAlreadyExists: { status: 409, text: 'The specified entity already exists.' },
  InternalError: { status: 500, text: 'The server encountered an internal error. Please retry the request.' },
  /** Of tokens, whatever is wrong with them. @see github.com/Azure/AzureStor/issues/119 */
  InvalidAuthenticationInfo: {
    status: 401,
    text: 'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  },
  InvalidBlobType: { status: 409, text: 'The blob type is invalid for this operation.' },
  InvalidBlockId: { status: 400, text: 'The specified block ID is invalid. The block ID must be Base64-encoded.' },
  InvalidBlockList: { status: 400, text: 'The specified block list is invalid.' },
  InvalidHeaderValue: { status: 400, text: 'The value for one of the HTTP headers is not in the correct format.' },
  InvalidInput: { status: 400, text: 'One of the request inputs is not valid.' },
  InvalidQueryParameterValue: {
    status: 400,
    text: 'Value for one of the query parameters specified in the request URI is invalid.',
  },
  InvalidRange: { status: 416, text: 'The range specified is invalid for the current size of the resource.' },
  InvalidUri: { status: 400, text: 'The requested URI does not represent any resource on the server.' },
  InvalidXmlDocument: { status: 400, text: 'XML specified is not syntactically valid.' },
  Md5Mismatch: {
    status: 400,
    text: 'The MD5 value specified in the request did not match the MD5 value calculated by the server.',
  },
  MessageNotFound: { status: 404, text: 'The specified message does not exist.' },
  MessageTooLarge: { status: 400, text: 'The message exceeds the maximum allowed size.' },
  NoAuthenticationInformation: {
    status: 401,
    text: 'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  },
  /** Not one of Azure's operations refused by it: what is not built here. */
  NotImplemented: { status: 501, text: 'The requested operation is not built in Kustody.' },
  PopReceiptMismatch: {
    status: 400,
    text: 'The specified pop receipt did not match the pop receipt for a dequeued message.',
  },
  RequestBodyTooLarge: {
    status: 413,
    text: 'The request body is too large and exceeds the maximum permissible limit.',
  },
  ResourceNotFound: { status: 404, text: 'The specified resource does not exist.' },
  ServerBusy: { status: 503, text: 'The server is busy.' },
} as const satisfies Record<string, { readonly status: number; readonly text: string }> & {
  readonly [Code in StorageRefusalCode]: unknown;
};

export type StorageErrorCode = keyof typeof storageErrorRows;

export class StorageError extends Error {
  override readonly name = 'StorageError';
  constructor(
    readonly code: StorageErrorCode,
    /** What is added to the code's own text. */
    readonly detail = '',
  ) {
    super(code);
  }
}

/** XML for blobs and queues, JSON for tables; the name of the error in a header for all. */
export function storageErrorAnswer(
  { code, detail }: StorageError,
  service: StorageService,
  about: { readonly requestId: string; readonly time: string },
): PlaneAnswer {
  const { status, text } = storageErrorRows[code];
  const message = `${text}${detail === '' ? '' : ` ${detail}`}\nRequestId:${about.requestId}\nTime:${about.time}`;
  const headers = {
    'x-ms-error-code': code,
    ...(status === 401
      ? {
          'www-authenticate':
            'Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize resource_id=https://storage.azure.com',
        }
      : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  };
  if (service === 'table')
    return {
      status,
      headers: { ...headers, 'content-type': 'application/json;odata=minimalmetadata;charset=utf-8' },
      body: JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value: message } } }),
    };
  return {
    status,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`,
  };
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

export const escapeXml = (text: string): string => text.replace(/[&<>"']/g, (found) => entities[found] ?? '');

export const unescapeXml = (text: string): string =>
  text.replace(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(amp|lt|gt|quot|apos));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined)
        return Object.entries(entities).find(([, one]) => one === `&${name.toLowerCase()};`)?.[0] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
