import { dataError } from './data-error.ts';

/** The official parser keeps names as members of objects that it asks for a member of this name, and takes the other for their prototype: every
 * query that sees such a column would fail. */
const unusable: ReadonlySet<string> = new Set(['hasOwnProperty', '__proto__']);

/** Names of tables, columns, functions and mappings: 1 to 1,024 letters, digits, `_`, space, `.` and `-`; not only blanks; two are refused.
 * @see https://learn.microsoft.com/kusto/query/schema-entities/entity-names
 * @throws DataError `InvalidEntityName` */
export function requireEntityName(name: string): string {
  if (!/^[\p{L}\p{N}_ .-]{1,1024}$/u.test(name) || name.trim() === '' || unusable.has(name))
    throw dataError('InvalidEntityName', name.slice(0, 200));
  return name;
}
