import type { ArmRequest } from './arm-operation.ts';
import { armErrors } from './arm-errors.ts';
import { pageToken, readPageToken } from '../base/page-token.ts';

export interface Page<T> {
  readonly value: readonly T[];
  /** Absolute; absent on the last page. */
  readonly nextLink?: string;
}

/** Cuts one page out of a list that is always in the same order.
 * @param idOf a text that grows along the list: the page starts after the one in `$skiptoken`
 * @param sizeMax used when the request has no `$top`, or a greater one
 * @throws ArmError 400 for a bad `$top` or `$skiptoken` */
export function pageOf<T>(
  request: Pick<ArmRequest, 'query' | 'origin' | 'url'>,
  items: readonly T[],
  idOf: (item: T) => string,
  sizeMax = 1000,
): Page<T> {
  const { after, size } = wantedPage(request, sizeMax);
  return firstPage(request, after === undefined ? items : items.filter((item) => idOf(item) > after), idOf, size);
}

/** What a request wants of a list that is read a page at a time: so many after an id, whatever that says.
 * @throws ArmError 400 for a bad `$top` or `$skiptoken` */
export const wantedPage = (
  request: Pick<ArmRequest, 'query' | 'origin' | 'url'>,
  sizeMax = 1000,
): { readonly after: string | undefined; readonly size: number } => ({
  size: Math.min(parseTop(request.query.get('$top')) ?? sizeMax, sizeMax),
  after: parseSkipToken(request),
});

/** @param rest what comes after the page before, one more than a page has at least, if there are so many */
export function firstPage<T>(
  request: Pick<ArmRequest, 'origin' | 'url'>,
  rest: readonly T[],
  idOf: (item: T) => string,
  size: number,
): Page<T> {
  const value = rest.slice(0, size);
  const last = value.at(-1);
  if (last === undefined || rest.length <= size) return { value };
  return { value, nextLink: nextLink(request, idOf(last)) };
}

/** In the order in which `pageOf` wants them: by UTF-16 code unit, as `<` compares. */
export const sortedById = <T>(items: readonly T[], idOf: (item: T) => string): readonly T[] =>
  items.toSorted((left, right) => (idOf(left) < idOf(right) ? -1 : idOf(left) > idOf(right) ? 1 : 0));

/** @returns undefined when absent. @throws ArmError for anything but a positive integer */
export function parseTop(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const top = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (top < 1) throw armErrors.InvalidQueryParameter('$top', 'it must be a positive integer.');
  return top;
}

/** @returns undefined when absent. @throws ArmError 400 for one of another list, or one that was changed */
export function parseSkipToken(request: Pick<ArmRequest, 'query' | 'origin' | 'url'>): string | undefined {
  const text = request.query.get('$skiptoken');
  if (text === undefined || text === '') return undefined;
  const last = readPageToken(listOf(request), text);
  if (last === undefined) throw armErrors.InvalidContinuationToken();
  return last;
}

/** Names are the same in any case. */
const listOf = ({ url, origin }: Pick<ArmRequest, 'origin' | 'url'>): string =>
  `arm ${new URL(url, origin).pathname.toLowerCase()}`;

/** @param lastId of this page @returns the same request for the next one */
export function nextLink(
  request: Pick<ArmRequest, 'origin' | 'url'>,
  lastId: string,
  parameter = '$skiptoken',
): string {
  const url = new URL(request.url, request.origin);
  for (const name of [...url.searchParams.keys()])
    if (name.toLowerCase() === '$skiptoken') url.searchParams.delete(name);
  url.searchParams.set(parameter, pageToken(listOf(request), lastId));
  return url.href;
}
