import { Type } from '@sinclair/typebox';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';

/** Tags of one resource. */
export const tagsMax = 50;

/** Azure's limits for the tags of a resource; `null` is sent by clients for none. */
export const tagsSchema = Type.Union([
  Type.Record(
    Type.String({ minLength: 1, maxLength: 512, pattern: '^[^<>%&\\\\?/\\u0000-\\u001f]+$' }),
    Type.String({ maxLength: 256 }),
    {
      maxProperties: tagsMax,
      additionalProperties: false,
    },
  ),
  Type.Null(),
]);

/** @param tags checked with `tagsSchema`; undefined and null give undefined */
export function readTags(tags: Json | undefined): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(tags)) return undefined;
  const entries = Object.entries(tags).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(entries);
}
