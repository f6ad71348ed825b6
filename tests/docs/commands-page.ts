// The plan builder's modules refer to each other; this one must come first.
import { kustoRights } from '../../src/authz/kusto-roles.ts';
import '../../src/kql/parser/process/build/operators/graph.ts';
import { appendCommands } from '../../src/database/commands/append-commands.ts';
import { clusterCommands } from '../../src/database/commands/cluster-commands.ts';
import type { CommandRow } from '../../src/database/commands/command.ts';
import { commandRows } from '../../src/database/commands/command-rows.ts';
import { databaseCommands } from '../../src/database/commands/database-commands.ts';
import { diagnosticsCommands } from '../../src/database/commands/diagnostics-commands.ts';
import { extentCommands } from '../../src/database/commands/extent-commands.ts';
import { functionCommands } from '../../src/database/commands/function-commands.ts';
import { graphCommands } from '../../src/database/commands/graph-commands.ts';
import { ingestCommands } from '../../src/database/commands/ingest-commands.ts';
import { mappingCommands } from '../../src/database/commands/mapping-commands.ts';
import { operationCommands } from '../../src/database/commands/operation-commands.ts';
import { policyCommands } from '../../src/database/commands/policy-commands.ts';
import { principalCommands } from '../../src/database/commands/principal-commands.ts';
import { purgeCommands } from '../../src/database/commands/purge-commands.ts';
import { recognizeCommand } from '../../src/database/commands/recognize.ts';
import { refusalReasons } from '../../src/database/commands/refused-commands.ts';
import { schemaCommands } from '../../src/database/commands/schema-commands.ts';
import { scriptCommands } from '../../src/database/commands/script-commands.ts';
import { showTableCommands } from '../../src/database/commands/show-table-commands.ts';
import { storedResultCommands } from '../../src/database/commands/stored-result-commands.ts';
import { tableCommands } from '../../src/database/commands/table-commands.ts';
import { workloadGroupCommands } from '../../src/database/commands/workload-group-commands.ts';
import { languagePackage } from '../../src/kql/parser/process/language/language.ts';
import { loadLanguage } from '../../src/kql/parser/process/load-language.ts';
import { commandExamples } from './command-examples.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';

const groups: readonly (readonly [string, readonly CommandRow[]])[] = [
  ['Tables and columns', [...tableCommands, ...showTableCommands]],
  ['Databases and schemas', [...databaseCommands, ...schemaCommands]],
  ['Functions', functionCommands],
  ['Ingestion', [...ingestCommands, ...appendCommands, ...mappingCommands]],
  ['Policies', policyCommands],
  ['Extents and purge', [...extentCommands, ...purgeCommands]],
  ['Stored results and graphs', [...storedResultCommands, ...graphCommands]],
  ['Operations and queries', [...operationCommands, ...scriptCommands, ...diagnosticsCommands]],
  ['Principals and the cluster', [...principalCommands, ...clusterCommands, ...workloadGroupCommands]],
];

/** Every command that the official parser has, by name. */
export function parserCommands(): readonly string[] {
  loadLanguage();
  const language = languagePackage() as unknown as { readonly EngineCommands: { readonly All: unknown } };
  const { Bridge } = globalThis as unknown as { Bridge: { toArray(list: unknown): readonly { Name: string }[] } };
  return Bridge.toArray(language.EngineCommands.All).map(({ Name }) => Name);
}

/** Which command a text is read as, and what is wrong with it. */
export function readAs(text: string): { readonly kind: string | undefined; readonly problems: readonly string[] } {
  const own = recognizeCommand(text);
  if (own !== undefined) return { kind: own.input.kind, problems: [] };
  loadLanguage();
  interface Node {
    readonly ReferencedSymbol?: { readonly Name: string };
    readonly CommandKind?: string;
    readonly ChildCount: number;
    GetChild(index: number): Node | null;
  }
  interface Code {
    readonly Syntax: Node;
    GetSyntaxDiagnostics?(): unknown;
    GetDiagnostics(): unknown;
  }
  const { KustoCode } = languagePackage() as unknown as { KustoCode: { Parse(text: string): Code } };
  const { Bridge } = globalThis as unknown as { Bridge: { toArray(list: unknown): readonly { Message: string }[] } };
  const parsed = KustoCode.Parse(text);
  const find = (node: Node | null): string | undefined => {
    if (node === null) return undefined;
    if (typeof node.CommandKind === 'string') return node.CommandKind;
    for (let index = 0; index < node.ChildCount; index += 1) {
      const found = find(node.GetChild(index));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return { kind: find(parsed.Syntax), problems: Bridge.toArray(parsed.GetDiagnostics()).map(({ Message }) => Message) };
}

/** Policies have rows for commands that the service itself does not have; nobody can send these. */
export function listedKinds(): readonly string[] {
  const known = new Set(parserCommands());
  const kinds = commandRows.flatMap((row) => row.kinds);
  return kinds.filter((kind) => known.has(kind) || !kind.includes('Policy'));
}

/** The page docs/commands.md. */
export function commandsPage(): string {
  const listed = new Set(listedKinds());
  const missing = commandRows.filter((row) => !groups.some(([, rows]) => rows.includes(row)));
  if (missing.length > 0) throw new Error(`In no group: ${missing.flatMap(({ kinds }) => kinds).join(', ')}.`);
  const others = parserCommands().filter((name) => !listed.has(name) && !Object.hasOwn(refusalReasons, name));
  return [
    '# Management commands',
    '',
    madeFrom('the rows that commands are run by'),
    '',
    wrapped(
      `${listed.size} commands, each with an example that is read as this command. *Needs* are the roles any of which is enough; a role on the cluster counts in all its databases. Operators may follow any command that shows something: ${code('.show tables | where TableName startswith "T"')}.`,
    ),
    '',
    ...groups.flatMap(([title, rows]) => section(title, rows, listed)),
    '## Refused, with what to do instead',
    '',
    ...table(
      ['Command', 'Why'],
      Object.entries(refusalReasons).map(([name, why]) => [code(name), why]),
    ),
    '',
    '## Refused by name',
    '',
    wrapped(`All others that the official parser knows, ${others.length}: ${codes(others.toSorted())}.`),
    '',
  ].join('\n');
}

function section(title: string, rows: readonly CommandRow[], listed: ReadonlySet<string>): readonly string[] {
  const cells = rows.flatMap(({ kinds, permission }) =>
    kinds.filter((kind) => listed.has(kind)).map((kind) => [code(exampleOf(kind)), rolesOf(permission), code(kind)]),
  );
  return [`## ${title}`, '', ...table(['Example', 'Needs', 'Name'], cells), ''];
}

function exampleOf(kind: string): string {
  const example = commandExamples[kind];
  if (example === undefined) throw new Error(`There is no example of ${kind}.`);
  return example.replaceAll('`', "'");
}

function rolesOf(permission: CommandRow['permission']): string {
  if (permission === 'anyone') return 'as its arguments ask for';
  const roles: { readonly database: readonly string[]; readonly cluster: readonly string[] } = kustoRights[permission];
  const onDatabase = roles.database.length === 0 ? [] : [`database ${roles.database.join(', ')}`];
  return [...onDatabase, `cluster ${roles.cluster.join(', ')}`].join('; ');
}
