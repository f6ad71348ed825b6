import { ingestByTags } from '../ingest/extent-properties.ts';
import type { CommandContext } from './command-context.ts';

/** Where no extent came to be. */
export const noExtent = '00000000-0000-0000-0000-000000000000';

/** Whether an extent carries one of the tags that may come only once. */
export function isIngestedAlready(
  ingestIfNotExists: string | undefined,
  table: string,
  { data, database }: CommandContext,
): boolean {
  return data.hasTaggedExtent(database, table, ingestByTags(ingestIfNotExists));
}
