import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { graphErrors } from './graph-error.ts';
import { parseGraphFilter } from './graph-filter.ts';
import { collectionContext, entityReply, graphHost } from './graph-operation.ts';
import type { GraphReply, GraphRequest } from './graph-operation.ts';

/** One set of entities, as `$metadata` names them. */
export interface EntitySet {
  readonly set: string;
  /** In texts of errors. */
  readonly resource: string;
  readonly filterable: ReadonlySet<string>;
  /** What is shown without `$select`; all when missing. */
  readonly shown?: readonly string[];
}

const pageSize = { usual: 100, max: 999 } as const;
/** `$count` as a parameter is for advanced queries. */
const optionsNotBuilt = ['$orderby', '$expand', '$search', '$count', '$skip', '$format', '$apply', '$compute'];

/** A list with `$filter`, `$select`, `$top` and pages. Entities come in the order of their ids: a page token is the last id of the page
 * before, so that objects that come and go meanwhile shift nothing. @param path below `/v1.0`, of the list itself */
export function listReply(
  request: GraphRequest,
  { set, resource, filterable, shown }: EntitySet,
  entities: readonly JsonObject[],
  path: string,
): GraphReply {
  const { query } = request;
  refuseOptions(query, ['$filter', '$select', '$top', '$skiptoken']);
  const filter = query.get('$filter');
  const predicate = filter === null ? () => true : parseGraphFilter(filter, filterable, resource);
  const size = readPageSize(query.get('$top'));
  const after = readPageToken(query.get('$skiptoken'));
  const rest = entities.filter(predicate).filter((entity) => after === undefined || idOf(entity) > after);
  const page = rest.slice(0, size);
  const last = page.at(-1);
  const next = last === undefined || rest.length <= size ? {} : { '@odata.nextLink': nextLink(query, path, last) };
  const names = selected(query, shown);
  const context = names === undefined || names === shown ? set : `${set}(${names.join(',')})`;
  return {
    status: 200,
    body: {
      '@odata.context': collectionContext(context),
      ...next,
      value: page.map((entity) => onlyNamed(entity, names)),
    },
  };
}

/** One entity, with `$select`. */
export function showReply(request: GraphRequest, { set, shown }: EntitySet, entity: JsonObject): GraphReply {
  refuseOptions(request.query, ['$select']);
  const names = selected(request.query, shown);
  const context = names === undefined || names === shown ? set : `${set}(${names.join(',')})`;
  return entityReply(context, onlyNamed(entity, names));
}

export const onlyNamed = (entity: JsonObject, names: readonly string[] | undefined): JsonObject =>
  names === undefined
    ? entity
    : Object.fromEntries(Object.entries(entity).filter(([name]) => name.startsWith('@') || names.includes(name)));

function refuseOptions(query: URLSearchParams, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (known.includes(name.toLowerCase())) continue;
    if (optionsNotBuilt.includes(name.toLowerCase())) throw graphErrors.notBuilt(`the query option '${name}'`);
    if (name.startsWith('$')) throw graphErrors.malformed(`The query parameter '${name}' is not supported.`);
  }
}

/** `$select`: what it names and the entity has. */
function selected(query: URLSearchParams, shown: readonly string[] | undefined): readonly string[] | undefined {
  const text = query.get('$select');
  if (text === null || text.trim() === '') return shown;
  return text.split(',').map((name) => name.trim());
}

function readPageSize(text: string | null): number {
  if (text === null) return pageSize.usual;
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > pageSize.max) throw graphErrors.pageSize(text);
  return size;
}

function readPageToken(text: string | null): string | undefined {
  if (text === null) return undefined;
  const id = fromBase64Url(text)?.toString('utf8') ?? '';
  if (!/^[\w-]{1,64}$/.test(id)) throw graphErrors.pageToken();
  return id;
}

function nextLink(query: URLSearchParams, path: string, last: JsonObject): Json {
  const next = new URLSearchParams(query);
  next.set('$skiptoken', toBase64Url(utf8(idOf(last))));
  return `https://${graphHost}/v1.0${path}?${next.toString().replaceAll('%24', '$')}`;
}

const idOf = (entity: JsonObject): string => (typeof entity['id'] === 'string' ? entity['id'] : '');
