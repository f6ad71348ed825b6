import { parseDatetime, parseTimespan, ticksPerMillisecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import type { CatalogImage } from '../catalog/image.ts';
import type { ExtentOrPage, ExtentRecord, TableRecord } from '../catalog/records.ts';
import { eachExtent } from './chosen-extents.ts';

/** What policies take away when its time has come, in milliseconds of the Kustody clock. */

/** When a table goes by its policy; Infinity: never. */
export function autoDeleteAt({ auto_delete: policy }: Policies): number {
  const ticks = policy && parseDatetime(policy.ExpiryDate);
  return ticks === undefined ? Infinity : Number((ticks - unixEpochTicks) / ticksPerMillisecond);
}

/** When a tag of an extent goes; Infinity: never. Its period begins with the newest of the extent's rows. */
export const tagGoesAt = (
  tag: string,
  { maxCreatedOn }: Pick<ExtentRecord, 'maxCreatedOn'>,
  policy: Policies['extent_tags_retention'],
): number =>
  (policy ?? [])
    .filter(({ TagPrefix }) => tag.startsWith(TagPrefix))
    .reduce((first, { RetentionPeriod }) => Math.min(first, maxCreatedOn + milliseconds(RetentionPeriod)), Infinity);

const milliseconds = (text: string): number => {
  const ticks = parseTimespan(text);
  return ticks === undefined ? Infinity : Number(ticks / ticksPerMillisecond);
};

/** Extents that are meant, of those that have tags. */
export const tagged = (
  image: CatalogImage,
  { tableId }: TableRecord,
  isMeant: (extent: ExtentRecord) => boolean,
): Iterable<ExtentRecord> =>
  eachExtent(
    image.extentsAndPagesOf(tableId),
    { isMeant, ofPage: ({ tagPrints }) => (tagPrints === undefined ? 'none' : undefined) },
    (page) => image.pages.opened(page),
  );

/** When the newest row was made of what goes first. */
export const oldestOf = (one: ExtentOrPage): number =>
  one.kind === 'extent' ? one.maxCreatedOn : one.facts.oldestMaxCreatedOn;
