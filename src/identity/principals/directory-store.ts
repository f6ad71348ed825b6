import type { Guid } from '../../base/guid.ts';
import { listAll } from '../../state/list-all.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, StateWrite, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';

/** The objects of one kind, each with at most one name that is unique in its tenant. */
export interface DirectoryStore<T> {
  get(objectId: Guid): Promise<T | undefined>;
  findByName(tenantId: Guid, name: string): Promise<T | undefined>;
  /** All of a tenant, in the order of their object ids. */
  list(tenantId: Guid): Promise<readonly T[]>;
  /** @returns false when the name is taken */
  create(object: T): Promise<boolean>;
  /** Writes what `change` makes of the present object; again from the start when somebody else was faster. What gives it
   * another name that is taken is not written. */
  update(objectId: Guid, change: (object: T) => T): Promise<'updated' | 'missing' | 'nameTaken'>;
  /** The writes that delete it, its name included; empty when it is not there. */
  removalOf(objectId: Guid): Promise<readonly StateWrite[]>;
}

export interface DirectoryStoreOptions<T, R extends object> {
  readonly state: State;
  readonly table: Table<R>;
  readonly names?: { readonly table: Table<{ readonly objectId: Guid }>; readonly nameOf: (object: T) => string };
  readonly toRecord: (object: T) => R;
  readonly fromRecord: (record: R) => T;
}

export function openDirectoryStore<T extends { readonly objectId: Guid; readonly tenantId: Guid }, R extends object>(
  options: DirectoryStoreOptions<T, R>,
): DirectoryStore<T> {
  const { state, table, names, toRecord, fromRecord } = options;
  const keyOf = (tenantId: Guid, name: string): string => `${tenantId}/${name.toLowerCase()}`;
  /** A state that keeps records in memory gives the same one again, so what it stands for is worked out once. */
  const objects = new WeakMap<R, T>();
  const objectOf = (record: R): T => {
    const known = objects.get(record);
    if (known !== undefined) return known;
    const object = fromRecord(record);
    objects.set(record, object);
    return object;
  };
  const nameKeyOf = (object: T): string | undefined => names && keyOf(object.tenantId, names.nameOf(object));
  const get = async (objectId: Guid): Promise<T | undefined> => {
    const found = await state.get(table, objectId);
    return found && objectOf(found.value);
  };
  /** The writes that move the name of an object, either way may be missing. */
  const nameWrites = async (before: T | undefined, after: T | undefined): Promise<readonly StateWrite[]> => {
    const [old, now] = [before && nameKeyOf(before), after && nameKeyOf(after)];
    if (names === undefined || old === now) return [];
    const writes: StateWrite[] = [];
    const found = old === undefined ? undefined : await state.get(names.table, old);
    if (found !== undefined) writes.push(writeRecord(names.table, found.id, found.version, null));
    if (now !== undefined && after !== undefined)
      writes.push(writeRecord(names.table, now, null, { objectId: after.objectId }));
    return writes;
  };
  const isTaken = async (object: T): Promise<boolean> => {
    const key = nameKeyOf(object);
    const holder = names === undefined || key === undefined ? undefined : await state.get(names.table, key);
    return holder !== undefined && holder.value.objectId !== object.objectId;
  };
  return {
    get,
    async findByName(tenantId, name) {
      const found = names && (await state.get(names.table, keyOf(tenantId, name)));
      return found && get(found.value.objectId);
    },
    list: async (tenantId) =>
      (await listAll(state, table)).map((record) => objectOf(record.value)).filter((one) => one.tenantId === tenantId),
    async create(object) {
      const write = [
        writeRecord(table, object.objectId, null, toRecord(object)),
        ...(await nameWrites(undefined, object)),
      ];
      try {
        await state.commit({ write });
        return true;
      } catch (error) {
        if (error instanceof StateConflictError) return false;
        throw error;
      }
    },
    async update(objectId, change) {
      for (;;) {
        const found = await state.get(table, objectId);
        if (found === undefined) return 'missing';
        const before = fromRecord(found.value);
        const after = change(before);
        if (await isTaken(after)) return 'nameTaken';
        const write = [
          writeRecord(table, objectId, found.version, toRecord(after)),
          ...(await nameWrites(before, after)),
        ];
        try {
          await state.commit({ write });
          return 'updated';
        } catch (error) {
          if (!(error instanceof StateConflictError)) throw error;
        }
      }
    },
    async removalOf(objectId) {
      const found = await state.get(table, objectId);
      if (found === undefined) return [];
      return [
        writeRecord(table, objectId, found.version, null),
        ...(await nameWrites(fromRecord(found.value), undefined)),
      ];
    },
  };
}
