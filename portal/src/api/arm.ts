import type { JsonObject } from '../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../src/base/json.ts';
import { armHost } from './hosts.ts';
import { callPlaneJson } from './planes.ts';

/** Of one list; more is told, and not shown. */
const pagesMax = 50;

export interface Listed {
  readonly items: readonly JsonObject[];
  /** There are more than are listed. */
  readonly isCut: boolean;
}

/** All pages of a list of the resource manager. @param path of the list, without a query @throws ApiError */
export const listArm = (path: string, apiVersion: string, signal?: AbortSignal): Promise<Listed> =>
  listPages(armHost, `${path}?api-version=${apiVersion}`, signal);

/** All pages of a list, each of which links to the next one. @param path with its query @throws ApiError */
export async function listPages(host: string, path: string, signal?: AbortSignal): Promise<Listed> {
  const items: JsonObject[] = [];
  let next: string | undefined = path;
  for (let page = 0; next !== undefined && page < pagesMax; page += 1) {
    const answer: JsonObject = await callPlaneJson(host, next, signal === undefined ? {} : { signal });
    const { value } = answer;
    if (Array.isArray(value)) items.push(...value.filter(isJsonObject));
    const link = textMember(answer, 'nextLink');
    next = URL.canParse(link) ? `${new URL(link).pathname}${new URL(link).search}` : undefined;
  }
  return { items, isCut: next !== undefined };
}
