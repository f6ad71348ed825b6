import type { JsonObject } from '../../base/json.ts';
import { pageToken, readPageToken } from '../../base/page-token.ts';
import type { State, Versioned } from '../../state/state.ts';
import { vaultError } from '../vault-error.ts';
import { deletionId } from './deletions.ts';
import { requestedName } from './find-requested.ts';
import { deletionOf, formatObjectId, idOf, vaultHostOf } from './object-answers.ts';
import type { Found, ObjectKind, ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { findObject, findVersion } from './object-store.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from './operation.ts';

const pageLengthMax = 25;
const readAhead = 100;

type Handle = (services: VaultServices, request: VaultRequest) => Promise<VaultOutcome>;

export const listObjects =
  <Version extends VersionRecord, Whole extends ObjectRecord>(
    kind: ObjectKind<Version, Whole>,
    wanted: 'live' | 'deleted',
    isShown: (found: Found<Version, Whole>) => boolean = () => true,
  ): Handle =>
  async ({ state, retention, deletions }, request) => {
    const { vault, apiVersion } = request;
    const { collection } = kind;
    const length = readMaxResults(request);
    const items: JsonObject[] = [];
    let last: string | undefined;
    const path = wanted === 'live' ? `/${collection}` : `/deleted${collection}`;
    for await (const object of objectsFrom(state, kind, request, path)) {
      if (retention.isOver(object.value)) continue;
      if ((object.value.deleted !== undefined) !== (wanted === 'deleted')) continue;
      if (deletions.isUnderWay(deletionId(kind, object.id))) continue;
      if (items.length === length) return page(request, path, items, last);
      const found = await findVersion(state, kind, object);
      if (found === undefined || !isShown(found)) continue;
      const deletion = wanted === 'deleted' ? deletionOf(vault, kind, found) : {};
      const id = formatObjectId(vault, collection, object.value.name);
      items.push({ ...deletion, ...kind.item(vault, found, id, apiVersion) });
      last = object.value.name.toLowerCase();
    }
    return page(request, path, items, undefined);
  };

async function* objectsFrom<Whole extends ObjectRecord>(
  state: State,
  { objects }: ObjectTables<VersionRecord, Whole>,
  request: VaultRequest,
  path: string,
): AsyncGenerator<Versioned<Whole>> {
  const prefix = `${request.vault.vaultId}/`;
  const skipToken = readSkipToken(request, path);
  let after = skipToken === undefined ? undefined : prefix + skipToken;
  for (;;) {
    const listed = await state.list(objects, { prefix, limit: readAhead, ...(after === undefined ? {} : { after }) });
    yield* listed;
    after = listed.at(-1)?.id;
    if (listed.length < readAhead) return;
  }
}

/** A name that does not exist, or is deleted, has no versions: that is no error. */
export const listVersions =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async ({ state, retention }, request) => {
    const { vault, apiVersion } = request;
    const length = readMaxResults(request);
    const path = `/${kind.collection}/${requestedName(request)}/versions`;
    const skipToken = readSkipToken(request, path);
    const object = await findObject(state, kind, vault.vaultId, requestedName(request), retention.isOver);
    if (object === undefined || object.value.deleted !== undefined) return page(request, path, [], undefined);
    const prefix = `${object.id}/`;
    const after = skipToken === undefined ? {} : { after: prefix + skipToken };
    const versions = await state.list(kind.versions, { prefix, limit: length + 1, ...after });
    const shown = versions.slice(0, length).map((version) => ({ object, version }));
    const items = shown.map((found) => kind.item(vault, found, idOf(vault, kind, found), apiVersion));
    const last = versions.length > length ? shown.at(-1)?.version.value.version : undefined;
    return page(request, `/${kind.collection}/${object.value.name}/versions`, items, last);
  };

/** The last page says `"nextLink": null`; other links are absolute, with a port. @param last of the items shown, when more follow */
function page(
  { vault, apiVersion, query }: VaultRequest,
  path: string,
  value: readonly JsonObject[],
  last: string | undefined,
): VaultOutcome {
  if (last === undefined) return { status: 200, body: { value, nextLink: null } };
  const maxResults = query.has('maxresults') ? `&maxresults=${query.get('maxresults') ?? ''}` : '';
  const skipToken = pageToken(listOf(vault, path), last);
  const link = `https://${vaultHostOf(vault)}:443${path}?api-version=${apiVersion}&$skiptoken=${skipToken}${maxResults}`;
  return { status: 200, body: { value, nextLink: link } };
}

function readMaxResults({ query }: VaultRequest): number {
  const text = query.get('maxresults');
  if (text === undefined) return pageLengthMax;
  const length = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (length < 1 || length > pageLengthMax) throw vaultError('invalidProperty', 'maxresults');
  return length;
}

const listOf = (vault: VaultRequest['vault'], path: string): string => `${vaultHostOf(vault)}${path.toLowerCase()}`;

/** @returns the lower-case name, or the version, that the last page ended with
 * @throws VaultError 400 for one of another list, or one that was changed */
function readSkipToken({ vault, query }: VaultRequest, path: string): string | undefined {
  const text = query.get('$skiptoken');
  if (text === undefined) return undefined;
  const last = readPageToken(listOf(vault, path), text);
  if (last === undefined || !/^[0-9a-z-]{1,127}$/.test(last)) throw vaultError('invalidProperty', '$skiptoken');
  return last;
}
