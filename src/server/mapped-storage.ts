import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  RequestOptions,
  ServerResponse,
} from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import type { Log } from '../http/logging.ts';
import type { Plane } from '../http/plane.ts';

const blobHost = /^([a-z0-9]{3,24})\.blob\.core\.windows\.net$/;
/** Without a byte either way. */
const idleMs = 60_000;
/** Those of a connection (RFC 9110, 7.6.1), and whom it is to. */
const ofConnection = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'host'],
]);

interface MappedStorageParts {
  readonly settings: { readonly storageAccounts?: readonly StorageAccount[] };
  readonly log: Log;
}

/** Accounts that the user mapped, under their real host names: clients that are told of a blob ask its account for it, too, and find the
 * same one as clusters do. What is asked goes there as it is; who may do what is decided there. */
export function createMappedStoragePlane({ settings, log }: MappedStorageParts): Plane {
  const accounts = settings.storageAccounts ?? [];
  const accountOf = (host: string | undefined): StorageAccount | undefined => {
    const name = blobHost.exec((host ?? '').toLowerCase().replace(/:\d+$/, ''))?.[1];
    return accounts.find((account) => account.name === name);
  };
  return {
    name: 'storage',
    claim: (host) => (accountOf(host) === undefined ? undefined : 'serve'),
    handle: (request, response) => {
      const account = accountOf(request.headers.host);
      if (account === undefined) refuse(response, 404, 'ResourceNotFound', 'The specified resource does not exist.');
      else if (leadsElsewhere(request.url ?? '/'))
        refuse(response, 400, 'InvalidUri', 'The requested URI does not represent any resource on the server.');
      else forward(account, request, response, (error) => log.failure('storage-not-reached', error));
    },
  };
}

function forward(
  account: StorageAccount,
  request: IncomingMessage,
  response: ServerResponse,
  failed: (error: unknown) => void,
): void {
  const target = new URL(account.endpoint);
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const { path, host } = placeOf(account, target, request.url ?? '/');
  const options: RequestOptions = {
    ...{ hostname: target.hostname.replace(/^\[|\]$/g, ''), port: target.port, method: request.method, path },
    headers: { ...passed(request.headers), host },
    ...{ agent: false, timeout: idleMs },
  };
  const onward = send(options, (answer) => {
    response.writeHead(answer.statusCode ?? 502, passed(answer.headers));
    pipeline(answer, response, () => onward.destroy());
  });
  onward.on('timeout', () => onward.destroy(new Error('The storage does not answer.')));
  onward.on('error', (error) => {
    failed(error);
    if (response.headersSent) response.destroy();
    else refuse(response, 503, 'ServerBusy', `The storage that '${account.name}' is mapped to could not be reached.`);
  });
  response.on('close', () => onward.destroy());
  pipeline(request, onward, () => undefined);
}

/** A server behind may take the steps of a path, and what is above the address of the account is not the account. */
const leadsElsewhere = (url: string): boolean =>
  /(?:^|[/\\]|%2f|%5c)(?:\.|%2e){1,2}(?:[/\\]|%2f|%5c|$)/i.test(url.split('?', 1)[0] ?? '');

/** A key signs the path with the name of the account before it. Emulators have that name in their path, and take the host for it instead
 * where it has the name. */
function placeOf(
  { name }: StorageAccount,
  target: URL,
  path: string,
): { readonly path: string; readonly host: string } {
  if (target.pathname === `/${name}`) return { path, host: `${name}.blob.core.windows.net` };
  return { path: `${target.pathname.replace(/\/$/, '')}${path}`, host: target.host };
}

function passed(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').toLowerCase().split(/[\s,]+/);
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !ofConnection.has(name) && !named.includes(name)),
  );
}

function refuse(response: ServerResponse, status: number, code: string, text: string): void {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${text}</Message></Error>`;
  response.writeHead(status, {
    ...{ 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body), 'x-ms-error-code': code },
  });
  response.end(body);
}
