import { isJsonObject, textMember } from '../../base/json.ts';

/** Runs a management command on the database. @returns rows by column */
export type RunCommand = (csl: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** Policies that can be set, and how: caching has a form of its own. */
const policies = ['retention', 'caching', 'ingestionbatching', 'merge', 'sharding', 'streamingingestion'] as const;

/** A script that makes a database of the same schema, and that can run again: tables, texts of columns, functions, mappings, policies.
 * Rows are not in it. */
export async function kqlScriptOf(run: RunCommand, database: string): Promise<string> {
  const name = entity(database);
  const lines = (await run(`.show database ${name} schema as csl script`)).map((row) =>
    textOf(row, 'DatabaseSchemaScript'),
  );
  const isFunction = (line: string): boolean => /^\.create-or-alter\s+function\b/.test(line);
  const tables = (await run('.show tables')).map((row) => textOf(row, 'TableName')).toSorted();
  const commands = [
    ...lines.filter((line) => !isFunction(line)).toSorted(),
    ...(await columnTexts(run, name, tables)),
    ...calledFirst(lines.filter(isFunction).toSorted()),
    ...(await mappings(run, database, tables)),
    ...(await databasePolicies(run, name)),
    ...(await tablePolicies(run, tables)),
  ];
  return `.execute database script with (ThrowOnErrors=true) <|\n${commands.map((one) => `${one.trim()}\n`).join('\n')}`;
}

async function columnTexts(run: RunCommand, database: string, tables: readonly string[]): Promise<readonly string[]> {
  const rows = await run(`.show database ${database} schema`);
  return tables.flatMap((table) => {
    const given = rows
      .filter((row) => textOf(row, 'TableName') === table && textOf(row, 'ColumnName') !== '')
      .filter((row) => textOf(row, 'DocString') !== '')
      .map((row) => `${entity(textOf(row, 'ColumnName'))}: ${literal(textOf(row, 'DocString'))}`);
    return given.length === 0 ? [] : [`.alter-merge table ${entity(table)} column-docstrings (${given.join(', ')})`];
  });
}

async function mappings(run: RunCommand, database: string, tables: readonly string[]): Promise<readonly string[]> {
  const of = async (kind: 'database' | 'table', name: string): Promise<readonly string[]> =>
    (await run(`.show ${kind} ${entity(name)} ingestion mappings`)).map(
      (row) =>
        `.create-or-alter ${kind} ${entity(name)} ingestion ${textOf(row, 'Kind').toLowerCase()} mapping ${literal(textOf(row, 'Name'))} ${literal(textOf(row, 'Mapping'))}`,
    );
  const commands = [...(await of('database', database))].toSorted();
  for (const table of tables) commands.push(...(await of('table', table)).toSorted());
  return commands;
}

async function databasePolicies(run: RunCommand, name: string): Promise<readonly string[]> {
  const commands: string[] = [];
  for (const policy of policies)
    for (const row of await run(`.show database ${name} policy ${policy}`))
      commands.push(...alter(`database ${name}`, policy, textOf(row, 'Policy')));
  return commands;
}

async function tablePolicies(run: RunCommand, tables: readonly string[]): Promise<readonly string[]> {
  const commands: string[] = [];
  for (const table of tables)
    for (const policy of policies)
      for (const row of await run(`.show table ${entity(table)} policy ${policy}`))
        commands.push(...alter(`table ${entity(table)}`, policy, textOf(row, 'Policy')));
  return commands;
}

function alter(target: string, policy: (typeof policies)[number], text: string): readonly string[] {
  const value: unknown = text === '' ? null : JSON.parse(text);
  if (!isJsonObject(value)) return [];
  const command = `.alter ${target} policy ${policy}`;
  if (policy !== 'caching') return [`${command} ${literal(JSON.stringify(value))}`];
  const span = value['DataHotSpan'];
  const hot = isJsonObject(span) ? textMember(span, 'Value') : textMember(value, 'DataHotSpan');
  return hot === '' ? [] : [`${command} hot = time(${hot})`];
}

/** A function is checked when it is made: those that another one mentions come before it. */
function calledFirst(functions: readonly string[]): readonly string[] {
  const names = functions.map((text) => /\)\s*(\S+?)\(|function\s+(\S+?)\(/.exec(text)?.slice(1).find(Boolean) ?? '');
  const ordered: string[] = [];
  const visiting = new Set<number>();
  const visit = (at: number): void => {
    const text = functions[at];
    if (text === undefined || visiting.has(at)) return;
    visiting.add(at);
    names.forEach((name, other) => {
      if (other !== at && name !== '' && text.includes(name)) visit(other);
    });
    ordered.push(text);
  };
  functions.forEach((_, at) => {
    visit(at);
  });
  return ordered;
}

const textOf = (row: Readonly<Record<string, unknown>>, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : '';
};

/** A name as commands take it, whatever is in it. */
const entity = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `[${literal(name)}]`);

const literal = (text: string): string => JSON.stringify(text);
