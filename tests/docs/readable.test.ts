import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const documents = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
const pages = ['README.md', ...documents.map((name) => `docs/${name}`)];

/** Without tables, whose rows are lines, and blocks of code that come from programs. */
const proseOf = (page: string): string =>
  page
    .replaceAll(/^```(text)?\n.*?^```$/gms, '')
    .split('\n')
    .filter((line) => !line.startsWith('|'))
    .join('\n');

describe('pages for people', () => {
  it.each(pages)('%s has lines of fewer than 100 columns, a title, and ends with a line end', (name) => {
    const page = readFileSync(join(root, name), 'utf8');
    const long = proseOf(page)
      .split('\n')
      .filter((line) => line.length > 99 && /\s\S/.test(line.slice(20)));
    expect(long).toEqual([]);
    expect(page).toMatch(/^# \S/);
    expect(page).toMatch(/[^\n]\n$/);
  });

  it('README.md has fewer than 700 words', () => {
    const words = proseOf(readFileSync(join(root, 'README.md'), 'utf8'))
      .split(/\s+/)
      .filter((word) => /\w/.test(word));
    expect(words.length).toBeLessThan(700);
    expect(words.length).toBeGreaterThan(400);
  });
});
