import { expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { RootKey } from './root-key.ts';
import { SealedState } from './sealed/sealed-state.ts';
import type { Table } from './state.ts';
import { writeRecord } from './state.ts';
import { watchState } from './watched-state.ts';

const table: Table<number> = { name: 't', parse: (value) => value as number };

async function open() {
  const sealed = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  return watchState(sealed);
}

it('tells of what is durable before whoever made it goes on', async () => {
  const { state, onCommit } = await open();
  const order: string[] = [];
  const stop = onCommit(async (write) => {
    order.push(`told ${write.map(({ id }) => id).join()}, there ${(await state.get(table, 'a'))?.value ?? 'not'}`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push('heard');
  });
  await state.commit({ write: [writeRecord(table, 'a', null, 1)] });
  order.push('acknowledged');
  stop();
  await state.commit({ write: [writeRecord(table, 'b', null, 2)] });
  expect(order).toEqual(['told a, there 1', 'heard', 'acknowledged']);
});

it('tells nobody of what was not committed, and acknowledges what a listener fails over', async () => {
  const { state, onCommit } = await open();
  let told = 0;
  onCommit(() => {
    told += 1;
    return Promise.reject(new Error('no'));
  });
  await state.commit({ write: [writeRecord(table, 'a', null, 1)] });
  await expect(state.commit({ write: [writeRecord(table, 'a', null, 1)] })).rejects.toMatchObject({
    name: 'StateConflictError',
  });
  expect(told).toBe(1);
});
