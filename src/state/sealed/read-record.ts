import type { Json } from '../../base/json.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { RecordSeal } from '../record-seal.ts';
import type { Table } from '../state.ts';
import type { StateStore } from '../state-store.ts';
import type { CheckParts } from './check-record.ts';
import { stateIdOf } from './check-record.ts';

/** One record of a state that another has open: its seal is checked, and not whether it is the one that was written last.
 * @returns undefined when it is not there @throws SealedRecordError */
export async function readSealedRecord<T>(
  read: StateStore['get'],
  { rootKey, otherRootKey }: Pick<CheckParts, 'rootKey' | 'otherRootKey'>,
  table: Table<T>,
  id: string,
): Promise<T | undefined> {
  const [stateId, record] = await Promise.all([stateIdOf({ get: read }), read(table.name, id)]);
  if (stateId === undefined || record === undefined) return undefined;
  const seal = new RecordSeal(rootKey, Buffer.from(stateId, 'hex'), systemRandomBytes);
  if (otherRootKey !== undefined) seal.openAlso(otherRootKey);
  try {
    return table.parse(JSON.parse(seal.open(record).toString('utf8')) as Json);
  } finally {
    seal.close();
  }
}
