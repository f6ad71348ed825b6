import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBrowser, portalCanBeSeen } from '../support/portal-browser.ts';
import { difference, imageTools } from '../support/pictures.ts';

type Color = readonly [number, number, number];

describe.skipIf(!portalCanBeSeen)('the comparison of pictures of the portal', () => {
  const expected = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'portal-overview.png'));

  /** The picture with other pixels. @param change the color at a place, of the picture as it was */
  function changed(change: (x: number, y: number, at: (x: number, y: number) => Color) => Color): Buffer {
    const { png } = imageTools();
    const image = png.read(expected);
    const before = Buffer.from(image.data);
    const at = (x: number, y: number): Color => {
      const start = (Math.max(0, y) * image.width + Math.min(Math.max(0, x), image.width - 1)) * 4;
      return [before[start] ?? 0, before[start + 1] ?? 0, before[start + 2] ?? 0];
    };
    for (let y = 0; y < image.height; y += 1)
      for (let x = 0; x < image.width; x += 1) image.data.set(change(x, y, at), (y * image.width + x) * 4);
    return png.write(image);
  }
  const differs = (picture: Buffer): boolean => difference(picture, expected) !== null;

  it('passes what is the same, and glyphs whose edges are drawn with a little more of what is beside them', () => {
    expect(differs(expected)).toBe(false);
    const mixed = changed((x, y, at) => {
      const [left, here] = [at(x - 1, y), at(x, y)];
      const mix = (channel: 0 | 1 | 2): number => Math.round(0.7 * here[channel] + 0.3 * left[channel]);
      return [mix(0), mix(1), mix(2)];
    });
    expect(mixed.equals(expected)).toBe(false);
    expect(differs(mixed)).toBe(false);
  });

  it.each<[string, (x: number, y: number, at: (x: number, y: number) => Color) => Color]>([
    ['a card that is not there', (x, y, at) => (x > 580 && y > 418 ? [250, 250, 250] : at(x, y))],
    [
      'a row of buttons that is not there',
      (x, y, at) => (x > 600 && x < 900 && y > 500 && y < 565 ? [255, 255, 255] : at(x, y)),
    ],
    ['states in another color', (x, y, at) => (at(x, y).join() === '16,124,16' ? [197, 15, 31] : at(x, y))],
    ['all that is below the heading 4 px lower', (x, y, at) => at(x, y > 104 ? y - 4 : y)],
    ['one card 4 px to the right', (x, y, at) => at(x > 580 && y > 418 ? x - 4 : x, y)],
  ])('finds %s', (_, change) => {
    expect(differs(changed(change))).toBe(true);
  });

  it('is of a browser whose language, time, screen and motion are the same on every machine', async () => {
    const seen = `[Intl.DateTimeFormat().resolvedOptions().timeZone, navigator.language, devicePixelRatio,
      new Date(0).getHours(), (1234.5).toLocaleString(), matchMedia('(prefers-reduced-motion: reduce)').matches,
      matchMedia('(prefers-color-scheme: dark)').matches, matchMedia('(forced-colors: active)').matches]`;
    const elsewhere = { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'tr', GTK_THEME: 'Adwaita:dark' }; // prettier-ignore
    for (const environment of [{}, elsewhere]) {
      const browser = await openBrowser(undefined, environment);
      try {
        expect(await browser.page.evaluate(seen)).toEqual(['UTC', 'en-US', 1, 0, '1,234.5', true, false, false]);
      } finally {
        await browser.close();
      }
    }
  });
});
