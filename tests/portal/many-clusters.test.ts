import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page, Route } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

const many = 500;

/** An answer of the server, of which playwright gives more than these types say. */
interface Read {
  json(): Promise<{ readonly clusters: readonly Readonly<Record<string, unknown>>[] }>;
}

interface ReadPage {
  json(): Promise<unknown>;
}

describe.skipIf(!portalCanBeSeen)('the portal of an instance with five hundred clusters', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;
  /** What was asked for clusters since it was last emptied. */
  const asked: string[] = [];
  let isEnding = false;

  beforeAll(async () => {
    portal = await openPortal('/errors');
    page = portal.page;
    /** The instance's own cluster, told of five hundred times; the last one is without its key. */
    const fivehundredfold = async (route: Route): Promise<void> => {
      asked.push(new URL(route.request().url()).search);
      const response = await route.fetch();
      const [cluster = {}] = (await (response as Read).json()).clusters;
      const clusters = Array.from({ length: many }, (_, n) => ({
        ...{ ...cluster, clusterId: `${String(cluster['clusterId'])}-${String(n)}`, name: `many${String(n)}` },
        ...(n < many - 1 ? {} : { suspension: { since: '2026-01-01T00:00:00Z', reason: 'The key is disabled.' } }),
      }));
      await route.fulfill({ response, json: { clusters } });
    };
    // The page asks on until the browser goes, and takes the request with it that is under way then.
    await page.route('**/clusters?*', (route) =>
      fivehundredfold(route).catch((error: unknown) => {
        if (!isEnding) throw error;
      }),
    );
  });
  afterAll(() => {
    isEnding = true;
    return portal.close();
  });

  const nodes = (): Promise<number> => page.evaluate(`document.querySelectorAll('main *').length`);
  const open = (name: string): Promise<void> => page.getByRole('link', { name, exact: true }).first().click();

  it('the overview shows those that need somebody first, finds others by name, and wakes none', async () => {
    await open('Overview');
    await page.locator('section[aria-label="Cluster many499"]').waitFor();
    const sections = page.locator('section[aria-label^="Cluster many"]');
    expect(await nodes()).toBeLessThan(3_000);
    expect(await sections.count()).toBe(24);
    expect(await sections.first().getAttribute('aria-label')).toBe('Cluster many499');
    expect(await portal.violations()).toEqual([]);
    await page.getByLabel(`Find one of ${String(many)} clusters by name`).fill('MANY123');
    await page.locator('[role=status]:has-text("1 found")').waitFor();
    expect(await sections.count()).toBe(1);
    await page.locator('section[aria-label="Cluster many123"] ol [data-state=unknown]:has-text("not counted")').waitFor(); // prettier-ignore
    // A page that is shown asks again and again; never for what is in the clusters.
    expect(new Set(asked)).toEqual(new Set(['?contents=false']));
  });

  it('the keys page links to few of them, the one looked at among these, and finds others by name', async () => {
    await page.evaluate(`void (location.hash = '/keys/many321')`);
    await page.getByRole('heading', { name: 'Keys of many321' }).waitFor();
    const links = page.locator('nav[aria-label=Clusters] a');
    await links.first().waitFor();
    expect(await links.count()).toBe(25);
    expect(await page.locator('nav[aria-label=Clusters] a[aria-current=true]').allInnerTexts()).toEqual(['many321']);
    expect(await page.locator('li:text-is("and 450 more")').count()).toBe(1);
    expect(await nodes()).toBeLessThan(3_000);
    expect(await portal.violations()).toEqual([]);
    await page.getByLabel(`Find one of ${String(many)} clusters by name`).fill('many77');
    await page.locator('nav[aria-label=Clusters] a:text-is("many77")').click();
    await page.getByRole('heading', { name: 'Keys of many77' }).waitFor();
    expect(new Set(asked)).toEqual(new Set(['?contents=false']));
  });

  it('the proof page shows few of them, finds others by name, and looks into all only when asked', async () => {
    await open('Proof');
    const custody = page.locator('[data-testid=custody]');
    await custody.first().waitFor();
    expect(await custody.count()).toBe(24);
    expect(await custody.first().innerText()).toContain('many499');
    expect(await page.locator('text=There is no extent to show.').count()).toBe(0);
    expect(await nodes()).toBeLessThan(3_000);
    expect(await portal.violations()).toEqual([]);
    await page.getByLabel(`Find one of ${String(many)} clusters by name`).fill('many42');
    await page.locator('[role=status]:has-text("11 found")').waitFor();
    expect(await custody.count()).toBe(11);
    expect(new Set(asked)).toEqual(new Set(['?contents=false']));
    await page.getByRole('button', { name: `List what all ${String(many)} hold` }).click();
    await page.locator('text=There is no extent to show.').waitFor();
    expect(asked.filter((search) => search === '?contents=true')).toHaveLength(1);
    expect(await portal.violations()).toEqual([]);
  });

  it('the administration page shows few of them, finds others by name, and asks again only when told to', async () => {
    let lists = 0;
    await page.route('**/Microsoft.Kusto/clusters?*', async (route) => {
      lists += 1;
      const response = await route.fetch();
      const { value } = (await (response as ReadPage).json()) as { value: readonly { id: string; name: string }[] };
      const [cluster = { id: '', name: '' }] = value;
      const named = (n: number) => ({ ...cluster, id: `${cluster.id}${String(n)}`, name: `many${String(n)}` });
      await route.fulfill({ response, json: { value: Array.from({ length: many }, (_, n) => named(n)) } });
    });
    await open('Administration');
    const things = page.locator('[data-testid=thing]');
    await things.first().waitFor();
    expect(await things.count()).toBe(24);
    expect(await nodes()).toBeLessThan(3_000);
    expect(await portal.violations()).toEqual([]);
    await page.getByLabel(`Find one of ${String(many)} clusters by name`).fill('MANY123');
    await page.locator('[role=status]:has-text("1 found")').waitFor();
    expect(await things.count()).toBe(1);
    const before = lists;
    await page.getByRole('button', { name: 'Look again' }).click();
    await expect.poll(() => lists).toBe(before + 1);
    await page.getByRole('button', { name: 'What can be done to many123' }).click();
    await page.getByRole('menuitem', { name: 'Change the size …' }).waitFor();
  });
});
