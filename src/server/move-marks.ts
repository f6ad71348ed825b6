import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { StateStore } from '../state/state-store.ts';

/** What stands beside the sealed records of a state that is moved, or that says where a directory's state is: not sealed, since it has to be
 * read without the root key. It holds no secret. */
export const markTable = 'state-place';

/** `filling`: at the target, until it has everything. `moved`: at the source, for good. */
export type MoveMark = 'filling' | 'moved';

/** In a copy that is a backup: its manifest. It is never served. */
export const backupMark = 'backup';

/** Who moves a state, and to or from where: for people, and so that nothing else goes on in its place. */
export interface Move {
  readonly format: 1;
  readonly migration: Guid;
  /** Hex: the random id that the state was made with; a target takes nothing from another one. */
  readonly state: string;
  /** The other end, in words. */
  readonly other: string;
}

/** The state was moved away, or is being filled: it is not served. */
export class StateMovedError extends Error {
  override readonly name = 'StateMovedError';
}

const wordsMax = 2_000;

/** @returns undefined where there is no such mark */
export async function readMark(store: StateStore, mark: MoveMark): Promise<Move | undefined> {
  const record = await store.get(markTable, mark);
  if (record === undefined) return undefined;
  const value = JSON.parse(Buffer.from(record.value).toString()) as Partial<Move> | null;
  const migration = parseGuid(value?.migration ?? '');
  const [state, other] = [value?.state, value?.other];
  invariant(
    value?.format === 1 && migration !== undefined && typeof state === 'string' && typeof other === 'string',
    'a mark has a form that this Kustody knows',
  );
  return { format: 1, migration, state, other: other.slice(0, wordsMax) };
}

/** There is none yet. */
export const writeMark = (store: StateStore, mark: MoveMark, move: Move): Promise<void> =>
  store.commit({
    write: [
      { table: markTable, id: mark, expect: null, put: { version: 1, value: Buffer.from(JSON.stringify(move)) } },
    ],
  });

export const removeMark = (store: StateStore, mark: MoveMark): Promise<void> =>
  store.commit({ write: [{ table: markTable, id: mark, expect: 1, put: null }] });

/** @throws StateMovedError for a state that was moved away, and for one that a migration has not finished */
export async function requireServed(store: StateStore, name: string): Promise<void> {
  const moved = await readMark(store, 'moved');
  if (moved !== undefined)
    throw new StateMovedError(
      `${name} was moved to ${moved.other} (migration ${moved.migration}), and is served there. What lies here is the copy it was moved from. Only when that place is lost: 'kustody migrate --take-back'.`,
    );
  if ((await store.get(markTable, backupMark)) !== undefined)
    throw new StateMovedError(`${name} is a backup, and is not served. 'kustody restore' makes an instance of it.`);
  const filling = await readMark(store, 'filling');
  if (filling !== undefined)
    throw new StateMovedError(
      `${name} is being filled by migration ${filling.migration} from ${filling.other}, which has not come to its end. Run the same command again (kustody migrate, backup or restore): it goes on where it was.`,
    );
}
