import { armErrors } from './arm-errors.ts';

/** Headers with lower-case names, as in an ArmRequest. */
type Headers = Readonly<Record<string, string | undefined>>;

/** `If-Match` and `If-None-Match` against the resource as it is now (RFC 9110, sections 13.1.1 and 13.1.2; weak validators compare like strong ones here).
 * @param currentEtag with its quotes, as answers show it; undefined when the resource does not exist
 * @throws ArmError 412 */
export function requirePreconditions(headers: Headers, currentEtag: string | undefined): void {
  const match = headers['if-match'];
  if (match !== undefined && match.trim() !== '' && !names(match, currentEtag)) {
    throw armErrors.PreconditionFailed('If-Match', match);
  }
  const noneMatch = headers['if-none-match'];
  if (noneMatch !== undefined && noneMatch.trim() !== '' && names(noneMatch, currentEtag)) {
    throw armErrors.PreconditionFailed('If-None-Match', noneMatch);
  }
}

/** `*` names any existing resource; otherwise a list of etags, with or without quotes. */
function names(header: string, currentEtag: string | undefined): boolean {
  if (currentEtag === undefined) return false;
  if (header.trim() === '*') return true;
  const bare = (etag: string): string =>
    etag
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
  return header.split(',').some((etag) => bare(etag) === bare(currentEtag));
}
