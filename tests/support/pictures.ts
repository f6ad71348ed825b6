import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { Page } from './portal-browser.ts';
import { playwright } from './portal-browser.ts';

const root = resolve(import.meta.dirname, '..', '..');

/** Pictures are compared at a quarter of their width and height, each pixel the mean of 4 × 4: how a glyph's edges are drawn, which differs
 * from one build of Chromium or FreeType to the next, comes out as nearly the same grey, while a panel, a color or a place does not. */
const reduction = 4;
/** Of those pixels, the share that may differ by more than `threshold` of the distance from black to white (pixelmatch, in YIQ): 38 of
 * 38,400, which is some digits that are others in each run, or one small button without a fill. A card or a row of buttons that is absent, another
 * color of the states, or 4 px of shift are more (pictures.test.ts). */
const tolerance = { threshold: 0.07, maxDiffPixelRatio: 0.001 };

const viewport = { width: 960, height: 640 };

interface Image {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

/** Of playwright-core, which brings pixelmatch and a codec of PNG. */
export const imageTools = () => {
  const load = createRequire(import.meta.url);
  const { utils } = load(join(playwright, 'lib', 'coreBundle.js')) as {
    utils: {
      getComparator(
        type: 'image/png',
      ): (actual: Buffer, expected: Buffer, options: object) => { errorMessage: string; diff?: Buffer } | null;
    };
  };
  const { PNG } = load(join(playwright, 'lib', 'utilsBundle.js')) as {
    PNG: { sync: { read(png: Buffer): Image; write(image: Image): Buffer } };
  };
  return { compare: utils.getComparator('image/png'), png: PNG.sync };
};

/** Holds a page, light and dark, to its expected pictures: those that docs/portal-tour.md shows, and the others of tests/portal/pictures.
 * With KUSTODY_WRITE_DOCS=1 they are written instead. What differs from one instance to the next (ids, times, durations) is written as
 * one and the same while the picture is taken.
 * @param top selector of what it begins with
 * @throws when it differs: the message says where the picture and the difference lie */
export async function holdPictures(page: Page, name: string, top = 'body'): Promise<void> {
  await page.setViewportSize(viewport);
  try {
    for (const scheme of ['dark', 'light'] as const) {
      await page.getByRole('button', { name: /^Use (?:dark|light) colors/ }).waitFor();
      const other = page.locator(`button[aria-label="Use ${scheme} colors"]`);
      if ((await other.count()) > 0) await other.click();
      await page.locator(`button[aria-label="Use ${scheme === 'light' ? 'dark' : 'light'} colors"]`).waitFor();
      await holdPicture({ page, top }, scheme === 'light' ? name : `${name}-dark`);
    }
  } finally {
    await page.setViewportSize({ width: 1400, height: 900 });
  }
}

interface Shown {
  readonly page: Page;
  /** A selector. */
  readonly top: string;
}

async function holdPicture(shown: Shown, name: string): Promise<void> {
  const file = pathOf(name);
  if (process.env['KUSTODY_WRITE_DOCS'] === '1') {
    writeFileSync(file, await settled(shown));
    return;
  }
  if (!existsSync(file)) throw new Error(`${file} is not there: KUSTODY_WRITE_DOCS=1 writes it.`);
  const expected = readFileSync(file);
  let actual: Buffer = Buffer.alloc(0);
  let found: ReturnType<typeof difference> = null;
  const look = async (): Promise<string> => {
    actual = await take(shown);
    found = difference(actual, expected);
    return found?.errorMessage ?? '';
  };
  await expect
    .poll(look)
    .toBe('')
    .catch((error: unknown) => {
      throw new Error(`${basename(file)}: ${found?.errorMessage ?? String(error)} ${keep(name, actual, found?.diff)}`);
    });
}

/** What differs beyond the tolerance; null: nothing. */
export function difference(actual: Buffer, expected: Buffer) {
  const { compare, png } = imageTools();
  const reduced = (picture: Buffer): Buffer => png.write(reduce(png.read(picture)));
  return compare(reduced(actual), reduced(expected), tolerance);
}

function reduce({ width, height, data }: Image): Image {
  const small = { width: Math.floor(width / reduction), height: Math.floor(height / reduction) };
  const means = Buffer.alloc(small.width * small.height * 4);
  for (let at = 0; at < means.length; at += 1) {
    const [pixel, channel] = [Math.floor(at / 4), at % 4];
    const [x, y] = [(pixel % small.width) * reduction, Math.floor(pixel / small.width) * reduction];
    let sum = 0;
    for (let row = y; row < y + reduction; row += 1)
      for (let column = x; column < x + reduction; column += 1) sum += data[(row * width + column) * 4 + channel] ?? 0;
    means[at] = Math.round(sum / reduction ** 2);
  }
  return { ...small, data: means };
}

const tour = readFileSync(join(root, 'docs', 'portal-tour.md'), 'utf8');
const pathOf = (name: string): string =>
  tour.includes(`(portal-${name}.png)`)
    ? join(root, 'docs', `portal-${name}.png`)
    : join(root, 'tests', 'portal', 'pictures', `${name}.png`);

function keep(name: string, actual: Buffer, diff: Buffer | undefined): string {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-pictures-'));
  writeFileSync(join(directory, `${name}.png`), actual);
  if (diff !== undefined) writeFileSync(join(directory, `${name}-difference.png`), diff);
  return `The picture and the difference are in ${directory}; KUSTODY_WRITE_DOCS=1 takes it as the expected one.`;
}

/** The page once it looks the same three times. */
async function settled(shown: Shown): Promise<Buffer> {
  const taken: Buffer[] = [];
  await expect
    .poll(async () => {
      taken.unshift(await take(shown));
      const [first, ...before] = taken.slice(0, 3);
      return before.length === 2 && before.every((one) => first?.equals(one));
    })
    .toBe(true);
  return taken[0] ?? Buffer.alloc(0);
}

/** The page from the element `top` on, with what is its own written as anybody's; its texts are its own again afterwards. */
async function take({ page, top }: Shown): Promise<Buffer> {
  await page.evaluate(disguise(top));
  await page.mouse.move(0, 0);
  const picture = await page.screenshot({ animations: 'disabled', caret: 'hide' });
  await page.evaluate(`globalThis.undisguise()`);
  return picture;
}

/** Texts of the page that are different in each instance, the first rule first. */
const rules: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '5f2d8c1e-4b7a-4c3d-9e6f-1a2b3c4d5e6f'],
  [/\b[0-9a-f]{64}\b/g, '7f4507d6ff62920fb04589b364272ea57f4507d6ff62920fb04589b364272ea5'],
  [/\b[0-9a-f]{32}\b/g, '7f4507d6ff62920fb04589b364272ea5'],
  [
    /\b[0-9a-f]{6} {2}(?:[0-9a-f]{2} ){15}[0-9a-f]{2} {2}.*/g,
    "000000  7f 45 07 d6 ff 62 92 0f b0 45 89 b3 64 27 2e a5  .E...b...E..d'..",
  ],
  [/\b(rehearse-?)[0-9a-f]{6}/g, '$1c9d577'],
  [/(?<!api-version=)\b20\d\d-\d\d-\d\d/g, '2026-01-02'],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?/g, '03:04:05'],
  [/localhost:\d+/g, 'localhost:443'],
  [/^\d+\.\d$/g, '1.5'],
  [/\b[\d,.]+(?= (?:ms|s|seconds)\b)/g, '2'],
  [/\b[\d,.]+(?= (?:bytes|[kM]?B|files|requests)\b)/g, '12'],
];

const disguise = (top: string): string => `(() => {
  const rules = [${rules.map(([from, to]) => `[${String(from)}, ${JSON.stringify(to)}]`).join(', ')}];
  const changed = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest('.monaco-editor')) continue;
    const own = node.nodeValue;
    // A number and its unit are often two nodes.
    const unit = /^\\d+$/.test(own) && node.nextSibling?.nodeType === Node.TEXT_NODE ? node.nextSibling.nodeValue : '';
    const both = rules.reduce((text, [from, to]) => text.replace(from, to), own + unit);
    const anybodys = both.slice(0, both.endsWith(unit) ? both.length - unit.length : both.indexOf(' '));
    if (anybodys === own) continue;
    node.nodeValue = anybodys;
    changed.push({ node, own, anybodys });
  }
  document.activeElement?.blur();
  document.querySelector(${JSON.stringify(top)}).scrollIntoView();
  globalThis.undisguise = () => changed.forEach(({ node, own, anybodys }) => {
    if (node.nodeValue === anybodys) node.nodeValue = own;
  });
})()`;
