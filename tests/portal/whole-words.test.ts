import { describe, expect, it } from 'vitest';
import { actionNames, wayRows } from '../../src/server/drill-matrix.ts';
import type { Page } from '../support/portal-browser.ts';
import { portalCanBeSeen } from '../support/portal-browser.ts';
import type { Portal } from '../support/portal-tests.ts';
import { withPortal } from '../support/portal-tests.ts';

const widths = [360, 960, 1440, 3840];

describe.skipIf(!portalCanBeSeen)('words in the pages of the portal', () => {
  let portal: Portal;
  let page: Page;

  withPortal('/', async (opened) => {
    portal = opened;
    ({ page } = opened);
    await portal.kustody.query('.set-or-append Log <| print Text = "hello-world-4711"');
    const drilled = { state: 'over', run: 1, ok: true, rows: Object.entries(wayRows).map(drilledRow) };
    await page.route('**/drill', (route) => route.fulfill({ json: drilled }));
  });

  const open = async (address: string, shown: string): Promise<void> => {
    await page.evaluate(`void (location.hash = ${JSON.stringify(address)})`);
    await page.locator(shown).first().waitFor();
  };

  it.each<readonly [string, string, string]>([
    ['Overview', '/', 'ol [data-state]'],
    ['Keys', '/keys/kustody', '[aria-label^="Versions of"] tbody tr'],
    ['Traffic', '/traffic', '[data-testid=request]'],
    ['Drill', '/drill', '[data-testid=way]'],
    ['Errors', '/errors', 'main h2'],
    ['Proof', '/proof', '[data-testid=listed-extent]'],
    ...['clusters', 'databases', 'vaults', 'keys', 'identities', 'groups', 'roles'].map(
      (kind) => [`Administration, ${kind}`, `/administration/${kind}`, '[data-testid=thing]'] as const,
    ),
  ])('%s breaks none in two in a table or the chain, and is no wider than the screen', async (_, address, shown) => {
    await open(address, shown);
    if (address === '/proof') {
      await page.getByRole('button', { name: 'Read the audit' }).click();
      await page.locator('[data-testid=told]').first().waitFor();
    }
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      expect(await page.evaluate<string[]>(brokenWords), `${address} at ${String(width)} px`).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    }
  });

  it('are told apart from those that are broken', async () => {
    await page.evaluate(
      `document.querySelector('main td').innerHTML = '<div style="width: 40px; overflow-wrap: anywhere">Administration</div>'`,
    );
    expect(await page.evaluate<string[]>(brokenWords)).toEqual(['Administration']);
  });

  it('the chain goes down on a telephone, all links of one width, and across where there is room', async () => {
    await open('/', 'ol a[data-state]');
    const boxes = (): Promise<readonly { readonly x: number; readonly y: number; readonly width: number }[]> =>
      page.evaluate(`[...document.querySelectorAll('ol a[data-state]')].map((one) => one.getBoundingClientRect().toJSON())`); // prettier-ignore
    await page.setViewportSize({ width: 360, height: 900 });
    const down = await boxes();
    expect(new Set(down.map(({ x, width }) => `${String(x)} ${String(width)}`)).size).toBe(1);
    expect(down[0]?.width).toBeGreaterThan(280);
    expect(new Set(down.map(({ y }) => y)).size).toBe(down.length);
    await page.setViewportSize({ width: 1440, height: 900 });
    expect(new Set((await boxes()).map(({ y }) => y)).size).toBe(1);
    await page.setViewportSize({ width: 360, height: 900 });
    expect(await portal.violations()).toEqual([]);
  });
});

/** A way as it comes out, with the longest names of refusals. */
function drilledRow([way, { title }]: readonly [string, { readonly title: string }]) {
  const refused = { kind: 'refused', status: 503, error: 'ClusterSuspended' };
  const cells = Object.fromEntries(actionNames.map((name) => [name, refused]));
  const rotate = { kind: 'refused', status: 400, error: 'IdentityDoesNotHaveAccessToKeyVault' };
  return {
    ...{ way, title, state: 'ended', problems: ['The cluster went on without its key.'] },
    cells: { taken: { seconds: 3600 }, ...cells, rotate, givenBack: { seconds: 10 } },
  };
}

/** Words of letters alone, in cells of tables and in the chain, that stand on more than one line. Not those that an ellipsis shortens. */
const brokenWords = `[...document.querySelectorAll('main td, main th, main ol a[data-state]')].flatMap((cell) => {
  const broken = [];
  const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    for (const { 0: word, index } of node.nodeValue.matchAll(/(?<=^|[\\s("'])\\p{L}{2,40}(?=$|[\\s)"'.,:;!?])/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) broken.push(word);
    }
  }
  return broken;
})`;
