import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { armErrors } from '../../src/arm/arm-errors.ts';
import { kustoErrorRows, publicMessages } from '../../src/cluster/data-plane/errors/kusto-error.ts';
import { entraErrors } from '../../src/identity/entra/entra-error.ts';
import { graphErrors } from '../../src/identity/graph/graph-error.ts';
import { authorizationErrors } from '../../src/providers/authorization/authorization-errors.ts';
import { keyVaultErrors } from '../../src/providers/keyvault/keyvault-errors.ts';
import { cmkErrors } from '../../src/providers/kusto/cmk-error-rows.ts';
import { kustoErrors } from '../../src/providers/kusto/kusto-errors.ts';
import { deploymentErrors } from '../../src/providers/resources/deployments/deployment-errors.ts';
import { vaultErrors } from '../../src/vault/vault-error.ts';
import { code, madeFrom, table, wrapped } from './markdown.ts';

interface ErrorAnswer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** The page docs/errors.md: every row that an answer of a plane is made from. */
export function errorsPage(): string {
  return [
    '# Error codes',
    '',
    madeFrom('the rows that answers are made from'),
    '',
    wrapped(
      '`…` stands for what the request named. What to do about the frequent ones is in [troubleshooting.md](troubleshooting.md).',
    ),
    '',
    ...section('Customer-managed keys', 'Of PUT and PATCH of a cluster; `error.details` names cause and remedy.', [
      ...rowsOf(cmkErrors),
    ]),
    ...section('Microsoft.Kusto', 'Of the resource manager, about clusters and databases.', rowsOf(kustoErrors)),
    ...section('Microsoft.KeyVault', 'Of the resource manager, about vaults.', answersOf(keyVaultErrors)),
    ...section('Microsoft.Authorization', 'Of the resource manager, about roles.', answersOf(authorizationErrors)),
    ...section('Deployments', 'Of templates and deployments.', answersOf(deploymentErrors)),
    ...section('Resource manager', 'Of any resource provider.', answersOf(armErrors)),
    ...section('Key Vault', 'Of the vault itself. What stands after a slash is `innererror.code`.', vaultRows()),
    ...section('Entra ID', 'Each message begins with AADSTS and the number.', entraRows()),
    ...section('Microsoft Graph', '', answersOf(graphErrors)),
    ...kustoSection(),
    ...mistakesSection(),
    ...commandMistakesSection(),
  ].join('\n');
}

