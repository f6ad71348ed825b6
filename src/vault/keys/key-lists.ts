import type { JsonObject } from '../../base/json.ts';
import type { Versioned } from '../../state/state.ts';
import { vaultError } from '../vault-error.ts';
import { requestedName } from './find-requested.ts';
import { baseKidOf, deletionOf, keyItem, kidOf, vaultHostOf } from './key-bundle.ts';
import type { KeyOperation, KeyOutcome, KeyRequest, KeyServices } from './key-operation.ts';
import type { KeyRecord } from './key-records.ts';
import { vaultKeys, vaultKeyVersions } from './key-records.ts';
import { findKey, findVersion } from './key-store.ts';

const pageLengthMax = 25;
const readAhead = 100;

export const keyListOperations = [
  {
    id: 'GetKeys',
    method: 'GET',
    path: '/keys',
    permission: 'list',
    dataAction: 'keys/read',
    handle: (services, request) => listKeys(services, request, 'live'),
  },
  {
    id: 'GetKeyVersions',
    method: 'GET',
    path: '/keys/{name}/versions',
    permission: 'list',
    dataAction: 'keys/read',
    handle: listVersions,
  },
  {
    id: 'GetDeletedKeys',
    method: 'GET',
    path: '/deletedkeys',
    permission: 'list',
    dataAction: 'keys/read',
    handle: (services, request) => listKeys(services, request, 'deleted'),
  },
] as const satisfies readonly KeyOperation[];

async function listKeys(services: KeyServices, request: KeyRequest, wanted: 'live' | 'deleted'): Promise<KeyOutcome> {
  const { vault, apiVersion } = request;
  const length = readMaxResults(request);
  const items: JsonObject[] = [];
  let last: string | undefined;
  for await (const key of keysFrom(services, request, readSkipToken(request))) {
    if (services.retention.isOver(key.value)) continue;
    if ((key.value.deleted !== undefined) !== (wanted === 'deleted')) continue;
    if (items.length === length) return page(request, wanted === 'live' ? '/keys' : '/deletedkeys', items, last);
    const found = await findVersion(services.state, vault.vaultId, key);
    if (found === undefined) continue;
    const deletion = wanted === 'deleted' ? deletionOf(vault, found) : {};
    items.push({ ...deletion, ...keyItem(vault, found, baseKidOf(vault, key.value.name), apiVersion) });
    last = key.value.name.toLowerCase();
  }
  return page(request, '', items, undefined);
}

async function* keysFrom(
  { state }: KeyServices,
  { vault }: KeyRequest,
  skipToken: string | undefined,
): AsyncGenerator<Versioned<KeyRecord>> {
  const prefix = `${vault.vaultId}/`;
  let after = skipToken === undefined ? undefined : prefix + skipToken;
  for (;;) {
    const keys = await state.list(vaultKeys, { prefix, limit: readAhead, ...(after === undefined ? {} : { after }) });
    yield* keys;
    after = keys.at(-1)?.id;
    if (keys.length < readAhead) return;
  }
}

/** A name that does not exist, or is deleted, has no versions: that is no error. */
async function listVersions(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const { state, retention } = services;
  const { vault, apiVersion } = request;
  const length = readMaxResults(request);
  const skipToken = readSkipToken(request);
  const key = await findKey(state, vault.vaultId, requestedName(request), retention.isOver);
  if (key === undefined || key.value.deleted !== undefined) return page(request, '', [], undefined);
  const prefix = `${key.id}/`;
  const after = skipToken === undefined ? {} : { after: prefix + skipToken };
  const versions = await state.list(vaultKeyVersions, { prefix, limit: length + 1, ...after });
  const shown = versions.slice(0, length).map((version) => ({ key, version }));
  const items = shown.map((found) => keyItem(vault, found, kidOf(vault, found), apiVersion));
  const last = versions.length > length ? shown.at(-1)?.version.value.version : undefined;
  return page(request, `/keys/${key.value.name}/versions`, items, last);
}

/** The last page says `"nextLink": null`; other links are absolute, with a port. @param last of the items shown, when more follow */
function page(
  { vault, apiVersion, query }: KeyRequest,
  path: string,
  value: readonly JsonObject[],
  last: string | undefined,
): KeyOutcome {
  if (last === undefined) return { status: 200, body: { value, nextLink: null } };
  const maxResults = query.has('maxresults') ? `&maxresults=${query.get('maxresults') ?? ''}` : '';
  const skipToken = Buffer.from(last, 'utf8').toString('base64url');
  const link = `https://${vaultHostOf(vault)}:443${path}?api-version=${apiVersion}&$skiptoken=${skipToken}${maxResults}`;
  return { status: 200, body: { value, nextLink: link } };
}

function readMaxResults({ query }: KeyRequest): number {
  const text = query.get('maxresults');
  if (text === undefined) return pageLengthMax;
  const length = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (length < 1 || length > pageLengthMax) throw vaultError('invalidProperty', 'maxresults');
  return length;
}

/** @returns the lower-case name, or the version, that the last page ended with */
function readSkipToken({ query }: KeyRequest): string | undefined {
  const text = query.get('$skiptoken');
  if (text === undefined) return undefined;
  const last = Buffer.from(text, 'base64url').toString('utf8');
  if (!/^[0-9a-z-]{1,127}$/.test(last)) throw vaultError('invalidProperty', '$skiptoken');
  return last;
}
