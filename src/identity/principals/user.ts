import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';
import type { StoredPassword } from './password.ts';
import { parseStoredPassword } from './password.ts';
import { guidsOf } from './principal.ts';

/** Texts about a user that are shown and mean nothing more. `null` in Graph where missing. */
export const userTextNames = [
  'givenName',
  'surname',
  'jobTitle',
  'mail',
  'mobilePhone',
  'officeLocation',
  'preferredLanguage',
] as const;
export type UserTexts = Readonly<Partial<Record<(typeof userTextNames)[number], string>>>;

/** A member of a tenant who signs in with a password. */
export interface User {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  /** `name@domain`, a domain of the tenant. Unique without case. */
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly mailNickname: string;
  readonly texts: UserTexts;
  readonly enabled: boolean;
  readonly password: StoredPassword;
  /** Set with another password at the next sign-in, which Kustody does not offer: no sign-in until it is reset. */
  readonly mustChangePassword: boolean;
  /** Refresh tokens from before are void. */
  readonly sessionsValidFrom: Instant;
  readonly directoryRoles: readonly Guid[];
  readonly createdAt: Instant;
}

/** By object id. */
export const userTable: Table<User & { readonly format: 1 }> = { name: 'user', parse: parseUser };

/** From `{tenant id}/{user principal name in lower case}` to object id. */
export const userByNameTable: Table<{ readonly objectId: Guid }> = {
  name: 'userByName',
  parse: (value) => ({ objectId: recordFields(value, 'userByName').guid('objectId') }),
};

function parseUser(value: Json): User & { readonly format: 1 } {
  const fields = recordFields(value, 'user', 1);
  const texts = recordFields(fields.member('texts'), 'user (texts)');
  return {
    format: 1,
    objectId: fields.guid('objectId'),
    tenantId: fields.guid('tenantId'),
    userPrincipalName: fields.text('userPrincipalName'),
    displayName: fields.text('displayName'),
    mailNickname: fields.text('mailNickname'),
    texts: Object.fromEntries(
      userTextNames.flatMap((name) => {
        const text = texts.optionalText(name);
        return text === undefined ? [] : [[name, text]];
      }),
    ),
    enabled: fields.flag('enabled'),
    password: parseStoredPassword(fields.member('password'), 'user'),
    mustChangePassword: fields.flag('mustChangePassword'),
    sessionsValidFrom: instant(fields.integer('sessionsValidFrom')),
    directoryRoles: guidsOf(fields.list('directoryRoles')),
    createdAt: instant(fields.integer('createdAt')),
  };
}
