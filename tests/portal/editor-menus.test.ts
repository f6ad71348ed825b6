import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

describe.skipIf(!portalCanBeSeen)('the menu and the commands of the query editor', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/query');
    page = portal.page;
    await page.locator('.monaco-editor textarea').waitFor();
  });
  afterAll(() => portal.close());

  const palette = () => page.locator('.quick-input-widget .monaco-list-row');
  const menu = () => page.locator('.monaco-menu [role=menu]');
  /** What is chosen in the palette, as it is heard. */
  const heard = (): Promise<string | null> => page.locator('.quick-input-widget .monaco-list-row.focused').getAttribute('aria-label'); // prettier-ignore
  const closed = async (widget: string): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.locator(widget).first().waitFor({ state: 'hidden' });
  };

  async function write(text: string): Promise<void> {
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    // Escape closes a list of completions that is there, a step of the cursor forgets one that is asked for and would come late.
    for (const key of ['Escape', 'Home', 'End']) await page.keyboard.press(key);
  }

  /** Asks for a new name until it is asked for one: the language service may not have read the text yet. */
  async function renames(): Promise<void> {
    const input = page.locator('.rename-input');
    for (let timeout = 500; timeout < 20_000; timeout *= 1.5) {
      await page.keyboard.press('F2');
      const asked = await input.waitFor({ timeout }).then(
        () => true,
        () => false,
      );
      if (asked) return;
    }
    expect.fail('No new name is asked for.');
  }

  it.each(['light', 'dark'])(
    'breaks no rule of accessibility while either is open, in the %s',
    { timeout: 240_000 },
    async (scheme) => {
      if (scheme === 'dark') await page.getByRole('button', { name: 'Use dark colors' }).click();
      const sound = async (what: string) => expect(await portal.violations(), `${scheme}, ${what}`).toEqual([]);
      await write('let aa = 1;\nprint aa');
      // From then on the language service is there, and what it can do is in the menu.
      await renames();
      await sound('a new name');
      await closed('.rename-box');
      await page.keyboard.press('F1');
      await palette().nth(3).waitFor();
      await sound('the palette');
      await page.keyboard.insertText('trim');
      await expect.poll(heard, { timeout: 20_000 }).toMatch(/^Trim Trailing Whitespace, Ctrl\+K Ctrl\+X/);
      await page.locator('.quick-input-widget .monaco-list-row.focused .highlight').waitFor();
      await sound('a command that was looked for');
      await page.keyboard.press('Enter');
      await page.locator('.quick-input-widget').waitFor({ state: 'hidden' });
      // What was run is on top now, under a name of its own.
      await page.keyboard.press('F1');
      await expect.poll(heard, { timeout: 20_000 }).toBe('Trim Trailing Whitespace, Ctrl+K Ctrl+X, recently used');
      await sound('the palette with a command that was run');
      await closed('.quick-input-widget');

      await page.keyboard.press('Shift+F10');
      await menu().waitFor();
      await sound('the menu');
      for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      await menu().nth(1).waitFor();
      await sound('the menu within it');
      await page.keyboard.press('Escape');
      await menu().nth(1).waitFor({ state: 'hidden' });
      await closed('.monaco-menu');
      await sound('all closed');
    },
  );

  it('runs what was chosen in the menu by the keyboard', async () => {
    await write('print Answer = 42');
    await page.keyboard.press('Shift+F10');
    await menu().waitFor();
    await page.locator('.monaco-menu [role=menuitem]:has-text("Run the selection")').waitFor();
    await page.keyboard.press('Home');
    await page.keyboard.press('Enter');
    await page.locator('[role=gridcell]:has-text("42")').waitFor();
  });
});
