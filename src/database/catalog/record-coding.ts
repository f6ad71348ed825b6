import { CatalogDamagedError } from './catalog-seal.ts';
import { decodePage, encodePage, isEncodedPage } from './extent-page.ts';
import { queuedKinds } from './queued-records.ts';
import type { CatalogRecord, HeadRecord } from './records.ts';

const kinds: readonly string[] = [
  ...['database', 'table', 'droppedTable', 'extent', 'segment', 'requests', 'operation', 'failure'],
  ...['workloadGroup', 'clusterSettings', 'journal', 'dataOperation', 'continuousExports', 'exportHistory'],
  'head',
  ...queuedKinds,
];
/** The second one has epochs: who does not know of them would show rows that are gone. The third has views, which are no tables. */
const formats = [1, 2, 3];
function formatOf(record: CatalogRecord | HeadRecord): number {
  if (record.kind !== 'table') return 1;
  return record.view !== undefined ? 3 : record.epoch !== undefined ? 2 : 1;
}

/** One that was read has the format of then: what counts is what it says now. */
export const encodeRecord = (record: CatalogRecord | HeadRecord): Buffer =>
  record.kind === 'extentPage'
    ? encodePage(record)
    : Buffer.from(JSON.stringify({ ...record, format: formatOf(record) }));

/** What was sealed under our key is our own writing; only its format can be another.
 * @throws CatalogDamagedError */
export function decodeRecord(plaintext: Buffer): CatalogRecord | HeadRecord {
  if (isEncodedPage(plaintext)) return decodePage(plaintext);
  const record = JSON.parse(plaintext.toString('utf8')) as CatalogRecord & { readonly format: number };
  if (!formats.includes(record.format) || !kinds.includes(record.kind))
    throw new CatalogDamagedError('it was written by a newer Kustody');
  return record;
}
