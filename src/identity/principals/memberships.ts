import type { Guid } from '../../base/guid.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { groupMemberTable, memberOfTable } from './group.ts';

/** Who is in which group. Members are users, groups and service principals. */
export interface Memberships {
  /** @returns false when it was a member already */
  add(groupId: Guid, memberId: Guid): Promise<boolean>;
  /** @returns false when it was no member */
  remove(groupId: Guid, memberId: Guid): Promise<boolean>;
  membersOf(groupId: Guid): Promise<readonly Guid[]>;
  /** The groups that have it as a member themselves. */
  directGroupsOf(memberId: Guid): Promise<readonly Guid[]>;
  /** Those, and the groups that these are members of, and so on. */
  groupsOf(memberId: Guid): Promise<readonly Guid[]>;
  /** The writes that take an object out of all groups, and all members out of it: part of the commit that deletes it. */
  removalsOf(objectId: Guid): Promise<readonly StateWrite[]>;
}

export function openMemberships(state: State): Memberships {
  const directGroupsOf = async (memberId: Guid): Promise<readonly Guid[]> =>
    (await listAll(state, memberOfTable, `${memberId}/`)).map((record) => record.value.groupId);
  const tables = [groupMemberTable, memberOfTable] as const;
  const idIn = (table: (typeof tables)[number], groupId: Guid, memberId: Guid): string =>
    table === groupMemberTable ? `${groupId}/${memberId}` : `${memberId}/${groupId}`;
  return {
    directGroupsOf,
    membersOf: async (groupId) =>
      (await listAll(state, groupMemberTable, `${groupId}/`)).map((record) => record.value.memberId),
    async groupsOf(memberId) {
      const found = new Set<Guid>();
      for (let fresh = await directGroupsOf(memberId); fresh.length > 0;) {
        for (const groupId of fresh) found.add(groupId);
        const above = await Promise.all(fresh.map(directGroupsOf));
        fresh = [...new Set(above.flat())].filter((groupId) => !found.has(groupId));
      }
      return [...found];
    },
    async add(groupId, memberId) {
      const write = tables.map((table) =>
        writeRecord(table, idIn(table, groupId, memberId), null, { groupId, memberId }),
      );
      return succeeded(state.commit({ write }));
    },
    async remove(groupId, memberId) {
      const found = await Promise.all(tables.map((table) => state.get(table, idIn(table, groupId, memberId))));
      const write = tables.flatMap((table, index) => {
        const record = found[index];
        return record === undefined ? [] : [writeRecord(table, record.id, record.version, null)];
      });
      return write.length > 0 && succeeded(state.commit({ write }));
    },
    async removalsOf(objectId) {
      const pairs = [
        ...(await listAll(state, groupMemberTable, `${objectId}/`)),
        ...(await listAll(state, memberOfTable, `${objectId}/`)),
      ].map((record) => record.value);
      const writes: StateWrite[] = [];
      for (const { groupId, memberId } of pairs)
        for (const table of tables) {
          const record = await state.get(table, idIn(table, groupId, memberId));
          if (record !== undefined) writes.push(writeRecord(table, record.id, record.version, null));
        }
      return writes;
    },
  };
}

/** @returns false when somebody else was faster */
async function succeeded(commit: Promise<void>): Promise<boolean> {
  try {
    await commit;
    return true;
  } catch (error) {
    if (error instanceof StateConflictError) return false;
    throw error;
  }
}
