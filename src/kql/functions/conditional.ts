import type { Sql } from '../sql/fragment.ts';
import { copied, joined, sql } from '../sql/fragment.ts';
import { cast } from '../sql/convert.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { commonType } from '../sql/common-type.ts';
import type { KqlType } from '../plan/types.ts';
import type { SqlArgument } from '../sql/scope.ts';

const iff: FunctionRow = {
  sql: ([condition, yes, no], call) =>
    condition && yes && no
      ? sql`CASE WHEN ${cast(condition, 'bool')} THEN ${cast(yes, call.type)} ELSE ${cast(no, call.type)} END`
      : 'NULL',
};

const caseRow: FunctionRow = {
  sql: (args, call) => {
    const branches: Sql[] = [];
    for (let index = 0; index + 1 < args.length; index += 2) {
      const [condition, value] = [args[index], args[index + 1]];
      if (condition && value) branches.push(sql`WHEN ${cast(condition, 'bool')} THEN ${cast(value, call.type)}`);
    }
    const last = args.at(-1);
    return sql`CASE ${joined(branches, ' ')} ELSE ${last ? cast(last, call.type) : 'NULL'} END`;
  },
};

/** A string is never null, but coalesce() passes over empty ones. */
const coalesce: FunctionRow = {
  sql: (args, call) => {
    const values = args.map((argument) => cast(argument, call.type));
    return call.type === 'string'
      ? sql`coalesce(${joined(values.map((value) => sql`nullif(${copied(2, value)}, '')`))}, '')`
      : sql`coalesce(${joined(values)})`;
  },
};

const isNull = (argument: SqlArgument | undefined): Sql => {
  if (!argument) return 'NULL';
  return argument.type === 'string' ? 'false' : sql`(${argument.sql} IS NULL)`;
};
const isEmpty = (argument: SqlArgument | undefined): Sql => {
  if (!argument) return 'NULL';
  if (argument.type === 'string') return sql`(${argument.sql} = '')`;
  return argument.type === 'dynamic'
    ? sql`(${argument.sql} IS NULL OR ${argument.sql} = '""')`
    : sql`(${argument.sql} IS NULL)`;
};

const extreme = (name: 'greatest' | 'least'): FunctionRow => ({
  sql: (args, call) => {
    const type = args.map((argument) => argument.type).reduce<KqlType>(commonType, args[0]?.type ?? 'long');
    const values = joined(args.map((argument) => cast(argument, type)));
    return type === call.type
      ? sql`${name}(${values})`
      : cast({ sql: sql`${name}(${values})`, type, expression: call }, call.type);
  },
});

export const conditionalFunctions: FunctionRows = {
  iff: { ...iff, aliases: ['iif'] },
  case: caseRow,
  coalesce,
  isnull: { result: 'bool', sql: ([a]) => isNull(a) },
  isnotnull: { result: 'bool', sql: ([a]) => sql`(NOT ${isNull(a)})`, aliases: ['notnull'] },
  isempty: { result: 'bool', sql: ([a]) => isEmpty(a) },
  isnotempty: { result: 'bool', sql: ([a]) => sql`(NOT ${isEmpty(a)})`, aliases: ['notempty'] },
  max_of: extreme('greatest'),
  min_of: extreme('least'),
};
