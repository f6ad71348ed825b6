import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kustody } from '../support/kustody-command.ts';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

describe.skipIf(!portalCanBeSeen)('the query page, beside the query itself', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/query');
    page = portal.page;
    const { kustody: k } = portal;
    await k.query('.create table Log (Text: string, Bag: dynamic)');
    await k.query('.create function Newest (wanted: long) { Log | take wanted }');
    await k.query('.create materialized-view Counted on table Log { Log | summarize count() by Text }');
    await page.locator('.monaco-editor textarea').waitFor();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('treeitem', { name: /^Functions/ }).waitFor();
  });
  afterAll(() => portal.close());

  async function write(text: string): Promise<void> {
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(text);
    for (const key of ['Escape', 'Home', 'End']) await page.keyboard.press(key);
  }
  const written = (): Promise<string> =>
    page.evaluate(`[...document.querySelectorAll('.view-line')].map((one) => one.textContent.replaceAll('\\u00a0', ' ')).join('|')`); // prettier-ignore

  it('the explorer has functions, materialized views and policies, and writes what uses them', async () => {
    await write('');
    await page.getByRole('treeitem', { name: /^Functions \(1\)/ }).click();
    await page.getByRole('treeitem', { name: 'Newest' }).click();
    await expect.poll(written).toBe('Newest()');
    await write('');
    await page.getByRole('treeitem', { name: /^Policies/ }).click();
    await page.getByRole('button', { name: '.show policy retention', exact: true }).click();
    await expect.poll(written).toBe('.show database db policy retention');
    await write('');
    await page.getByRole('treeitem', { name: /^Materialized views \(1\)/ }).click();
    await page.getByRole('treeitem', { name: 'Counted' }).click();
    await page.getByRole('treeitem', { name: 'take 100' }).first().click();
    await expect.poll(written).toBe('Counted|| take 100');
  });

  it('runs what is selected, and nothing beside it', async () => {
    await write('print selected = 1\n| extend beside = 2');
    for (const key of ['ArrowUp', 'Home', 'Shift+End', 'Shift+Enter']) await page.keyboard.press(key);
    await page.locator('[role=columnheader]:has-text("selected")').waitFor();
    expect(await page.locator('section[aria-label=Result] [role=gridcell]').allInnerTexts()).toEqual(['1']);
  });

  it('lays a cell of JSON out', async () => {
    await write('print Bag = dynamic({"exact": 9007199254740993, "list": [1, {"deep": null}]})');
    await page.keyboard.press('Shift+Enter');
    await page.locator('[role=columnheader]:has-text("Bag")').waitFor();
    await page.locator('[role=grid]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('[role=dialog] pre').waitFor();
    const shown = await page.locator('[role=dialog] pre').innerText();
    expect(shown.split('\n').length).toBeGreaterThan(4);
    expect(shown).toContain('"exact": 9007199254740993');
    await page.keyboard.press('Escape');
  });

  it('is shared as a link that fills a tab, and as a line of kustody query that any shell runs', async () => {
    const text = `print Told = "it's $HOME \`date\` & \\\\ 4711"`;
    await write(text);
    await page.evaluate('void (navigator.clipboard.writeText = (copied) => { window.copied = copied; return Promise.resolve(); })'); // prettier-ignore
    const copy = async (item: string): Promise<string> => {
      await page.evaluate('delete window.copied');
      await page.getByRole('button', { name: 'Share' }).click();
      await page.getByRole('menuitem', { name: item }).click();
      await expect.poll(() => page.evaluate('window.copied')).toBeTypeOf('string');
      return page.evaluate<string>('window.copied');
    };
    const line = await copy('Copy as kustody query');
    expect(line).toMatch(/^kustody query --cluster https:\S+ --database db /);
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${line}`], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .slice(1);
    expect(words.at(-1)).toBe(text);
    const environment = Object.entries(await portal.kustody.environment()).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    );
    const answer = await kustody(
      [...words, '--format', 'csv'],
      Object.fromEntries(environment) as Record<string, string>,
    );
    expect(answer.stdout).toContain("it's $HOME `date` & \\ 4711");
    const link = new URL(await copy('Copy as link'));
    expect(link.origin).toBe(new URL(portal.origin).origin);
    expect(link.search).toBe('');
    const [, query] = /^#\/query\?(.*)$/.exec(link.hash) ?? [];
    const host = /--cluster '?https:\/\/([^\s']+)/.exec(line)?.[1];
    expect(host).toMatch(/^kustody\..*\.kusto\.windows\.net$/);
    expect(Object.fromEntries(new URLSearchParams(query))).toEqual({ cluster: host, database: 'db', text });
    await page.goto('about:blank');
    await page.goto(link.href);
    await page.locator('.view-line:has-text("4711")').waitFor();
    expect(await written()).toBe(text);
    expect(await page.locator('[role=grid]').count()).toBe(0);
  });
});
