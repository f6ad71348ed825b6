/** Runs a management command on the database. @returns rows by column */
export type RunCommand = (csl: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** A script that makes a database of the same schema, and that can run again, elsewhere, too. Rows are not in it, nor who has a role, which is
 * said of principals of one directory, nor what managed identities of a cluster may. External tables are there to be filled in: what proves access
 * to them is shown to nobody. So is what has obfuscated literals. */
export async function kqlScriptOf(run: RunCommand, database: string): Promise<string> {
  const rows = await run(`.show database ${entity(database)} schema as csl script`);
  const lines = rows.map((row) => textOf(row, 'DatabaseSchemaScript')).filter((line) => !isOfCluster.test(line));
  const at = lines.findIndex((line) => isFunction.test(line));
  const others = lines.filter((line) => !isFunction.test(line));
  const commands = [
    ...others.slice(0, Math.max(at, 0)).map(filledInLater),
    ...calledFirst(lines.filter((line) => isFunction.test(line))).map(filledInLater),
    ...others.slice(Math.max(at, 0)).map(filledInLater),
  ];
  return `.execute database script with (ThrowOnErrors=true) <|\n${commands.map((one) => `${one.trim()}\n`).join('\n')}`;
}

const isOfCluster = /^\.add\s|^\.alter\s+database\s.*\spolicy\s+managed_identity\s/;
const isFunction = /^\.create-or-alter\s+function\b/;
const isExternal = /^\.create-or-alter\s+external\s+table\b/;

/** What obfuscated literals hide is in no script either. */
const isHiding = /h@?\\?(?:["']|```|~~~)\*\*\*\\?(?:["']|```|~~~)/i;

const filledInLater = (line: string): string => (isExternal.test(line) || isHiding.test(line) ? asComment(line) : line);

const asComment = (text: string): string =>
  [`To be filled in (${isExternal.test(text) ? '*******' : '***'}):`, ...text.split('\n')]
    .map((line) => `// ${line}`)
    .join('\n');

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
