import { dataError } from './data-error.ts';

/** Names of tables, columns, functions and mappings: 1 to 1,024 letters, digits, `_`, space, `.` and `-`; not only blanks.
 * @see https://learn.microsoft.com/kusto/query/schema-entities/entity-names
 * @throws DataError `InvalidEntityName` */
export function requireEntityName(name: string): string {
  if (!/^[\p{L}\p{N}_ .-]{1,1024}$/u.test(name) || name.trim() === '')
    throw dataError('InvalidEntityName', name.slice(0, 200));
  return name;
}
