import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const output = mkdtempSync(join(tmpdir(), 'kustody-site-'));
afterAll(() => rmSync(output, { recursive: true }));

interface Page {
  readonly html: string;
  readonly ids: ReadonlySet<string>;
  readonly links: readonly string[];
}

let pages: ReadonlyMap<string, Page> = new Map();
/** What is beside the pages, which no link goes into. */
let others: ReadonlyMap<string, Pick<Page, 'ids'>> = new Map();

const attributes = (html: string, name: string): readonly string[] =>
  [...html.matchAll(new RegExp(` ${name}="([^"]*)"`, 'g'))].map(([, value = '']) => value.replaceAll('&amp;', '&'));

/** Links of a page that lead nowhere in the site. */
const broken = (path: string, { links }: Page, all: ReadonlyMap<string, { readonly ids: ReadonlySet<string> }>) =>
  links.filter((href) => {
    if (/^[a-z]+:/.test(href)) return false;
    const [file = '', anchor = ''] = href.split('#');
    const target = file === '' ? path : relative('/', resolve('/', dirname(path), file));
    const found = all.get(target);
    return found === undefined || (anchor !== '' && !found.ids.has(decodeURIComponent(anchor)));
  });

describe('npm run docs', () => {
  beforeAll(() => {
    const { status, stderr } = spawnSync('npm', ['run', '--silent', 'docs', '--', '--quiet', `--output=${output}`], {
      cwd: root,
    });
    expect(status, stderr.toString()).toBe(0);
    const files = readdirSync(output, { recursive: true, encoding: 'utf8' });
    others = new Map(files.filter((name) => !name.endsWith('.html')).map((name) => [name, { ids: new Set() }]));
    pages = new Map(
      files
        .filter((name) => name.endsWith('.html'))
        .map((name) => {
          const html = readFileSync(join(output, name), 'utf8');
          return [name, { html, ids: new Set(attributes(html, 'id')), links: attributes(html, 'href') }];
        }),
    );
  });

  it('makes a page of each document', () => {
    const names = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
    const documents = names.map((name) => `docs/${name.replace(/\.md$/, '.html')}`);
    const beside = ['index.html', 'ARCHITECTURE.html', 'CHANGELOG.html', 'CONTRIBUTING.html'];
    expect([...pages.keys()].toSorted()).toEqual([...beside, ...documents].toSorted());
  });

  it('has no link that leads nowhere, to a page or to a heading', () => {
    const all = new Map([...pages, ...others]);
    const found = [...pages].flatMap(([path, page]) => broken(path, page, all).map((href) => `${path}: ${href}`));
    expect(found).toEqual([]);
  });

  it('would tell of one', () => {
    const page = {
      html: '',
      ids: new Set(['here']),
      links: ['#here', '#there', '../a.html', 'b.html', 'https://example.org/'],
    };
    const all = new Map<string, { readonly ids: ReadonlySet<string> }>([
      ['docs/x.html', page],
      ['a.html', { ids: new Set<string>() }],
    ]);
    expect(broken('docs/x.html', page, all)).toEqual(['#there', 'b.html']);
  });

  it('is asked for nothing from elsewhere, and lists every page on each', () => {
    for (const [path, { html, links }] of pages) {
      expect(html, path).not.toMatch(/<script|src="http|@import/);
      expect(links.length, path).toBeGreaterThan(pages.size);
      expect(html, path).toMatch(/<title>[^<]+<\/title>/);
    }
  });
});
