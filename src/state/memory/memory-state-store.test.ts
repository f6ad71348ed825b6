import { stateStoreConformance } from '../state-store.conformance.ts';
import { MemoryStateStore } from './memory-state-store.ts';
import type { MemoryRecords } from './memory-state-store.ts';

stateStoreConformance('MemoryStateStore', () => {
  const records: MemoryRecords = new Map();
  return { open: () => new MemoryStateStore(records), shared: true };
});
