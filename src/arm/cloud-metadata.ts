import type { JsonObject } from '../base/json.ts';
import { publicCloud } from '../base/public-cloud.ts';
import { armErrors } from './arm-errors.ts';

/** Of where things are in a cloud, which everybody may ask. */
export const metadataPath = '/metadata/endpoints';

const newest = '2022-09-01';
/** Newest first. Before the newest it was a list of clouds. */
const versions: readonly string[] = [newest, '2020-06-01', '2019-05-01'];

/** @throws ArmError for an api-version that is none of this */
export function cloudMetadata(apiVersion: string): JsonObject | readonly JsonObject[] {
  if (!versions.includes(apiVersion)) throw armErrors.InvalidApiVersionParameter(apiVersion, versions);
  return apiVersion === newest ? publicCloud : [publicCloud];
}
