import type { Table } from '../state/state.ts';
import type { StoredFault } from './faults.ts';

export const faultTable: Table<StoredFault> = {
  name: 'faults',
  parse: (value) => value as unknown as StoredFault,
};
