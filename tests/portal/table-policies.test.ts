import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PolicyOwner } from '../../portal/src/query/policies/policy-rows.ts';
import { alterText, policyRows, showText } from '../../portal/src/query/policies/policy-rows.ts';
import type { Page } from '../support/portal-browser.ts';
import { portalCanBeSeen } from '../support/portal-browser.ts';
import type { Portal } from '../support/portal-tests.ts';
import { fits, withPortal } from '../support/portal-tests.ts';

const odd = 'where is-it 4.7';

const owners: readonly PolicyOwner[] = [
  { kind: 'table', name: 'Log', columns: ['odd-one 2', 'Text', 'When'] },
  { kind: 'table', name: odd, columns: ['odd-one 2', 'Text', 'When'] },
  { kind: 'materialized-view', name: 'Counted', columns: ['Text', 'count_'] },
  { kind: 'database', name: 'db', columns: [] },
];

describe.skipIf(!portalCanBeSeen)('policies in the explorer of the query page', () => {
  let portal: Portal;
  let page: Page;

  withPortal('/query', async (opened) => {
    portal = opened;
    ({ page } = opened);
    const { kustody: k } = portal;
    for (const table of ['Log', `["${odd}"]`])
      await k.query(`.create table ${table} (Text: string, ["odd-one 2"]: string, When: datetime)`);
    await k.query('.create materialized-view Counted on table Log { Log | summarize count() by Text }');
    await k.query('.alter database db policy caching hot = 14d');
    await k.query(`.alter table Log policy retention '{"SoftDeletePeriod": "10.00:00:00"}'`);
    await k.query(`.alter materialized-view Counted policy caching hot = 3d`);
    await page.locator('.monaco-editor textarea').waitFor();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('treeitem', { name: /^Materialized views/ }).waitFor();
  });

  const policy = async (text: string): Promise<unknown> => {
    const [row] = await portal.kustody.query(text);
    return JSON.parse(String(row?.['Policy'])) as unknown;
  };
  const shown = (name: string) => page.locator(`[data-testid=policy]:has-text("${name}")`).first();
  const close = async (): Promise<void> => {
    await page.keyboard.press('Escape');
    await page.locator('[role=dialog]').waitFor({ state: 'hidden' });
  };
  const written = (): Promise<string> =>
    page.evaluate(`[...document.querySelectorAll('.view-line')].map((one) => one.textContent.replaceAll('\\u00a0', ' ')).join('|')`); // prettier-ignore
  const stateOf = (name: string) => shown(name).getAttribute('data-state');

  it('are all that the engine shows of tables, views and databases', () => {
    const documented = readFileSync(join(import.meta.dirname, '../../docs/commands.md'), 'utf8');
    for (const [kind, example] of [
      ['table', 'table T'],
      ['materialized-view', 'materialized-view V'],
      ['database', 'database D'],
    ] as const) {
      const wanted = [...documented.matchAll(new RegExp(`^\\| \`\\.show ${example} policy (\\w+)\``, 'gm'))].map(
        ([, name]) => name,
      );
      expect(wanted.length).toBeGreaterThan(4);
      const rows = policyRows.filter(({ of }) => of.includes(kind)).map(({ name }) => name);
      expect(rows.toSorted()).toEqual(wanted.toSorted());
    }
  });

  it('are read when asked for, by the keyboard: own ones, those of the database, and that there is none', async () => {
    const item = page.getByRole('treeitem', { name: /^Log/ });
    await item.focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('treeitem', { name: 'take 100' }).waitFor();
    for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
    await page.getByRole('heading', { name: 'Policies of Log' }).waitFor();
    await shown('retention').waitFor();
    const states = async () => [await stateOf('retention'), await stateOf('caching'), await stateOf('roworder')];
    expect(await states()).toEqual(['set', 'inherited', 'none']);
    for (const [name, where] of [
      ['retention', 'table Log'],
      ['caching', 'database db'],
    ] as const) {
      const text = await page.locator(`[data-testid=policy]:has-text("${name}") pre`).first().innerText();
      expect(text.split('\n').length).toBeGreaterThan(2);
      expect(JSON.parse(text)).toEqual(await policy(`.show ${where} policy ${name}`));
    }
    expect(await page.locator('[data-testid=policy]').count()).toBe(
      policyRows.filter(({ of }) => of.includes('table')).length,
    );
    await fits(portal, 'Policies');
    await close();
    await page.getByRole('button', { name: 'Use dark colors' }).click();
    await item.focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
    await shown('retention').waitFor();
    await fits(portal, 'Policies in the dark');
    await close();
  });

  it('are changed by a command in a tab of its own, which does not run by itself', async () => {
    const { kustody: k } = portal;
    const commands: string[] = [];
    await page.route('**/v1/rest/mgmt', async (route) => {
      commands.push((JSON.parse(route.request().postData() ?? '{}') as { readonly csl: string }).csl);
      await route.fulfill({ response: await route.fetch() });
    });
    await page.getByRole('treeitem', { name: /^Materialized views/ }).click();
    await page.getByRole('treeitem', { name: /^Counted/ }).click();
    await page
      .getByRole('treeitem', { name: /^Policies/ })
      .nth(1)
      .click(); // behind those of the table
    await shown('caching').waitFor();
    expect(await stateOf('caching')).toBe('set');
    expect(await page.locator('[data-testid=policy]').count()).toBe(5);
    await page.getByRole('button', { name: '.alter policy caching in a tab' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('tab', { name: 'Query 2' }).waitFor();
    await page.locator('.view-line:has-text("policy")').waitFor();
    expect(await written()).toBe('.alter materialized-view Counted policy caching hot = time(3.00:00:00)');
    expect(commands.filter((text) => !text.startsWith('.show'))).toEqual([]);
    expect(commands).toContain('.show materialized-view Counted policy caching');
    expect(await page.locator('section[aria-label=Result] [role=grid]').count()).toBe(0);
    await page.locator('.monaco-editor textarea').first().focus();
    await page.keyboard.press('Shift+Enter');
    await page.locator('section[aria-label=Result] [role=grid]').waitFor();
    expect(commands).toContain('.alter materialized-view Counted policy caching hot = time(3.00:00:00)');
    expect(await k.query('.show materialized-view Counted policy caching')).toHaveLength(1);
  });

  it('that are refused say so, and leave the others', async () => {
    await page.route(
      '**/v1/rest/mgmt',
      async (route) => {
        const isMerge = (route.request().postData() ?? '').includes('policy merge');
        return isMerge ? route.abort() : route.fulfill({ response: await route.fetch() });
      },
      { times: 40 },
    );
    await page
      .getByRole('treeitem', { name: /^Policies/ })
      .nth(2)
      .click();
    await shown('retention').waitFor();
    expect(await stateOf('retention')).toBe('set');
    expect(await stateOf('merge')).toBe('failed');
    expect(await shown('merge').innerText()).toContain('NoAnswer');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
  });

  it('are set to what they are, or to an example, by the command that is offered', async () => {
    for (const owner of owners)
      for (const row of policyRows.filter(({ of, unchanged }) => of.includes(owner.kind) && unchanged === undefined)) {
        const before = await policy(showText(owner, row));
        const text = alterText(owner, row, before);
        if (row.name === 'managed_identity') {
          // The cluster has another one, which the example cannot know: the command was read, and its policy too.
          await expect(policy(text)).rejects.toThrow("The managed identity 'system' is not assigned to the cluster.");
          continue;
        }
        expect(await policy(text), text).toMatchObject((before ?? row.example(owner)) as object);
        // Once more from what is set now: nothing of it gets lost.
        const set = await policy(showText(owner, row));
        expect(set, text).not.toBeNull();
        await portal.kustody.query(alterText(owner, row, set));
        expect(await policy(showText(owner, row)), text).toEqual(set);
        if (before === null) await portal.kustody.query(showText(owner, row).replace('.show', '.delete'));
      }
  });
});
