import { SealedRecordError } from './record-seal.ts';
import type { State, StateListOptions, Table, Versioned } from './state.ts';

const pageLength = 10_000;

/** Every record of a table whose id starts with `prefix`, however many; `State.list` alone stops at its limit. */
export async function listAll<T>(
  state: State,
  table: Table<T>,
  prefix = '',
  options: Pick<StateListOptions, 'damaged'> = {},
): Promise<readonly Versioned<T>[]> {
  const all: Versioned<T>[] = [];
  for (;;) {
    const after = all.at(-1)?.id;
    const page = await state.list(table, {
      ...{ prefix, limit: pageLength, ...options },
      ...(after === undefined ? {} : { after }),
    });
    all.push(...page);
    if (page.length < pageLength) return all;
  }
}

/** The same without records that do not open (the state has logged them): for what is shown of many owners, and for upkeep that goes
 * from one to the next. Never for a decision about access: there a damaged record refuses. */
export const listIntact = <T>(state: State, table: Table<T>, prefix = ''): Promise<readonly Versioned<T>[]> =>
  listAll(state, table, prefix, { damaged: () => undefined });

/** For one owner of many: @returns undefined when a record that the action needs does not open (the state has logged it) */
export async function unlessDamaged<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof SealedRecordError) return undefined;
    throw error;
  }
}

/** Whether a name that clients call stands for something: also when what it stands for is damaged, and will be refused. */
export async function existsAtAll(find: () => Promise<unknown>): Promise<boolean> {
  try {
    return (await find()) !== undefined;
  } catch (error) {
    if (error instanceof SealedRecordError) return true;
    throw error;
  }
}
