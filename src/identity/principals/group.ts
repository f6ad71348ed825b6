import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';
import { guidsOf } from './principal.ts';

/** A security group. Its members are records of their own. */
export interface Group {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly description: string | undefined;
  readonly mailNickname: string;
  readonly owners: readonly Guid[];
  readonly createdAt: Instant;
}

/** By object id. */
export const groupTable: Table<Group & { readonly format: 1 }> = { name: 'group', parse: parseGroup };

interface Membership {
  readonly groupId: Guid;
  readonly memberId: Guid;
}

const parseMembership = (value: Json): Membership => {
  const fields = recordFields(value, 'groupMember');
  return { groupId: fields.guid('groupId'), memberId: fields.guid('memberId') };
};

/** `{group id}/{member id}`, and the other way round: both are written in one commit. */
export const groupMemberTable: Table<Membership> = { name: 'groupMember', parse: parseMembership };
export const memberOfTable: Table<Membership> = { name: 'memberOf', parse: parseMembership };

function parseGroup(value: Json): Group & { readonly format: 1 } {
  const fields = recordFields(value, 'group', 1);
  return {
    format: 1,
    objectId: fields.guid('objectId'),
    tenantId: fields.guid('tenantId'),
    displayName: fields.text('displayName'),
    description: fields.optionalText('description'),
    mailNickname: fields.text('mailNickname'),
    owners: guidsOf(fields.list('owners')),
    createdAt: instant(fields.integer('createdAt')),
  };
}
