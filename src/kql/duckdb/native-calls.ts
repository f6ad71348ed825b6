import { textOf } from '../sql/fragment.ts';
import * as macros from '../sql/macros.ts';

/** A call of a function in JavaScript, or of a macro that expands to one. */
const call = /\bkql_\w+(?=\()/g;

const hasCall = (sql: string, calling: ReadonlySet<string>): boolean =>
  (sql.match(call) ?? []).some((name) => name.startsWith('kql_n_') || calling.has(name));

/** Macros that call them; each is of a higher level than those in it. */
const callingMacros = Object.values(macros)
  .map(({ definition }) => definition)
  .sort((a, b) => a.level - b.level)
  .reduce<ReadonlySet<string>>(
    (calling, { name, body }) => (hasCall(textOf(body), calling) ? new Set([...calling, name]) : calling),
    new Set(),
  );

/** Whether DuckDB may call a function in JavaScript for a statement; true for one that says so in a text only, too. */
export const callsNatives = (sql: string): boolean => hasCall(sql, callingMacros);
