import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clientRows, clientTable } from './client-versions.ts';

const root = join(import.meta.dirname, '..', '..');
const path = join(root, 'README.md');

describe('the table of clients in README.md', () => {
  it('has the versions that are pinned', () => {
    const page = readFileSync(path, 'utf8');
    const shown = /^\| Client \|[^\n]*\n(?:\|[^\n]*\n)+/m.exec(page)?.[0] ?? '';
    if (process.env['KUSTODY_WRITE_DOCS'] === '1')
      writeFileSync(
        path,
        page.replace(shown, () => `${clientTable()}\n`),
      );
    expect(readFileSync(path, 'utf8')).toContain(`\n\n${clientTable()}\n\n`);
  });

  it('has a row for every folder but that of OpenTofu, which CI does not run (docs/clients.md), and of what checks our OpenAPI, SARIF and manifests', () => {
    const names = readdirSync(join(root, 'tests', 'clients')).filter(
      (name) => !['terraform', 'openapi', 'sarif', 'kubernetes'].includes(name),
    );
    const folders = names.map((name) => `tests/clients/${name}/`);
    for (const folder of folders) expect(clientRows.some(({ pinnedIn }) => pinnedIn.startsWith(folder))).toBe(true);
  });

  it.each([
    ['Go', 'tests/clients/go/go.mod', /require \((.*?)\)/s, /^\t\S*?\/(\w+)(?:\/v\d+)? v/gm, 12],
    ['Java', 'tests/clients/java/pom.xml', /<\/dependencyManagement>(.*)<build>/s, /<artifactId>([\w-]+)</g, 9],
  ])('names all that the programs for %s ask for', (client, file, part, each, count) => {
    const asked = part.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? '';
    const names = [...asked.matchAll(each)].map(([, name]) => name);
    expect(names).toHaveLength(count);
    expect(clientRows.find((row) => row.client === client)?.packages.toSorted()).toEqual(names.toSorted());
  });
});
