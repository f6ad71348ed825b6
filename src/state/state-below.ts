import { invariant } from '../base/invariant.ts';
import { listAll } from './list-all.ts';
import type { State, StateListOptions, Table } from './state.ts';

/** What lies below a prefix in the table of the resources, read once, for whoever looks at each part of it: of 10,000 databases the records
 * below each are two lists, and a list costs more than the records. It is as it was when this resolved.
 * @param table of whatever shape: those that are asked for later parse it anew
 * @throws SealedRecordError */
export async function stateBelow<T>(state: State, table: Table<T>, prefix: string): Promise<State> {
  const read = await listAll(state, { ...table, parse: (value) => value }, prefix);
  const records = new Map(read.map((record) => [record.id, record]));
  const ids = [...records.keys()].sort();
  const isBelow = (name: string, id: string): void =>
    invariant(name === table.name && id.startsWith(prefix), 'only what was read is asked for');
  return {
    get: (asked, id) => {
      isBelow(asked.name, id);
      const found = records.get(id);
      return Promise.resolve(found && { ...found, value: asked.parse(found.value) });
    },
    list: (asked, { prefix: within = '', after, limit = Infinity }: StateListOptions = {}) => {
      isBelow(asked.name, within);
      const wanted: string[] = [];
      let at = firstFrom(ids, within);
      if (after !== undefined && after >= within) at = firstFrom(ids, after, true);
      for (let id = ids[at]; id?.startsWith(within) === true && wanted.length < limit; id = ids[(at += 1)])
        wanted.push(id);
      return Promise.resolve(
        wanted.flatMap((id) => {
          const found = records.get(id);
          return found === undefined ? [] : [{ ...found, value: asked.parse(found.value) }];
        }),
      );
    },
    commit: (commit) => state.commit(commit),
  };
}

/** Where in a sorted list the first stands that is not before a text. @param isAfter the text itself is not meant */
function firstFrom(sorted: readonly string[], text: string, isAfter = false): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const one = sorted[middle] ?? '';
    if (one < text || (isAfter && one === text)) low = middle + 1;
    else high = middle;
  }
  return low;
}
