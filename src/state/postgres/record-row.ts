import { invariant } from '../../base/invariant.ts';
import type { StoredRecord } from '../state-store.ts';

/** @param row id, version and value */
export function parseRecordRow(table: string, [id, version, value]: readonly unknown[]): StoredRecord {
  invariant(
    typeof id === 'string' && typeof version === 'string' && value instanceof Uint8Array,
    'the table holds what was written',
  );
  return { table, id, version: Number(version), value };
}
