import type { Guid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { listAll } from '../../state/list-all.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State, StateWrite, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';

interface Held {
  /** Opaque to clients. */
  readonly id: string;
  /** Whose it is: the first half of its record's id. */
  readonly holderId: Guid;
  /** The service principal of the application that it is about. */
  readonly resourceId: Guid;
  readonly tenantId: Guid;
}

/** That a user, group or service principal has a role of an application. */
export interface AppRoleAssignment extends Held {
  /** The zero GUID: assigned without any role. */
  readonly appRoleId: Guid;
  readonly createdAt: Instant;
}

/** That an application, by its service principal, may act for users at a resource: consent. */
export interface PermissionGrant extends Held {
  /** For this user alone; for all when missing. */
  readonly principalId: Guid | undefined;
  /** Values of scopes, with a space between them. */
  readonly scope: string;
}

const heldFields = (fields: ReturnType<typeof recordFields>): Held => ({
  id: fields.text('id'),
  holderId: fields.guid('holderId'),
  resourceId: fields.guid('resourceId'),
  tenantId: fields.guid('tenantId'),
});

/** `{holder's object id}/{id}` */
export const appRoleAssignmentTable: Table<AppRoleAssignment> = {
  name: 'appRoleAssignment',
  parse: (value) => {
    const fields = recordFields(value, 'appRoleAssignment');
    const createdAt = instant(fields.integer('createdAt'));
    return { ...heldFields(fields), appRoleId: fields.guid('appRoleId'), createdAt };
  },
};

/** `{object id of the client's service principal}/{id}` */
export const permissionGrantTable: Table<PermissionGrant> = {
  name: 'permissionGrant',
  parse: (value) => {
    const fields = recordFields(value, 'permissionGrant');
    const principalId = fields.optionalText('principalId') === undefined ? undefined : fields.guid('principalId');
    return { ...heldFields(fields), principalId, scope: fields.text('scope') };
  },
};

/** Records of one kind, each between a holder and a resource. */
export interface HeldStore<T extends Held> {
  /** @returns false when there are as many as there may be */
  add(held: T): Promise<boolean>;
  ofHolder(holderId: Guid): Promise<readonly T[]>;
  /** Of a tenant. */
  all(tenantId: Guid): Promise<readonly T[]>;
  /** @returns false when it is not there */
  change(held: T, changed: (before: T) => T | undefined): Promise<boolean>;
  /** The writes that go with the end of a holder, resource or user. */
  removalsOf(objectId: Guid): Promise<readonly StateWrite[]>;
}

/** Of one kind in a tenant: all are gone through when an object is deleted. */
const heldMax = 5_000;

export function openHeldStore<T extends Held>(state: State, table: Table<T>): HeldStore<T> {
  const idOf = ({ holderId, id }: Held): string => `${holderId}/${id}`;
  const all = async (): Promise<readonly T[]> => (await listAll(state, table)).map(({ value }) => value);
  return {
    async add(held) {
      if ((await all()).filter(({ tenantId }) => tenantId === held.tenantId).length >= heldMax) return false;
      await state.commit({ write: [writeRecord(table, idOf(held), null, held)] });
      return true;
    },
    ofHolder: async (holderId) => (await listAll(state, table, `${holderId}/`)).map(({ value }) => value),
    all: async (tenantId) => (await all()).filter((one) => one.tenantId === tenantId),
    async change(held, changed) {
      for (;;) {
        const found = await state.get(table, idOf(held));
        if (found === undefined) return false;
        const next = changed(found.value);
        try {
          await state.commit({ write: [writeRecord(table, found.id, found.version, next ?? null)] });
          return true;
        } catch (error) {
          if (!(error instanceof StateConflictError)) throw error;
        }
      }
    },
    removalsOf: async (objectId) =>
      (await listAll(state, table))
        .filter(({ value }) => [value.holderId, value.resourceId, principalOf(value)].includes(objectId))
        .map(({ id, version }) => writeRecord(table, id, version, null)),
  };
}

const principalOf = (held: Held): Guid | undefined =>
  'principalId' in held ? (held as Held & PermissionGrant).principalId : undefined;
