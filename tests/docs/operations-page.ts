import { entraOperations } from '../../src/identity/entra/operations.ts';
import { graphOperations } from '../../src/identity/graph/operations.ts';
import { notBuiltCollections, vaultOperations } from '../../src/vault/plane/vault-operations.ts';
import { allArmOperations } from '../support/arm-operations.ts';
import type { ProviderOperation } from '../support/arm-operations.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';

/** The page docs/operations.md: every row that the planes dispatch by. */
export function operationsPage(): string {
  const arm = allArmOperations();
  const providers = [...new Set(arm.map(({ provider }) => provider))].toSorted();
  return [
    '# Operations',
    '',
    madeFrom('the rows that requests are dispatched by'),
    '',
    wrapped(
      'What is *refused* exists in Azure and not here: it answers 501 `NotImplemented` (Key Vault and Graph in their own shapes) and names itself. Nothing of it is accepted in silence.',
    ),
    '',
    '## Resource manager',
    '',
    wrapped(
      'Under `management.azure.com`. *Needs* is the action that the caller’s role must allow; none means that any signed-in caller may. `~` stands for `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers`, `~~` for `/subscriptions/{subscriptionId}/providers`.',
    ),
    '',
    ...providers.flatMap((provider) => armSection(provider, arm)),
    '## Key Vault',
    '',
    wrapped(
      'Under `{vault}.vault.azure.net`. *Permission* is what an access policy gives, *data action* what a role gives, below `Microsoft.KeyVault/vaults/`.',
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Permission', 'Data action'],
      vaultOperations
        .filter(({ handle }) => handle !== undefined)
        .map((row) => [row.id, row.method, code(row.path), code(row.permission), code(row.dataAction)]),
    ),
    '',
    refused(
      vaultOperations.filter(({ handle }) => handle === undefined).map(({ id }) => id),
      `everything below ${codes([...notBuiltCollections].map((name) => `/${name}`))}`,
    ),
    '',
    '## Entra ID',
    '',
    wrapped(
      'Under `login.microsoftonline.com` and its older names. Only these; other paths answer AADSTS9002313 and say so.',
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path'],
      entraOperations.map((row) => [row.id, row.method === 'any' ? 'GET, POST' : row.method, code(row.path)]),
    ),
    '',
    '## Microsoft Graph',
    '',
    wrapped(
      'Under `graph.microsoft.com`, below `/v1.0`. *Needs* is the right of the caller’s roles in the directory; *self* means a user, and no more than that.',
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Needs'],
      graphOperations.map((row) => [
        row.id,
        row.method,
        code(row.path),
        row.right === 'self' ? '*self*' : code(row.right),
      ]),
    ),
    '',
  ].join('\n');
}

function armSection(provider: string, all: readonly ProviderOperation[]): readonly string[] {
  const own = all.filter((row) => row.provider === provider);
  const built = own.filter(({ notBuilt }) => notBuilt !== true);
  const missing = own.filter(({ notBuilt }) => notBuilt === true).map(({ id }) => id);
  return [
    `### ${provider}`,
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Needs'],
      built.map((row) => [row.id, row.method, code(shortened(row.path)), row.action === null ? '' : code(row.action)]),
    ),
    '',
    ...(missing.length === 0 ? [] : [refused(missing), '']),
  ];
}

const refused = (ids: readonly string[], more = ''): string =>
  wrapped(`Refused, ${ids.length}: ${codes(ids)}${more === '' ? '' : `; ${more}`}.`);

const shortened = (path: string): string =>
  path
    .replace('/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers', '~')
    .replace('/subscriptions/{subscriptionId}/providers', '~~');
