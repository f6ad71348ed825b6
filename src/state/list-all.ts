import type { State, Table, Versioned } from './state.ts';

const pageLength = 10_000;

/** Every record of a table whose id starts with `prefix`, however many; `State.list` alone stops at its limit. */
export async function listAll<T>(state: State, table: Table<T>, prefix = ''): Promise<readonly Versioned<T>[]> {
  const all: Versioned<T>[] = [];
  for (;;) {
    const after = all.at(-1)?.id;
    const page = await state.list(table, { prefix, limit: pageLength, ...(after === undefined ? {} : { after }) });
    all.push(...page);
    if (page.length < pageLength) return all;
  }
}
