import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { code, table } from './markdown.ts';

const root = join(import.meta.dirname, '..', '..');

interface ClientRow {
  readonly client: string;
  /** Where tests install it from: package.json, go.mod, pom.xml or requirements.txt. */
  readonly pinnedIn: string;
  /** As that file names them; of a Go module the last part of its path, of a Java one its artifact. */
  readonly packages: readonly string[];
}

/** The clients that tests run unchanged, as README.md lists them. Versions stand where the packages are pinned, and nowhere else. */
export const clientRows: readonly ClientRow[] = [
  {
    client: 'JavaScript',
    pinnedIn: 'package.json',
    packages: [
      ...['@azure/identity', '@azure/keyvault-keys', '@azure/keyvault-secrets', '@azure/keyvault-certificates'],
      ...['@azure/arm-kusto', '@azure/arm-keyvault', '@azure/arm-resources', 'azure-kusto-data', 'azure-kusto-ingest'],
      'axios',
    ],
  },
  {
    client: 'JavaScript, of 2020',
    pinnedIn: 'tests/clients/javascript-2020/package.json',
    packages: ['@azure/identity', '@azure/keyvault-keys', '@azure/keyvault-secrets'],
  },
  {
    client: 'Python',
    pinnedIn: 'tests/clients/python/requirements.txt',
    packages: [
      ...['azure-identity', 'azure-keyvault-keys', 'azure-keyvault-secrets', 'azure-keyvault-certificates'],
      ...['azure-mgmt-kusto', 'azure-mgmt-keyvault', 'azure-mgmt-resource', 'azure-kusto-data', 'azure-kusto-ingest'],
      ...['msal', 'adal'],
    ],
  },
  {
    client: 'Python, of 2019',
    pinnedIn: 'tests/clients/python-2019/requirements.txt',
    packages: [
      ...['adal', 'msrestazure', 'azure-keyvault', 'azure-mgmt-kusto', 'azure-mgmt-keyvault', 'azure-mgmt-resource'],
      'azure-kusto-data',
    ],
  },
  { client: 'Azure CLI', pinnedIn: 'tests/clients/azure-cli/requirements.txt', packages: ['azure-cli'] },
  {
    client: 'Go',
    pinnedIn: 'tests/clients/go/go.mod',
    packages: [
      ...['azidentity', 'azcore', 'azkeys', 'azsecrets', 'azcertificates', 'armresources', 'armkeyvault', 'armkusto'],
      ...['armmsi', 'armauthorization', 'azkustodata', 'azkustoingest'],
    ],
  },
  {
    client: 'Java',
    pinnedIn: 'tests/clients/java/pom.xml',
    packages: [
      ...['azure-identity', 'azure-security-keyvault-keys', 'azure-security-keyvault-secrets'],
      ...['azure-security-keyvault-certificates', 'azure-resourcemanager-resources', 'azure-resourcemanager-keyvault'],
      ...['azure-resourcemanager-authorization', 'kusto-data', 'kusto-ingest'],
    ],
  },
  {
    client: "MongoDB's client-side encryption",
    pinnedIn: 'tests/clients/mongodb/requirements.txt',
    packages: ['pymongocrypt'],
  },
];

export const clientTable = (): string =>
  table(
    ['Client', 'Seen to work, unchanged, at'],
    clientRows.map(({ client, pinnedIn, packages }) => {
      const pinned = pinnedVersions(pinnedIn);
      return [client, packages.map((name) => `${code(name)} ${versionsOf(name, pinned)}`).join(', ')];
    }),
  ).join('\n');

type Pinned = readonly (readonly [name: string, version: string])[];

/** What each kind of file says at an exact version, in its order. An npm alias is what it stands for. */
const readers: Readonly<Record<string, (text: string) => Pinned>> = {
  'package.json': (text) => {
    const { devDependencies } = JSON.parse(text) as { devDependencies: Record<string, string> };
    return Object.entries(devDependencies).map(([name, version]) => {
      const alias = /^npm:(.+)@([^@]+)$/.exec(version);
      return [alias?.[1] ?? name, alias?.[2] ?? version];
    });
  },
  'requirements.txt': (text) => pairs(text, /^([\w.-]+)==(\S+)$/gm),
  'go.mod': (text) => pairs(text, /^\t\S*?\/(\w+)(?:\/v\d+)? v(\S+)$/gm),
  'pom.xml': (text) => pairs(text, /<artifactId>([\w-]+)<\/artifactId>\s*<version>([^<]+)<\/version>/g),
};

const pairs = (text: string, pattern: RegExp): Pinned =>
  [...text.matchAll(pattern)].map(([, name = '', version = '']) => [name, version] as const);

/** @throws Error for a kind of file that nobody reads */
function pinnedVersions(path: string): Pinned {
  const read = readers[basename(path)];
  if (read === undefined) throw new Error(`Nobody knows how ${path} names versions.`);
  return read(readFileSync(join(root, path), 'utf8'));
}

/** @throws Error where it is not pinned */
function versionsOf(name: string, pinned: Pinned): string {
  const versions = pinned.filter(([one]) => one === name).map(([, version]) => version);
  if (versions.length === 0) throw new Error(`${name} is not pinned.`);
  const byNumber = new Intl.Collator('en', { numeric: true });
  return versions.toSorted((a, b) => byNumber.compare(a, b)).join(' / ');
}
