import { expect, it } from 'vitest';
import type { Json } from '../base/json.ts';
import { systemRandomBytes } from '../base/random.ts';
import { FailingStateStore, InjectedFailure } from './failing.ts';
import type { MemoryRecords } from './memory/memory-state-store.ts';
import { MemoryStateStore } from './memory/memory-state-store.ts';
import { RootKey } from './root-key.ts';
import { SealedState } from './sealed/sealed-state.ts';
import type { State, Table } from './state.ts';
import { writeRecord } from './state.ts';

const table: Table<Json> = { name: 'pairs', parse: (value) => value };
const open = (store: MemoryStateStore | FailingStateStore): Promise<SealedState> =>
  SealedState.open({ store, rootKey: new RootKey(Buffer.alloc(32, 1)), randomBytes: systemRandomBytes });

/** Five steps; each sets both records to its number. @returns the last step that was acknowledged */
async function work(state: State): Promise<number> {
  for (let step = 1; step <= 5; step += 1) {
    const [left, right] = [
      await state.get(table, 'left').catch(() => undefined),
      await state.get(table, 'right').catch(() => undefined),
    ];
    const write = [
      writeRecord<Json>(table, 'left', left?.version ?? null, step),
      writeRecord<Json>(table, 'right', right?.version ?? null, step),
    ];
    try {
      await state.commit({ write });
    } catch (error) {
      expect(error).toBeInstanceOf(InjectedFailure);
      return step - 1;
    }
  }
  return 5;
}

it.each(['before', 'after'] as const)(
  'whichever commit fails %s it is durable, everything reads again and nothing is in part',
  async (when) => {
    let hasFailed = true;
    for (let onCommit = 1; hasFailed; onCommit += 1) {
      const records: MemoryRecords = new Map();
      const store = new FailingStateStore(new MemoryStateStore(records), { onCommit, when });
      let acknowledged = 0;
      try {
        acknowledged = await work(await open(store)); // the first commit is that of the check record
      } catch (error) {
        expect(error).toBeInstanceOf(InjectedFailure);
      }
      hasFailed = acknowledged < 5;
      const again = await open(new MemoryStateStore(records));
      const stored = (await again.list(table)).map(({ value }) => value);
      const expected = when === 'after' && hasFailed && onCommit > 1 ? acknowledged + 1 : acknowledged;
      expect(stored).toEqual(expected === 0 ? [] : [expected, expected]);
      expect(await work(again)).toBe(5);
    }
  },
);
