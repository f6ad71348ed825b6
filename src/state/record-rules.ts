import { invariant } from '../base/invariant.ts';
import type { ListOptions, RecordCommit } from './state-store.ts';

/** Enough for any record of ours; a larger thing belongs in a blob. */
export const valueBytesMax = 16 * 1024 * 1024;
export const listLimitMax = 10_000;
const idLengthMax = 1024;

/** What every store asks of its callers: broken rules are bugs of ours.
 * Ids are text that survives UTF-8 (no lone surrogate) and C strings (no NUL). */
export function checkCommit(commit: RecordCommit): void {
  const seen = new Set<string>();
  for (const { table, id, expect } of [...(commit.expect ?? []), ...commit.write]) {
    invariant(/^[a-zA-Z][a-zA-Z0-9-]{0,62}$/.test(table), 'a table is named by a short word');
    invariant(id !== '' && isPlainText(id), 'an id is text of 1 to 1,024 characters');
    invariant(expect === null || isVersion(expect), 'an expected version is a version');
    const key = `${table}/${id}`;
    invariant(!seen.has(key), 'a commit names a record once');
    seen.add(key);
  }
  for (const { expect, put } of commit.write) {
    invariant(put !== null || expect !== null, 'a record that must not exist is not deleted');
    if (put === null) continue;
    const isNew = put.version !== expect || commit.reseals === true;
    invariant(isVersion(put.version) && isNew, 'a write changes the version');
    invariant(put.value.byteLength <= valueBytesMax, 'a value is at most 16 MiB');
  }
}

export function checkListOptions(options: ListOptions): { prefix: string; after: string | undefined; limit: number } {
  const { prefix = '', after, limit = listLimitMax } = options;
  invariant(isPlainText(prefix) && isPlainText(after ?? ''), 'list is asked for plain text');
  invariant(Number.isInteger(limit) && limit >= 1 && limit <= listLimitMax, 'a list has 1 to 10,000 records');
  return { prefix, after, limit };
}

const isVersion = (version: number): boolean => Number.isSafeInteger(version) && version > 0;

const isPlainText = (text: string): boolean => text.length <= idLengthMax && !/[\0\p{Surrogate}]/u.test(text);
