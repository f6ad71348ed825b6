import { UserError } from '../user-error.ts';
import { recordName } from './promotion-record.ts';

/** When a command of a database's script is done there. */
export interface ScriptPhases {
  /** Tables, mappings, functions, models, and policies; how long rows are kept, too, since older ones than that are not taken. */
  readonly before: readonly string[];
  /** Materialized views, made of the rows that are there by then. */
  readonly views: readonly string[];
  /** What would double rows on their way, drop them, or hide them from being counted. */
  readonly after: readonly string[];
  /** Who has a role. */
  readonly roles: readonly string[];
  /** What cannot be carried over, and why. */
  readonly left: readonly string[];
  /** Tables, by what commands call them. */
  readonly tables: readonly string[];
  /** Tables whose rows not everybody sees, by the same. */
  readonly secured: ReadonlySet<string>;
  /** Tables that rows are made of by others, by the same. */
  readonly derived: ReadonlySet<string>;
}

/** As commands name an entity: `T`, `['a b']`. */
const name = String.raw`(\[(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]|[^\s(]+)`;
const policyPattern = new RegExp(
  String.raw`^\.alter\s+(table|database|materialized-view)\s+${name}\s+policy\s+(\w+)\s+([\s\S]*)$`,
);
const tablePattern = new RegExp(String.raw`^\.create-merge\s+table\s+${name}\s*\(`);
const recordPattern = new RegExp(String.raw`^\.create-or-alter\s+function\b[\s\S]*?\s${recordName}\(`);

/** `update` would make rows of rows once more; `auto_delete` drops a table; `extent_tags_retention` drops the tags that say what is there;
 * the others hide rows from whoever counts them, or keep new ones from being told apart. */
const afterRows = new Set([
  ...['update', 'auto_delete', 'extent_tags_retention', 'ingestiontime'],
  ...['restricted_view_access', 'row_level_security'],
]);

const before: readonly RegExp[] = [
  tablePattern,
  /^\.alter-merge\s+table\s/,
  /^\.alter\s+column\s/,
  /^\.create-or-alter\s+(?:table|database)\s[\s\S]*?\singestion\s/,
  /^\.create-or-alter\s+function\b/,
  /^\.create-or-alter\s+(?:entity_group|graph_model)\s/,
];

/** Divides what `.show database schema as csl script` says, in its order. @throws UserError for a command that is not known here */
export function phasesOf(lines: readonly string[]): ScriptPhases {
  const phases = { before: [] as string[], views: [] as string[], after: [] as string[], roles: [] as string[] };
  const left: string[] = [];
  const tables: string[] = [];
  const [secured, derived] = [new Set<string>(), new Set<string>()];
  for (const line of lines) {
    const [, kind, owner = '', policy = '', value = ''] = policyPattern.exec(line) ?? [];
    if (recordPattern.test(line)) continue;
    if (policy === 'managed_identity')
      left.push(`${line}\n  (identities are of a cluster: set it there for those it has)`);
    else if (kind === 'materialized-view') phases.after.push(line);
    else if (kind !== undefined && afterRows.has(policy)) {
      phases.after.push(line);
      if (policy === 'row_level_security' && /^enable/.test(value)) secured.add(owner);
      if (policy === 'update') derived.add(owner);
    } else if (kind !== undefined) phases.before.push(line);
    else if (/^\.create-or-alter\s+materialized-view\b/.test(line)) phases.views.push(backfilled(line));
    else if (/^\.create-or-alter\s+external\s+table\b/.test(line))
      left.push(`${line}\n  (what proves access to its storage is told to nobody: fill it in, and run it there)`);
    else if (/^\.add\s/.test(line)) phases.roles.push(line);
    else if (before.some((pattern) => pattern.test(line))) {
      phases.before.push(line);
      const table = tablePattern.exec(line)?.[1];
      if (table !== undefined) tables.push(table);
    } else throw new UserError(`A command of the schema is not known to promote: ${line.slice(0, 200)}`);
  }
  return { ...phases, left, tables, secured, derived };
}

/** The view as it is made of what its source has by then. */
const backfilled = (line: string): string =>
  line.replace(
    /^\.create-or-alter\s+materialized-view(\s+with\s*\()?/,
    (_all, given: string | undefined) =>
      `.create async ifnotexists materialized-view with (backfill=true${given === undefined ? ')' : ', '}`,
  );

/** Tables of a script that have an update policy, by what commands call them. */
export const tablesWithUpdatePolicy = (lines: readonly string[]): readonly string[] =>
  lines.flatMap((line) => {
    const [, kind, owner = '', policy = '', value = ''] = policyPattern.exec(line) ?? [];
    return kind === 'table' && policy === 'update' && !/^@?["'`]*\[\s*\]/.test(value) ? [owner] : [];
  });

/** The name of a view in the command that makes it. */
export const viewName = (line: string): string =>
  new RegExp(String.raw`\s${name}\s+on\s+(?:table|materialized-view)\s`).exec(line)?.[1] ?? '';
