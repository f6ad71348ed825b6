import { entityKindOf, entityScopes, kustoRights } from '../../src/authz/kusto-roles.ts';
import type { CommandRow } from '../../src/database/commands/command.ts';
import { commandFamilies } from '../../src/database/commands/command-rows.ts';
import { recognizeCommand } from '../../src/database/commands/recognize.ts';
import { reasonOf, refusedCommands } from '../../src/database/commands/refused-commands.ts';
import { withWholeCommands } from '../../src/kql/parser/process/language/partial-commands.ts';
import { languagePackage, toArray } from '../../src/kql/parser/process/language/language.ts';
import { loadLanguage } from '../../src/kql/parser/process/load-language.ts';
import { commandExamples, examplesOf } from '../support/command-examples.ts';
import { documentedCommands, unanswered } from '../support/documented-commands.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';

/** Every command that the official parser has, by name. */
export function parserCommands(): readonly string[] {
  loadLanguage();
  const language = languagePackage() as unknown as { readonly EngineCommands: { readonly All: unknown } };
  const { Bridge } = globalThis as unknown as { Bridge: { toArray(list: unknown): readonly { Name: string }[] } };
  return Bridge.toArray(language.EngineCommands.All).map(({ Name }) => Name);
}

let isLoaded = false;
/** Once: what corrects the language would correct its own corrections. */
export function loadLanguageOnce(): void {
  if (!isLoaded) loadLanguage();
  isLoaded = true;
}

/** Which command a text is read as, and what is wrong with it. */
export function readAs(text: string): { readonly kind: string | undefined; readonly problems: readonly string[] } {
  const own = recognizeCommand(text);
  if (own !== undefined) return { kind: own.input.kind, problems: [] };
  loadLanguageOnce();
  interface Node {
    readonly CommandKind?: string;
    readonly ChildCount: number;
    GetChild(index: number): Node | null;
  }
  const { KustoCode, GlobalState } = languagePackage();
  // What is right is read a quarter as long as when partial commands are looked for, and alike (command-examples.test.ts).
  const parsed = withWholeCommands(() => KustoCode.Parse(text, GlobalState.Default));
  const find = (node: Node | null): string | undefined => {
    if (node === null) return undefined;
    if (typeof node.CommandKind === 'string') return node.CommandKind;
    for (let index = 0; index < node.ChildCount; index += 1) {
      const found = find(node.GetChild(index));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const problems = toArray<{ readonly Message: string }>(parsed.GetDiagnostics()).map(({ Message }) => Message);
  return { kind: find(parsed.Syntax), problems };
}

/** The page docs/commands.md. */
export function commandsPage(): string {
  const reasons = new Map<string, Set<string>>();
  for (const name of [...refusedCommands.flatMap(({ kinds }) => kinds), ...parserCommands()])
    if (!commandExamples.has(name)) reasons.set(reasonOf(name), (reasons.get(reasonOf(name)) ?? new Set()).add(name));
  return [
    '# Management commands',
    '',
    madeFrom('the rows that commands are run by'),
    '',
    wrapped(
      `${commandExamples.size} commands, each with an example that is read as this command. *Needs* are the roles any of which is enough; a role on the cluster counts in all its databases. Operators may follow any command that shows something: ${code('.show tables | where TableName startswith "T"')}.`,
    ),
    '',
    ...Object.entries(commandFamilies).flatMap(([title, rows]) => section(title, rows)),
    '## Refused',
    '',
    wrapped(
      'All others that the official parser knows, and a few that it does not. The answer names the command and says this:',
    ),
    '',
    ...table(
      ['Why', 'Commands'],
      [...reasons].map(([why, names]) => [why, codes([...names].toSorted())]),
    ),
    '',
    '## Examples of the documentation',
    '',
    wrapped(
      `Of ${documentedCommands.length} examples on the pages of the documentation all but these ${Object.keys(unanswered).length} are answered. A number says which one of its page it is.`,
    ),
    '',
    ...table(
      ['Why not', 'Page and number'],
      [...new Set(Object.values(unanswered))].map((why) => [
        why,
        codes(Object.keys(unanswered).filter((id) => unanswered[id] === why)),
      ]),
    ),
    '',
  ].join('\n');
}

function section(title: string, rows: readonly CommandRow[]): readonly string[] {
  const cells = rows.flatMap((row) =>
    examplesOf(row).map(([kind, text]) => [code(text.replaceAll('`', "'")), rolesOf(row.permission), code(kind)]),
  );
  return [`## ${title}`, '', ...table(['Example', 'Needs', 'Name'], cells), ''];
}

function rolesOf(permission: CommandRow['permission']): string {
  if (permission === 'anyone') return 'as its arguments ask for';
  const roles: {
    readonly database: readonly string[];
    readonly cluster: readonly string[];
    readonly entity?: { readonly roles: readonly string[] };
  } = kustoRights[permission];
  const kind = entityKindOf(permission);
  const onDatabase = roles.database.length === 0 ? [] : [`database ${roles.database.join(', ')}`];
  const onEntity = kind === undefined ? [] : [`${entityScopes[kind].word} ${roles.entity?.roles.join(', ') ?? ''}`];
  return [...onDatabase, ...onEntity, `cluster ${roles.cluster.join(', ')}`].join('; ');
}
