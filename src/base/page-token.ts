import { createHash } from 'node:crypto';
import { fromBase64Url, toBase64Url } from './base64url.ts';
import { utf8 } from './bytes.ts';

const digestBytes = 16;
/** Longer than any id, and no work for whoever reads it. */
const tokenLengthMax = 4_096;

/** Where a list goes on, bound to that list: what is of another one, or was changed, is none. It is no secret and proves nothing about who has it:
 * whoever may read the list may begin anywhere in it.
 * @param list what it is a list of, the same for all of its pages @param last of the page before */
export const pageToken = (list: string, last: string): string =>
  toBase64Url(Buffer.concat([digestOf(list, last), utf8(last)]));

/** @returns what the page before ended with; undefined: it is no token of this list */
export function readPageToken(list: string, token: string): string | undefined {
  const bytes = token.length > tokenLengthMax ? undefined : fromBase64Url(token);
  if (bytes === undefined || bytes.length <= digestBytes) return undefined;
  const last = Buffer.from(bytes).toString('utf8', digestBytes);
  return pageToken(list, last) === token ? last : undefined;
}

const digestOf = (list: string, last: string): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(['page', list, last]))
    .digest()
    .subarray(0, digestBytes);
