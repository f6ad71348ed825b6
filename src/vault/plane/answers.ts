import type { FastifyRequest } from 'fastify';
import { isIPv4 } from 'node:net';
import { RecentMap } from '../../base/recent-map.ts';
import type { Correlation } from '../../http/correlation.ts';
import { headerName } from '../../http/named-response.ts';
import type { PlaneAnswer, PlaneFailure, PlaneFailureKind } from '../../http/plane-failure.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { errorBody, VaultError, vaultError } from '../vault-error.ts';
import { collections, notBuiltCollections } from './vault-operations.ts';

/** The vault that a request has reached, and from where. */
export interface Reached {
  readonly vault: VaultSettings;
  readonly clientAddress: string;
}

/** Headers of every answer. Key Vault echoes the client's request id without being asked. */
export function answerHeaders(
  { requestId, clientRequestId }: Correlation,
  reached: Reached | undefined,
): Record<string, string> {
  return {
    ...fixedHeaders,
    'x-ms-request-id': requestId,
    ...(clientRequestId === undefined ? {} : { 'x-ms-client-request-id': clientRequestId }),
    ...(reached === undefined ? {} : vaultHeaders(reached)),
  };
}

/** The same, of JSON that was written already, names as they go out and values in turn. Node.js looks each of them up and through, so those that are the
 * same for all requests of a client are put together once. */
export function textHeaders(
  { requestId, clientRequestId }: Correlation,
  { vault, clientAddress }: Reached,
  assignmentId: string | undefined,
): string[] {
  const known = listedHeaders.get(clientAddress);
  const fixed = known?.vault === vault ? known.list : listHeaders(vault, clientAddress);
  const list = [...fixed, 'x-ms-request-id', requestId];
  if (clientRequestId !== undefined) list.push('x-ms-client-request-id', clientRequestId);
  if (assignmentId !== undefined) list.push(assignmentHeader, assignmentId);
  return list;
}

export const assignmentHeader = 'x-ms-keyvault-rbac-assignment-id';

const fixedHeaders = {
  'cache-control': 'no-cache',
  pragma: 'no-cache',
  expires: '-1',
  'x-ms-keyvault-service-version': '1.9.264.2',
  'strict-transport-security': 'max-age=31536000;includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

/** By the address of the client: of the vault that it asked last. */
const listedHeaders = new RecentMap<string, { readonly vault: VaultSettings; readonly list: readonly string[] }>(100);

function listHeaders(vault: VaultSettings, clientAddress: string): readonly string[] {
  const headers = { ...fixedHeaders, ...vaultHeaders({ vault, clientAddress }), ...jsonType };
  const list = Object.entries(headers).flatMap(([name, value]) => [headerName(name), value]);
  listedHeaders.set(clientAddress, { vault, list });
  return list;
}

const jsonType = { 'content-type': 'application/json; charset=utf-8' } as const;

function vaultHeaders({ vault, clientAddress }: Reached): Record<string, string> {
  const [type, family] = isIPv4(clientAddress) ? ['Ipv4', 'InterNetwork'] : ['Ipv6', 'InterNetworkV6'];
  return {
    'x-ms-keyvault-region': vault.region,
    'x-ms-keyvault-network-info': `conn_type=${type};addr=${clientAddress};act_addr_fam=${family};`,
  };
}

/** Most queries are an api-version and nothing more. */
const readQueries = new RecentMap<string, ReadonlyMap<string, string>>(100);
const queryCharsMax = 40;

/** Names lower case and decoded; of a name given twice the first counts. */
export function readQuery(url: string): ReadonlyMap<string, string> {
  const at = url.indexOf('?');
  const text = at < 0 ? '' : url.slice(at + 1);
  const known = readQueries.get(text);
  if (known !== undefined) return known;
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    const lower = name.toLowerCase();
    if (!query.has(lower)) query.set(lower, value);
  }
  if (text.length <= queryCharsMax) readQueries.set(text, query);
  return query;
}

const stableVersions = ['2015-06-01', '2016-10-01', '7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01'];
const latestVersion = '2026-04-01';

/** Every operation takes each of them. */
export const vaultApiVersions: readonly string[] = [...stableVersions, latestVersion, '2025-06-01-preview'];
const knownVersions = new Set(vaultApiVersions);

/** Previews of the numbered ones came and went; clients that were made meanwhile still name them.
 * @throws VaultError 400 for one that Key Vault never had */
export function readApiVersion(query: ReadonlyMap<string, string>): string {
  const version = query.get('api-version');
  if (version === undefined || version === '') throw vaultError('missingApiVersion');
  if (knownVersions.has(version)) return version;
  if (!knownVersions.has(version.replace(/^(7\.[1-6])-preview(\.\d)?$/, '$1')))
    throw vaultError('unknownApiVersion', version.slice(0, 100), latestVersion);
  return version;
}

export function renderVaultError(error: unknown): PlaneAnswer | undefined {
  if (!(error instanceof VaultError)) return undefined;
  return { status: error.status, headers: error.headers, body: errorBody(error) };
}

const failureCodes = {
  notFound: 'NotFound',
  badUrl: 'BadParameter',
  bodyTooLarge: 'RequestBodyTooLarge',
  badJson: 'BadParameter',
  badBody: 'BadParameter',
  busy: 'Throttled',
  storageFull: 'InsufficientStorage',
  unsupportedMediaType: 'UnsupportedMediaType',
  internal: 'InternalServerError',
} as const satisfies Record<PlaneFailureKind, string>;

export function renderVaultFailure(failure: PlaneFailure, request?: FastifyRequest): PlaneAnswer {
  const error =
    (failure.kind === 'notFound' ? unknownOperation(request) : undefined) ??
    new VaultError(failure.status, failureCodes[failure.kind], undefined, failure.text);
  return { status: error.status, body: errorBody(error) };
}

/** Random bytes: vaults answer 400, as the maintainers of the SDKs say. */
const managedHsmOnly = 'rng';

/** What no operation takes, of a collection that Key Vault has. */
function unknownOperation(request: FastifyRequest | undefined): VaultError | undefined {
  const [, first = '', ...rest] = /^\/+([a-z]+)([^?]*)/i.exec(request?.raw.url ?? '') ?? [];
  const collection = first.toLowerCase();
  if (notBuiltCollections.has(collection)) return vaultError('notBuilt', `the collection ${collection} of Key Vault`);
  const [name, ...after] = (rest[0] ?? '').split('/').filter((segment) => segment !== '');
  const last = after.at(-1);
  if (collection === managedHsmOnly) return vaultError('noSuchOperation', 'POST', managedHsmOnly);
  if (request === undefined || !collections.has(collection) || name === undefined || last === undefined)
    return undefined;
  return vaultError('noSuchOperation', request.method, last.slice(0, 200));
}
