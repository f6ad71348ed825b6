import type { Guid } from '../base/guid.ts';
import type { DatabaseRole, EntityKind } from './kusto-roles.ts';

/** A principal that a command names, as the directory knows it. */
export interface NamedPrincipal {
  readonly principalType: 'App' | 'Group' | 'User';
  readonly displayName: string;
  readonly objectId: Guid;
  /** `aadapp={application id};{tenant id}` */
  readonly fqn: string;
}

/** What a command does to a role: of a database, or of one entity in it. */
export interface RoleChange {
  /** The parser's name of it. */
  readonly command: string;
  readonly database: string;
  /** Absent: the role is the database's own. */
  readonly entity?: { readonly kind: EntityKind; readonly name: string };
  readonly action: 'add' | 'drop' | 'set';
  readonly role: DatabaseRole;
  /** As the command has them: `aaduser=jane@example.com`. */
  readonly principals: readonly string[];
  readonly notes: string;
}

/** What a command does to who is blocked on the cluster. */
export interface BlockChange extends Pick<RoleChange, 'command' | 'principals'> {
  readonly scope: 'cluster';
  readonly action: 'add' | 'drop';
}

export type PrincipalChange = RoleChange | BlockChange;

interface Holder {
  readonly role: string;
  readonly objectId: string;
  readonly fqn: string;
}

/** Who has which role after a change. Who has the role already keeps it, with the newer notes.
 * @param named those of the change that the directory knows, in the role
 * @param texts as the command has them: of one that the directory does not know any more, too */
export function afterChange<One extends Holder>(
  held: readonly One[],
  { action, role, principals: texts }: Pick<RoleChange, 'action' | 'role' | 'principals'>,
  named: readonly One[],
): readonly One[] {
  const written = texts.map((text) => text.trim().toLowerCase());
  const isNamed = ({ objectId, fqn }: Holder): boolean =>
    named.some((one) => one.objectId === objectId) || (action === 'drop' && written.includes(fqn.toLowerCase()));
  const goes = (one: Holder): boolean => one.role === role && (action === 'set' || isNamed(one));
  const others = held.filter((one) => !goes(one));
  if (action === 'drop') return others;
  return [...others, ...named.filter((one, index) => named.findIndex((other) => isSame(one, other)) === index)];
}

const isSame = (left: Holder, right: Holder): boolean => left.objectId === right.objectId;