function section(title: string, text: string, answers: readonly ErrorAnswer[]): readonly string[] {
  const sorted = answers.toSorted((a, b) => a.status - b.status || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
  return [
    `## ${title}`,
    '',
    ...(text === '' ? [] : [wrapped(text), '']),
    ...table(
      ['Status', 'Code', 'Message'],
      sorted.map((answer) => [String(answer.status), code(answer.code), escaped(answer.message)]),
    ),
    '',
  ];
}

/** The data plane writes messages where they happen; its rows have status, code and type. */
const kustoSection = (): readonly string[] => [
  '## Clusters',
  '',
  wrapped(
    'Of queries, commands and ingestion. `error.message` is the sentence of the status, `error.@message` says what happened, `error.@permanent` whether to try again.',
  ),
  '',
  ...table(
    ['Status', 'Code', 'Type', 'Permanent', '`error.message`'],
    Object.values(kustoErrorRows)
      .toSorted((a, b) => a.status - b.status)
      .map((row) => [
        ...[String(row.status), code(row.code), code(row.type), row.permanent ? 'yes' : 'no'],
        publicMessages[row.status] ?? '',
      ]),
  ),
  '',
];

interface Mistakes {
  readonly sources: Readonly<Record<string, { readonly kind: string; readonly address?: string }>>;
  readonly mistakes: readonly {
    readonly query: string;
    readonly kind: 'syntax' | 'semantic';
    readonly code?: string;
    readonly text: string;
    readonly source: string;
  }[];
}

interface CommandMistakes extends Pick<Mistakes, 'sources'> {
  readonly mistakes: readonly Readonly<Record<'command' | 'code' | 'type' | 'text' | 'source', string>>[];
}

/** What `src/cluster/data-plane/errors/error-words.test.ts` holds the engine to. */
function mistakesSection(): readonly string[] {
  const path = join(import.meta.dirname, '../../vectors/kql/errors.json');
  const { sources, mistakes } = JSON.parse(readFileSync(path, 'utf8')) as Mistakes;
  return [
    '## Mistakes in queries',
    '',
    wrapped(
      'What `innererror` says of them: `code` and `@errorCode`, `message` and `@errorMessage`; and `@token`, and where they are known `@line` (from 1) and `@pos` (from 0). The error around it has code `General_BadRequest`, `@text` (without obfuscated literals) and `@database`. A text is parsed first, then its names are looked up, then types are compared: the first mistake of the earliest is told. A code stands where one is known for the service; the source is where code or words were seen: *recorded* answers, *documented* pages, what others *measured* at the emulator, *public* issues. *Ours* are words that nobody has shown.',
    ),
    '',
    ...table(
      ['Query', 'Code', 'Message', 'Source'],
      mistakes.map(({ query, kind, code: own, text, source }) => [
        code(query),
        own === undefined ? kind : code(own),
        escaped(text),
        originsOf(sources, source),
      ]),
    ),
    '',
  ];
}

/** What `tests/wire/kusto-commands/commands.test.ts` holds the cluster to. */
function commandMistakesSection(): readonly string[] {
  const path = join(import.meta.dirname, '../../vectors/commands/errors.json');
  const { sources, mistakes } = JSON.parse(readFileSync(path, 'utf8')) as CommandMistakes;
  return [
    '## Mistakes in commands',
    '',
    wrapped(
      'The code, the end of `@type` and `@message`. What a command says of an entity is said of every kind of entity; `CLUSTER` is the host of the cluster.',
    ),
    '',
    ...table(
      ['Command', 'Code', 'Type', 'Message', 'Source'],
      mistakes.map(({ command, code: own, type, text, source }) => [
        ...[code(command), code(own), code(type.split('.').at(-1) ?? type), escaped(text)],
        originsOf(sources, source),
      ]),
    ),
    '',
  ];
}

/** @param ids apart by spaces */
const originsOf = (sources: Mistakes['sources'], ids: string): string =>
  ids
    .split(' ')
    .map((id) => {
      const { kind, address } = sources[id] ?? { kind: id };
      return address?.startsWith('https:') ? `[${kind}](${address.split(' ')[0] ?? ''})` : kind;
    })
    .join(', ');

interface TextRow {
  readonly status: number;
  readonly code?: string;
  readonly text: (...values: never[]) => string;
}

const rowsOf = (rows: Readonly<Record<string, TextRow>>): readonly ErrorAnswer[] =>
  Object.entries(rows).map(([name, row]) => ({
    status: row.status,
    code: row.code ?? name,
    message: textOf(row.text),
  }));

const answersOf = (rows: Readonly<Record<string, (...values: never[]) => ErrorAnswer>>): readonly ErrorAnswer[] =>
  Object.values(rows).map((make) => Reflect.apply(make, undefined, placeholders) as ErrorAnswer);

function vaultRows(): readonly ErrorAnswer[] {
  const rows: readonly (TextRow & { readonly code: string; readonly inner?: string })[] = Object.values(vaultErrors);
  return rows.map(({ status, code: outer, inner, text }) => ({
    status,
    code: inner === undefined ? outer : `${outer} / ${inner}`,
    message: textOf(text),
  }));
}

const entraRows = (): readonly ErrorAnswer[] =>
  Object.values(entraErrors).map(({ status, code: number, error, text }) => ({
    status,
    code: error,
    message: `AADSTS${number}: ${textOf(text)}`,
  }));

/** Stands for any value that a text takes: a string, a list, or an object with what a caller has. */
const anything: unknown = new Proxy(() => undefined, {
  get: (_target, name) => (name === Symbol.toPrimitive ? () => '…' : anything),
  apply: () => anything,
});
const placeholders: readonly unknown[] = Array.from({ length: 8 }, () => anything);

const textOf = (text: (...values: never[]) => string): string => String(Reflect.apply(text, undefined, placeholders));

/** Words in angle brackets are no HTML. */
const escaped = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('~', '\\~').trim();
