import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

interface Box {
  readonly top: number;
  readonly height: number;
}

describe.skipIf(!portalCanBeSeen)('what pages of the portal show', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/administration');
    page = portal.page;
    await portal.kustody.query('.set-or-append Log <| print Text = "hello-world-4711"');
  });
  afterAll(() => portal.close());

  const open = (address: string): Promise<void> => page.evaluate(`void (location.hash = ${JSON.stringify(address)})`);
  /** Of each element, in the order of the document. */
  const boxes = (selector: string): Promise<readonly Box[]> =>
    page.evaluate(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => one.getBoundingClientRect().toJSON())`,
    );
  /** Of how many lines the text of each element is. */
  const lines = (selector: string): Promise<readonly number[]> =>
    page.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].map((one) => {
      const tops = [];
      const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const range = document.createRange();
        range.selectNode(texts.currentNode);
        tops.push(...[...range.getClientRects()].map(({ top }) => Math.round(top)));
      }
      return new Set(tops).size;
    })`);

  it('the kind of things that is shown is marked for eyes, too', async () => {
    const current = page.locator('nav[aria-label="Kinds of things"] a[aria-current=page]');
    for (const kind of ['Clusters', 'Vaults']) {
      await page.locator(`nav[aria-label="Kinds of things"] a:text-is("${kind}")`).click();
      await page.locator(`nav[aria-label="Kinds of things"] a[aria-current=page]:text-is("${kind}")`).waitFor();
      expect(await current.allInnerTexts()).toEqual([kind]);
      const marked = await page.evaluate(`[...document.querySelectorAll('nav[aria-label="Kinds of things"] a')]
        .filter((one) => parseFloat(getComputedStyle(one).borderBottomWidth) > 1).map(({ textContent }) => textContent)`);
      expect(marked).toEqual([kind]);
    }
    expect(await portal.violations()).toEqual([]);
  });

  it.each([
    ['/administration/nosuch', "There is no kind 'nosuch'.", '[data-testid=thing]'],
    ['/keys/nosuch', "There is no cluster 'nosuch'.", '[data-state], [aria-label^="Versions of"]'],
    ['/nosuch', 'There is no such page', '[data-state]'],
  ])('%s says that it is not there, and shows nothing else in its place', async (address, told, others) => {
    await open(address);
    await page.locator(`main :text-is("${told}")`).waitFor();
    expect(await page.locator('main h1').count()).toBe(1);
    expect(await page.locator(others).count()).toBe(0);
    expect(await portal.violations()).toEqual([]);
  });

  it('a version of a key is in one line, and the links of the chain are of one height', async () => {
    await page.setViewportSize({ width: 1000, height: 900 });
    await open('/keys/kustody');
    await page.locator('[aria-label^="Versions of"] tbody tr').first().waitFor();
    expect(await page.locator('[aria-label^="Versions of"] tbody td').first().innerText()).toMatch(/^[0-9a-f]{32}$/);
    await expect.poll(() => lines('[aria-label^="Versions of"] tbody td:first-child')).toEqual([1]);
    const links = await boxes('ol a[data-state]');
    const row = links.filter(({ top }) => Math.abs(top - (links[0]?.top ?? 0)) < 24);
    expect(row.length).toBeGreaterThan(3);
    expect(new Set(row.map(({ height }) => Math.round(height))).size).toBe(1);
  });

  it('the code of a request that failed is never broken, stands beside its status where there is room, and is whole below', async () => {
    const refused = await page.evaluate<number>(`fetch(
      '/portal/planes/management.azure.com/subscriptions/${portal.kustody.subscriptionId}/resourceGroups/kustody/providers/Microsoft.KeyVault/vaults/no_vault?api-version=2023-07-01',
      { method: 'PUT', body: '{"location": "eastus", "properties": {}}',
        headers: { 'content-type': 'application/json', 'x-kustody-page': localStorage.getItem('kustody.page-token') } },
    ).then(({ status }) => status)`);
    expect(refused).toBe(400);
    await page.setViewportSize({ width: 960, height: 900 });
    await open('/traffic');
    await page.getByLabel('Filter by text').fill('VaultNameNotValid');
    await page.locator('[data-testid=status-word]:text-is("VaultNameNotValid")').first().waitFor();
    const words = '[data-testid=request] [data-testid=status-word]';
    await expect.poll(() => lines(words)).toEqual([1, 1]);
    await page.setViewportSize({ width: 1400, height: 900 });
    await expect.poll(() => lines('[data-testid=request] td:nth-child(4)')).toEqual([1]);
    await page.locator('[data-testid=request] button').first().click();
    await page.locator('td[colspan="5"] :text("VaultNameNotValid")').first().waitFor();
  });

  it('how long a query took stands at the height of the tabs beside it', async () => {
    await page.setViewportSize({ width: 1400, height: 900 });
    await open('/query');
    await page.locator('.monaco-editor textarea').waitFor();
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.insertText('print Answer = 42');
    await page.keyboard.press('Shift+Enter');
    await page.locator('[role=gridcell]:has-text("42")').waitFor();
    const [tabs, badge] = ['[role=tablist][aria-label=Results] [role=tab]', '[data-testid=seconds]'];
    const middles = (await boxes(`${tabs}, ${badge}`)).map(({ top, height }) => top + height / 2);
    expect(middles.length).toBe(3);
    expect(Math.max(...middles) - Math.min(...middles)).toBeLessThan(2);
  });

  it('extents that cannot be listed without their key are not said to be none', async () => {
    await open('/keys/kustody');
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.locator('ol [data-state=bad]').first().waitFor();
    await open('/proof');
    await page.locator('[data-testid=not-listed]').waitFor();
    expect(await page.locator('text=There is no extent to show.').count()).toBe(0);
  });
});
