import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');
const section = page.slice(page.indexOf('## Who gets what')).split('\n## ')[0] ?? '';
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Who |') && !line.startsWith('|---'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

/** A test file, or a folder of them, named as the table names it: without `src/` or `tests/`, and without `.test.ts`. The folder of the one before
 * may be left out. */
const filesOf = (name: string, folder: string): readonly string[] =>
  ['src', 'tests']
    .flatMap((top) => [join(root, top, name), join(root, top, folder, name)])
    .flatMap((path) => {
      // Parts of a long test file lie beside it, and begin with its name.
      const parts = existsSync(dirname(path))
        ? readdirSync(dirname(path)).filter((file) => file.startsWith(`${basename(path)}-`))
        : [];
      if (existsSync(`${path}.test.ts`)) return [`${path}.test.ts`, ...parts.map((file) => join(dirname(path), file))];
      return existsSync(path) ? readdirSync(path).map((file) => join(path, file)) : [];
    });

describe('the threat table', () => {
  it('has its rows', () => {
    expect(rows.length).toBeGreaterThan(30);
  });

  it.each(rows.map(([, who = '', , shownBy = '']) => [who, shownBy] as const))(
    '%s: is shown by what is there',
    (_, shownBy) => {
      if (shownBy.startsWith('said in ')) return; // a page says that it is not prevented
      const named = [...shownBy.matchAll(/`([a-z0-9/-]+)`(?: (?:"([^"]+)"))?/g)];
      expect(named.length).toBeGreaterThan(0);
      let folder = '';
      for (const [, name = '', title] of named) {
        const files = filesOf(name, folder);
        expect(files, name).not.toEqual([]);
        folder = name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : folder;
        if (title === undefined) continue;
        const wanted = title.replace(/…$/, '');
        expect(
          files.some((file) => readFileSync(file, 'utf8').includes(wanted)),
          `${name}: ${title}`,
        ).toBe(true);
      }
    },
  );
});
