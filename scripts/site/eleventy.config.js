// The pages of docs/ and those beside it, as a small static site in site/: `npm run docs`. Every page keeps its place, with .html for .md, so that the
// site can be read from a folder, too.
import { IdAttributePlugin } from '@11ty/eleventy';
import { readdirSync } from 'node:fs';

/** In the order of the list beside each page. What is not named here stands at its end. */
const groups = {
  Start: [
    'README',
    'docs/tutorial',
    'docs/article',
    'docs/clients',
    'docs/testing',
    'docs/seeding',
    'docs/install',
    'docs/containers',
  ],
  Tasks: [
    'docs/howto-rotation',
    'docs/howto-revocation',
    'docs/howto-audit',
    'docs/howto-ci',
    'docs/howto-seed',
    'docs/troubleshooting',
  ],
  Topics: [
    'docs/portal',
    'docs/portal-tour',
    'docs/data',
    'docs/cmk',
    'docs/promote',
    'docs/database-keys',
    'docs/protection',
    'docs/outside-vaults',
    'docs/platforms',
    'docs/glossary',
  ],
  Reference: [
    'docs/cli',
    'docs/commands',
    'docs/kql',
    'docs/operations',
    'docs/errors',
    'docs/environment',
    'docs/kustody-yaml',
  ],
  'About it': ['ARCHITECTURE', 'CHANGELOG', 'CONTRIBUTING'],
};
const pages = Object.values(groups).flat();

export default function configure(eleventy) {
  const known = new Set(pages.map((page) => `${page}.md`));
  for (const entry of readdirSync('.', { withFileTypes: true })) {
    if (entry.isDirectory() && entry.name !== 'docs') eleventy.ignores.add(`${entry.name}/**`);
    else if (entry.name.endsWith('.md') && !known.has(entry.name)) eleventy.ignores.add(entry.name);
  }
  eleventy.addPlugin(IdAttributePlugin);
  eleventy.addGlobalData('layout', 'page.njk');
  eleventy.addGlobalData(
    'permalink',
    () =>
      ({ page }) =>
        htmlPath(page.filePathStem.slice(1)),
  );
  eleventy.addGlobalData('eleventyComputed', {
    title: ({ page }) => titleOf(page.rawInput),
    groups: ({ collections }) => listed(collections.all ?? []),
    root: ({ page }) => (page.filePathStem.startsWith('/docs/') ? '../' : './'),
  });
  eleventy.addPassthroughCopy({ 'scripts/site/style.css': 'style.css' });
  for (const files of ['docs/*.png', 'docs/*.json']) eleventy.addPassthroughCopy(files);
  eleventy.amendLibrary('md', (markdown) => {
    markdown.set({ html: false, linkify: false });
    markdown.core.ruler.push('pages', ({ tokens }) => tokens.forEach(leadToPages));
  });
}

export const config = {
  dir: { input: '.', includes: 'scripts/site', output: 'site' },
  templateFormats: ['md'],
  // Braces in the pages are their own.
  markdownTemplateEngine: false,
};

const htmlPath = (stem) => `${stem === 'README' ? 'index' : stem}.html`;

const titleOf = (text = '') => /^# (.+)$/m.exec(text)?.[1].replaceAll('`', '') ?? 'Kustody';

function listed(all) {
  const byStem = new Map(all.map((page) => [page.filePathStem.slice(1), page]));
  const others = [...byStem.keys()].filter((stem) => !pages.includes(stem)).toSorted();
  return Object.entries({ ...groups, Others: others })
    .map(([name, stems]) => ({
      name,
      pages: stems
        .filter((stem) => byStem.has(stem))
        .map((stem) => ({ href: htmlPath(stem), title: titleOf(byStem.get(stem).page.rawInput) })),
    }))
    .filter((group) => group.pages.length > 0);
}

/** `../README.md#use` → `../index.html#use`. */
function leadToPages(token) {
  for (const child of token.children ?? []) leadToPages(child);
  const href = token.type === 'link_open' ? token.attrGet('href') : null;
  if (href === null || /^[a-z]+:/.test(href)) return;
  token.attrSet('href', href.replace(/(^|\/)README\.md(?=#|$)/, '$1index.html').replace(/\.md(?=#|$)/, '.html'));
}
