// Writes to the state of one directory without end; says on standard output what was acknowledged. Made to be killed.
import { writeSync } from 'node:fs';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { Json } from '../../src/base/json.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';

const values: Table<Json> = { name: 'values', parse: (value) => value };

const [directory = '', writers = '1'] = process.argv.slice(2);
void main();

async function main(): Promise<void> {
  const state = await SealedState.open({
    store: SqliteStateStore.open(directory),
    rootKey: new RootKey(Buffer.alloc(32, 1)),
    randomBytes: systemRandomBytes,
  });
  await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(state, String(writer))));
}

/** Each step replaces three records in one commit, so a half-written one shows; every fifth also drops and remakes one. */
async function write(state: SealedState, writer: string): Promise<never> {
  for (;;) {
    const names = ['a', 'b', 'c'].map((part) => `${writer}/${part}`);
    const before = await Promise.all(names.map((name) => state.get(values, name)));
    const step = typeof before[0]?.value === 'number' ? before[0].value + 1 : 1;
    const changes = names.map((name, index) => writeRecord(values, name, before[index]?.version ?? null, step));
    const extra = await state.get(values, `${writer}/x`);
    if (step % 5 === 0)
      changes.push(writeRecord<Json>(values, `${writer}/x`, extra?.version ?? null, extra ? null : 'x'.repeat(5000)));
    await state.commit({ write: changes });
    writeSync(1, `${writer} ${step}\n`);
  }
}
