import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { callLocal, localToken } from '../../server/local-client.ts';
import { UserError } from '../user-error.ts';

/** Reads of the resource manager as the data directory's own application. */
export interface ArmReader {
  /** @returns undefined for 404 @throws UserError with the service's code and message */
  readonly get: (path: string, apiVersion: string) => Promise<JsonObject | undefined>;
  /** All pages, by id. @throws UserError */
  readonly list: (path: string, apiVersion: string) => Promise<readonly JsonObject[]>;
}

const answerBytesMax = 64 * 1024 * 1024;
const pagesMax = 10_000;

export async function createArmReader(environment: InstanceEnvironment): Promise<ArmReader> {
  const token = await localToken(environment, 'https://management.azure.com');
  const read = async (path: string): Promise<JsonObject | undefined> => {
    const request = { host: 'management.azure.com', method: 'GET', path, token, answerBytesMax };
    const { status, value } = await callLocal(environment, request);
    if (status === 404) return undefined;
    if (status === 200 && isJsonObject(value)) return value;
    const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : {};
    throw new UserError(`${path.split('?', 1)[0]}: ${textMember(error, 'code')}: ${textMember(error, 'message')}`);
  };
  return {
    get: (path, apiVersion) => read(`${path}?api-version=${apiVersion}`),
    list: async (path, apiVersion) => {
      const found: JsonObject[] = [];
      let next: string | undefined = `${path}?api-version=${apiVersion}`;
      for (let page = 0; next !== undefined && page < pagesMax; page += 1) {
        const answer: JsonObject | undefined = await read(next);
        found.push(...objectsIn(answer?.['value']));
        const link = textMember(answer, 'nextLink');
        next = link === '' ? undefined : `${new URL(link).pathname}${new URL(link).search}`;
      }
      return found.toSorted((left, right) => compare(idText(left), idText(right)));
    },
  };
}

const objectsIn = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

const idText = (resource: JsonObject): string => textMember(resource, 'id').toLowerCase();

/** The same order on every machine. */
export const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
