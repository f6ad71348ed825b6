import type { CommandPart } from '../../kql/plan/command.ts';
import type { Program } from '../../kql/plan/plan.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { QueryResult } from '../../kql/query-engine.ts';
import type { ScanCounts } from '../../kql/query-request.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { unquote } from '../../kql/values/string-literals.ts';
import type { CommandContext } from './command-context.ts';
import type { Permission } from './permissions.ts';

export type Row = readonly NativeValue[];

/** A table a command answers with, or a result of a query over it. */
export interface CommandTable {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  /** Of `render` at the end of such a query. */
  readonly visualization?: QueryResult['visualization'];
}

/** How a command is written: an example, as a client sends it about the tables T and U of the database D, and patterns by which it is
 * read without the parser, if it is. In a pattern are words as they are, `{Name}` for an argument, `{Name,}` for a list of them in parentheses,
 * `{...Name}` for all that is left, `with` for an optional property list, `settings` for any number of `name=value`,
 * and `<|` for raw text to the end. */
type CommandTexts = string | readonly [example: string, ...patterns: string[]];

/** One command, or several that differ in a word. */
export interface CommandRow {
  /** By name: that of the official parser, or our own where it knows no such command. */
  readonly kinds: Readonly<Record<string, CommandTexts>>;
  /** The official parser reads what the patterns say too, so these are left to it when operators follow. */
  readonly parsed?: true;
  /** Absent: the engine's endpoint answers it, the one for ingestion does not. */
  readonly endpoint?: 'ingestion' | 'both';
  /** Needed in the database that the command is about; `run` asks for more where that depends on the arguments. */
  readonly permission: Permission;
  /** `Name: type, …`; names and types of the official parser, then what only the documentation has. */
  readonly columns: string | ((command: Command) => string);
  readonly run: (
    command: Command,
    context: CommandContext,
    nested: RunNested,
    // A table says its own columns, where only the work shows them.
  ) => Promise<readonly Row[] | CommandTable> | readonly Row[] | CommandTable;
}

/** Runs a command that is part of another. */
export type RunNested = (text: string) => Promise<CommandAnswer>;

/** The one table of a command, or the first result of a query over it. */
export interface CommandAnswer extends CommandTable {
  readonly kind: string;
  /** All results of such a query, if there was one. */
  readonly queried?: QueriedTables;
}

/** The results of a query over what a command answered, and how much of the stored tables it looked at. */
export interface QueriedTables {
  readonly tables: readonly CommandTable[];
  readonly scanned: ScanCounts;
}

/** What was asked, however it was read. */
export interface CommandInput {
  readonly kind: string;
  readonly text: string;
  readonly parts: readonly CommandPart[];
  readonly query?: Program;
  readonly queryText?: string;
  /** What stands after `<|` when it is not parsed. */
  readonly raw?: string;
}

/** Reads the parts of one command. */
export class Command {
  readonly kind: string;
  readonly query: Program | undefined;
  readonly text: string;
  readonly queryText: string;
  readonly raw: string;
  /** In order, without groups. */
  readonly leaves: readonly CommandPart[];
  #hasToldProperties = false;

  constructor({ kind, text, parts, query, queryText, raw }: CommandInput) {
    this.kind = kind;
    this.text = text;
    this.query = query;
    this.queryText = queryText ?? '';
    this.raw = raw ?? '';
    this.leaves = leavesOf(parts).flatMap(withOwnDatabase);
  }

  optional(name: string): string | undefined {
    const part = this.leaves.find((leaf) => leaf.name === name);
    return part === undefined ? undefined : textOfPart(part);
  }

  /** @throws KqlError `syntax` */
  required(name: string): string {
    const found = this.optional(name);
    if (found === undefined) throw new KqlError('syntax', `The command has no ${name}.`);
    return found;
  }

  all(name: string): string[] {
    return this.leaves.filter((leaf) => leaf.name === name).map(textOfPart);
  }

  has(word: string): boolean {
    return this.leaves.some((leaf) => leaf.name === undefined && leaf.text.toLowerCase() === word);
  }

  /** The database that its table is named with, as in `D.T`: the command is about that one. */
  ownDatabase(): string | undefined {
    return this.optional(tableDatabase);
  }

  /** The database it names, else that of the request. */
  databaseName(context: CommandContext): string {
    return this.optional('DatabaseName') ?? this.optional('databaseName') ?? context.database;
  }

  /** Of a command that has none. @throws KqlError for one that it was given and that nobody has asked for */
  requireNoOtherProperties(): void {
    if (!this.#hasToldProperties) this.properties([]);
  }

  /** Those of `with (name = value, …)`, names in lower case. @throws KqlError for one that is not in `known` */
  properties<Name extends string>(known: readonly Name[]): Partial<Record<Name, string>> {
    this.#hasToldProperties = true;
    const found: Partial<Record<Name, string>> = {};
    for (const [name, value] of this.allProperties()) {
      const match = known.find((one) => one.toLowerCase() === name);
      if (match === undefined)
        throw new KqlError('notSupported', `The property '${name.slice(0, 100)}' is not supported in ${this.kind}.`);
      found[match] = value;
    }
    return found;
  }

  private allProperties(): [string, string][] {
    const found: [string, string][] = [];
    for (const [index, leaf] of this.leaves.entries()) {
      if (leaf.name !== 'PropertyName') continue;
      const value = this.leaves.slice(index + 1).find(({ name }) => name === 'PropertyValue' || name === 'Value');
      if (value !== undefined) found.push([textOfPart(leaf).toLowerCase(), textOfPart(value)]);
    }
    return found;
  }
}

const tableDatabase = 'TableDatabaseName';

/** `D.T` is a part of its own to the parser. */
function withOwnDatabase(part: CommandPart): CommandPart[] {
  if (part.name !== 'TableName' || part.value !== undefined) return [part];
  const [, database, table] =
    /^(\[[^\]]*\]|[\p{L}\p{N}_-]+)\s*\.\s*(\[[^\]]*\]|[\p{L}\p{N}_-]+)$/u.exec(part.text) ?? [];
  if (database === undefined || table === undefined) return [part];
  return [
    { ...part, name: tableDatabase, value: nameIn(database) },
    { ...part, value: nameIn(table) },
  ];
}

const nameIn = (text: string): string => {
  const inside = /^\[\s*(.*?)\s*\]$/su.exec(text)?.[1] ?? text;
  return /^@?["']/.test(inside) ? unquote(inside) : inside;
};

/** A string literal without quotes, a name without brackets; else as written. */
function textOfPart({ text, value }: CommandPart): string {
  if (typeof value !== 'string') return text;
  // Literals of other types are ticks and digits by now; handlers read those from the text.
  return /^(datetime|timespan|time|date)\s*\(|^\d+(\.\d+)?[a-z]+$/i.test(text) ? text : value;
}

function leavesOf(parts: readonly CommandPart[]): CommandPart[] {
  return parts.flatMap((part) => (part.children === undefined ? [part] : leavesOf(part.children)));
}
