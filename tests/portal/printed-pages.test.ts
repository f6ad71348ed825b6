import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, portalCanBeSeen, violations } from '../support/portal-browser.ts';
import type { Word } from '../support/printed.ts';
import { pdfCanBeRead, printed, withoutBlanks } from '../support/printed.ts';
import { evidencePages } from '../support/evidence-pages.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-printed-'));
let browser: Awaited<ReturnType<typeof openBrowser>>;
const { skipIf } = describe;

skipIf(!portalCanBeSeen || !pdfCanBeRead)('a page of evidence', () => {
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function show(name: string, html: string): Promise<void> {
    const file = join(directory, `${name}.html`);
    writeFileSync(file, html);
    await browser.page.goto(pathToFileURL(file).href);
  }

  it.each(evidencePages)('$name is printed whole: every section and text, none at the edge', async (one) => {
    const { page } = browser;
    await show(one.name, one.html);
    const texts = await page.evaluate<string[]>(
      `[...document.querySelectorAll('h1, h2, h3, p, li, th, td, .chain b')].map((one) => one.textContent)`,
    );
    const headings = await page.evaluate<string[]>(
      `[...document.querySelectorAll('h2')].map((one) => one.textContent)`,
    );
    expect(headings).toEqual(one.sections);
    const { sheets, text } = await printed(page);
    expect(texts.length).toBeGreaterThan(20);
    expect(texts.filter((part) => !text.includes(withoutBlanks(part)))).toEqual([]);
    expect(sheets.length).toBeLessThanOrEqual(one.sheetsMax);
    for (const [at, { width, height, words }] of sheets.entries()) {
      expect(Math.abs(width - (one.landscape ? 842 : 595))).toBeLessThan(2); // A4
      const numbering = words.slice(-3);
      expect(numbering.map((word) => word.text)).toEqual([String(at + 1), '/', String(sheets.length)]);
      const within = (millimetres: number) => {
        const edge = (millimetres / 25.4) * 72;
        return ({ left, top, right, bottom }: Word) =>
          left >= edge && top >= edge && right <= width - edge && bottom <= height - edge;
      };
      // Margins are 12 mm and more; printers leave some 4 mm white.
      expect(words.slice(0, -3).filter((word) => !within(11.5)(word))).toEqual([]);
      expect(numbering.filter((word) => !within(5)(word))).toEqual([]);
      expect(words.length, 'a sheet that is nearly empty').toBeGreaterThan(10);
    }
  });

  it.each(evidencePages)('$name can be read at any width, in both colors', async ({ name, html }) => {
    const { page, complaints } = browser;
    await show(name, html);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [360, 960]) {
        await page.setViewportSize({ width, height: 800 });
        expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(width);
      }
      expect(await violations(page)).toEqual([]);
    }
    expect(complaints).toEqual([]);
  });
});
