import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apiPage, openApi } from './api-page.ts';
import { cliPage } from './cli-page.ts';
import { commandsPage } from './commands-page.ts';
import { environmentPage, readVariables, repositoryVariables } from './environment-page.ts';
import { errorsPage } from './errors-page.ts';
import { fidelityPage, readDifferences, readFloor } from './fidelity-page.ts';
import { documentedRequests } from '../../scripts/fidelity/documented-requests.mjs';
import { operationsPage } from './operations-page.ts';
import { readProofs } from './proof.ts';
import { seedPage } from './seed-page.ts';
import { templatesPage } from './templates-page.ts';

const root = join(import.meta.dirname, '..', '..');

it.each([
  ['api', apiPage],
  ['cli', cliPage],
  ['commands', commandsPage],
  ['environment', environmentPage],
  ['errors', errorsPage],
  ['fidelity', fidelityPage],
  ['operations', operationsPage],
  ['kustody-yaml', seedPage],
  ['templates', templatesPage],
])('docs/%s.md says what the rows say', (name, make) => {
  const path = join(root, 'docs', `${name}.md`);
  const page = make();
  if (process.env['KUSTODY_WRITE_DOCS'] === '1') writeFileSync(path, page);
  expect(readFileSync(path, 'utf8')).toBe(page);
});

it('docs/openapi.json says what the rows say, each operation under a name of its own', () => {
  const path = join(root, 'docs', 'openapi.json');
  const text = `${JSON.stringify(openApi(), undefined, 2)}\n`;
  if (process.env['KUSTODY_WRITE_DOCS'] === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
  const names = [...text.matchAll(/"operationId": "(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(30);
  expect(new Set(names).size).toBe(names.length);
});

describe('docs/fidelity.md', () => {
  it('explains every difference once, with a reason', () => {
    const rows = readDifferences();
    for (const { starts, reason } of rows) {
      expect(starts.length, starts).toBeGreaterThan(10);
      expect(reason.length, starts).toBeGreaterThan(10);
      const covering = rows.filter((other) => other.starts !== starts && starts.startsWith(other.starts));
      expect(covering, starts).toEqual([]);
    }
    expect(new Set(rows.map(({ starts }) => starts)).size).toBe(rows.length);
  });

  it('has a floor for every share that counts', () => {
    expect(Object.keys(readFloor())).toEqual(
      expect.arrayContaining(['together', 'Microsoft.Kusto', 'Microsoft.KeyVault', 'vault data plane']),
    );
    for (const share of Object.values(readFloor())) expect(share).toBeGreaterThan(0);
  });
});

describe('docs/operations.md', () => {
  it('has an operation for every recorded request', () => {
    expect(readProofs().unrouted).toEqual([]);
  });

  it('calls documented what the installed official clients send', () => {
    const text = readFileSync(join(root, 'vectors/fidelity/documented-operations.json'), 'utf8');
    const { requests } = JSON.parse(text) as { requests: readonly string[] };
    for (const name of ['arm-kusto', 'arm-keyvault', 'keyvault-keys', 'keyvault-secrets', 'keyvault-certificates']) {
      const sent = documentedRequests(join(root, 'node_modules/@azure', name));
      expect(sent.length, name).toBeGreaterThan(10);
      expect(requests, name).toEqual(expect.arrayContaining(sent));
    }
  });
});

describe('docs/environment.md', () => {
  const textOf = (folder: string, isWanted: (name: string) => boolean): string =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|cjs|sh)$|\/run$/.test(name) && isWanted(name))
      .map((name) => readFileSync(join(root, folder, name), 'utf8'))
      .join('\n');
  const isTest = (name: string): boolean => /\.test\.ts$/.test(name);
  const product = textOf('src', (name) => !isTest(name));
  const repository = ['tests', 'campaign', 'bench', 'scripts'].map((folder) => textOf(folder, () => true));
  const all = [product, textOf('src', isTest), ...repository].join('\n');
  const read = (text: string): readonly string[] => [
    ...new Set([...text.matchAll(/(?:env\[|countOf\()'(KUSTODY_[A-Z_]+)'/g)].map(([, name = '']) => name)),
  ];

  it('lists what the product reads, and nothing else', () => {
    expect(Object.keys(readVariables)).toEqual(expect.arrayContaining([...read(product)]));
    expect(Object.keys(readVariables).filter((name) => !product.includes(name))).toEqual([]);
  });

  it('lists what the repository reads, and nothing else', () => {
    const listed = [...Object.keys(readVariables), ...Object.keys(repositoryVariables)];
    expect(read(all).filter((name) => !listed.includes(name) && !environmentPage().includes(name))).toEqual([]);
    expect(Object.keys(repositoryVariables).filter((name) => !read(all).includes(name))).toEqual([]);
  });
});
