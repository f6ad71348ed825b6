import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

describe.skipIf(!portalCanBeSeen)('the list of completions of the query page', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/query');
    page = portal.page;
    await page.locator('.monaco-editor textarea').waitFor();
  });
  afterAll(() => portal.close());

  /** What the list and the field with the cursor name, and the row that is chosen: of each its place. */
  const named = (): Promise<(string | null)[]> =>
    page.evaluate(`[document.querySelector('.suggest-widget [role=listbox]'), document.querySelector('.monaco-editor textarea')]
      .map((one) => document.getElementById(one.getAttribute('aria-activedescendant'))?.dataset.index ?? null)
      .concat(document.querySelector('.suggest-widget .monaco-list-row.focused')?.dataset.index ?? null)`);
  const chosen = async (place: string): Promise<void> => {
    await expect.poll(named, { timeout: 20_000 }).toEqual([place, place, place]);
    // Its line comes when the worker has said what it is.
    await page.locator('.suggest-widget .monaco-list-row.focused .details-label:not(:empty)').waitFor({ state: 'attached' }); // prettier-ignore
  };

  it(
    'breaks no rule of accessibility while it is open, in the light and in the dark, with its lines and without',
    { timeout: 240_000 },
    async () => {
      const input = page.locator('.monaco-editor textarea').first();
      const lines = page.locator('.suggest-widget.visible:not(.shows-details)');
      for (const scheme of ['light', 'dark']) {
        if (scheme === 'dark') await page.getByRole('button', { name: 'Use dark colors' }).click();
        await input.focus();
        await page.keyboard.press('Control+A');
        await page.keyboard.insertText('print a');
        await page.keyboard.press('Control+Space');
        await page.locator('.suggest-widget.visible .monaco-list-row').first().waitFor();
        await chosen('0');
        // A list that is open shows more of the completion, beside it or in its row, as it was last asked to.
        for (const inRows of [true, false]) {
          if ((await lines.count()) > 0 !== inRows) await page.keyboard.press('Control+Space');
          await (inRows ? lines : page.locator('.suggest-widget.visible.shows-details')).first().waitFor();
          for (const place of ['1', '2']) {
            await page.keyboard.press('ArrowDown');
            await chosen(inRows ? place : String(Number(place) + 2));
          }
          expect(await portal.violations(), `${scheme}, lines in rows: ${String(inRows)}`).toEqual([]);
        }
        await page.keyboard.press('Escape');
        await page.locator('.suggest-widget.visible').waitFor({ state: 'hidden' });
        expect(await portal.violations(), `${scheme}, closed`).toEqual([]);
      }
    },
  );

  it('names no row that has scrolled away, and the one that is chosen when it is back', async () => {
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText('print ');
    await page.keyboard.press('Control+Space');
    await page.locator('.suggest-widget.visible .monaco-list-row').first().waitFor();
    await chosen('0');
    const box = await page.locator('.suggest-widget .monaco-list').first().boundingBox();
    await page.mouse.move((box?.x ?? 0) + 40, (box?.y ?? 0) + 40);
    await page.mouse.wheel(0, 3_000);
    await expect.poll(named, { timeout: 20_000 }).toEqual([null, null, null]);
    expect(await portal.violations()).toEqual([]);
    await page.mouse.wheel(0, -3_000);
    await expect.poll(named, { timeout: 20_000 }).toEqual(['0', '0', '0']);
    await page.keyboard.press('Escape');
  });

  it('a search that was closed leaves nothing that the focus could go to', async () => {
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Control+F');
    await page.locator('.find-widget.visible').waitFor();
    expect(await portal.violations()).toEqual([]);
    await page.keyboard.press('Escape');
    await page.locator('.find-widget').waitFor({ state: 'hidden' });
    expect(await portal.violations()).toEqual([]);
  });
});
