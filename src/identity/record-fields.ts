import { fromBase64Url } from '../base/base64url.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';

/** Reads the members of a stored record that our own code wrote. Each reader throws an InvariantError that names the
 * table and the member, never the value. */
export interface RecordFields {
  text(name: string): string;
  optionalText(name: string): string | undefined;
  guid(name: string): Guid;
  integer(name: string): number;
  optionalInteger(name: string): number | undefined;
  flag(name: string): boolean;
  optionalFlag(name: string): boolean | undefined;
  /** A member of any shape, for a reader of its own. */
  member(name: string): Json;
  bytes(name: string): Buffer;
  list(name: string): readonly Json[];
  /** A member that older records lack. */
  optionalList(name: string): readonly Json[];
}

/** @param formatNewest records of a newer format are refused, so that an older program never misreads them */
export function recordFields(value: Json, table: string, formatNewest?: number): RecordFields {
  invariant(isJsonObject(value), `a record of ${table} is an object`);
  const must = (condition: unknown, name: string): void => {
    invariant(condition, `a record of ${table} has a valid ${name}`);
  };
  const fields: RecordFields = {
    text: (name) => {
      const member = value[name];
      invariant(typeof member === 'string', `a record of ${table} has a valid ${name}`);
      return member;
    },
    optionalText: (name) => (value[name] === undefined ? undefined : fields.text(name)),
    guid: (name) => {
      const guid = parseGuid(fields.text(name));
      invariant(guid !== undefined, `a record of ${table} has a valid ${name}`);
      return guid;
    },
    integer: (name) => {
      const member = value[name];
      invariant(typeof member === 'number' && Number.isSafeInteger(member), `a record of ${table} has a valid ${name}`);
      return member;
    },
    optionalInteger: (name) => (value[name] === undefined ? undefined : fields.integer(name)),
    flag: (name) => {
      const member = value[name];
      invariant(typeof member === 'boolean', `a record of ${table} has a valid ${name}`);
      return member;
    },
    optionalFlag: (name) => (value[name] === undefined ? undefined : fields.flag(name)),
    member: (name) => {
      const member = value[name];
      invariant(member !== undefined, `a record of ${table} has a valid ${name}`);
      return member;
    },
    bytes: (name) => {
      const bytes = fromBase64Url(fields.text(name));
      invariant(bytes !== undefined, `a record of ${table} has a valid ${name}`);
      return bytes;
    },
    list: (name) => {
      const member = value[name];
      invariant(Array.isArray(member), `a record of ${table} has a valid ${name}`);
      return member as readonly Json[];
    },
    optionalList: (name) => (value[name] === undefined ? [] : fields.list(name)),
  };
  if (formatNewest !== undefined)
    must(fields.integer('format') <= formatNewest, 'format (is it from a newer Kustody?)');
  return fields;
}
