import { entraOperations } from '../../src/identity/entra/operations.ts';
import { graphOperations } from '../../src/identity/graph/operations.ts';
import { vaultApiVersions } from '../../src/vault/plane/answers.ts';
import { notBuiltCollections, vaultOperations } from '../../src/vault/plane/vault-operations.ts';
import { allArmOperations } from '../support/arm-operations.ts';
import type { ProviderOperation } from '../support/arm-operations.ts';
import { code, codes, madeFrom, table, wrapped } from './markdown.ts';
import type { Proofs } from './proof.ts';
import { readProofs } from './proof.ts';

/** The page docs/operations.md: every row that the planes dispatch by. */
export function operationsPage(): string {
  const arm = allArmOperations();
  const proofs = readProofs();
  const inBeta = graphOperations.filter((row) => row.isInBeta === true).map(({ id }) => id);
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
    wrapped(
      '*Proof* says what an operation is measured by. *recorded*: real Azure was recorded answering it, with these api-versions, and `scripts/fidelity.mjs` plays the requests and compares the answers ([fidelity.md](fidelity.md)). *documented*: no recording, but Azure’s official description has it, or Microsoft’s reference. *ours*: neither; what it does is our own understanding.',
    ),
    '',
    '## Resource manager',
    '',
    wrapped(
      'Under `management.azure.com`. *Needs* is the action that the caller’s role must allow; none means that any signed-in caller may. *Versions* are listed below each table. `~` stands for `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers`, `~~` for `/subscriptions/{subscriptionId}/providers`.',
    ),
    '',
    ...providers.flatMap((provider) => armSection(provider, arm, proofs)),
    '## Key Vault',
    '',
    wrapped(
      `Under \`{vault}.vault.azure.net\`. *Permission* is what an access policy gives, *data action* what a role gives, below \`Microsoft.KeyVault/vaults/\`. Every operation takes the api-versions ${codes(vaultApiVersions)}, and the previews of the numbered ones.`,
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Permission', 'Data action', 'Proof'],
      vaultOperations
        .filter(({ handle }) => handle !== undefined)
        .map((row) => [row.id, row.method, code(row.path), code(row.permission), code(row.dataAction), proofs.of(row)]),
    ),
    '',
    refused(
      vaultOperations.filter(({ handle }) => handle === undefined).map(({ id }) => id),
      `everything below ${codes([...notBuiltCollections].map((name) => `/${name}`))}`,
    ),
    '',
    wrapped(
      'Two are refused as Key Vault refuses them: `Release`, since no attestation service is asked, is 403 `AccessDenied` (“Target environment attestation statement cannot be verified.”); random bytes (`/rng`), which only managed HSMs have, are 400.',
    ),
    '',
    '## Entra ID',
    '',
    wrapped(
      'Under `login.microsoftonline.com` and its older names. Only these; other paths answer AADSTS9002313 and say so.',
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Proof'],
      entraOperations.map((row) => [
        row.id,
        row.method === 'any' ? 'GET, POST' : row.method,
        code(row.path),
        proofs.of(row),
      ]),
    ),
    '',
    '## Microsoft Graph',
    '',
    wrapped(
      `Under \`graph.microsoft.com\`, below \`/v1.0\`; below \`/beta\`, too: ${inBeta.join(', ')}. *Needs* is the right of the caller’s roles in the directory; *self* means a user, and no more than that. Each stands in Microsoft’s reference of Graph 1.0.`,
    ),
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Needs', 'Proof'],
      graphOperations.map((row) => [
        row.id,
        row.method,
        code(row.path),
        row.right === 'self' ? '*self*' : code(row.right),
        proofs.of(row),
      ]),
    ),
    '',
  ].join('\n');
}

function armSection(provider: string, all: readonly ProviderOperation[], proofs: Proofs): readonly string[] {
  const own = all.filter((row) => row.provider === provider);
  const built = own.filter(({ notBuilt }) => notBuilt !== true);
  const missing = own.filter(({ notBuilt }) => notBuilt === true).map(({ id }) => id);
  const versionSets = [...new Set(built.map((row) => codes(proofs.versionsOf(row))))];
  const letterOf = (versions: string): string => String.fromCodePoint(0x61 + versionSets.indexOf(versions));
  return [
    `### ${provider}`,
    '',
    ...table(
      ['Operation', 'Method', 'Path', 'Needs', 'Versions', 'Proof'],
      built.map((row) => [
        ...[row.id, row.method, code(shortened(row.path)), row.action === null ? '' : code(row.action)],
        ...[letterOf(codes(proofs.versionsOf(row))), proofs.of(row)],
      ]),
    ),
    '',
    'Api-versions:',
    '',
    ...versionSets.map((versions) => wrapped(`- ${letterOf(versions)}: ${versions}`, '  ')),
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
