import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { Page, Route } from '../support/portal-browser.ts';
import { openBrowser, portalCanBeSeen } from '../support/portal-browser.ts';
import { portsApart } from '../support/ports-apart.ts';

describe.skipIf(!portalCanBeSeen)('the portal, when its server dies', () => {
  const data = temporaryDirectory();
  let server: StartedCommand;
  let browser: Awaited<ReturnType<typeof openBrowser>>;
  let page: Page;

  const start = async (...options: readonly string[]): Promise<void> => {
    server = startKustody(['up', '--data', data.path, '--seed', '--log-level', 'silent', ...options]);
    await server.printed('Stop with');
  };
  /** The link that the command prints. */
  const link = async (): Promise<string> =>
    (await kustody(['open', '--data', data.path, '--no-browser'])).stdout.split('\n')[0] ?? '';
  const gone = () => page.locator('[role=alert]:has-text("Kustody does not answer")');
  const run = async (text: string): Promise<void> => {
    await page.locator('.monaco-editor textarea').first().focus(); // a late list of completions may lie anywhere
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Shift+Enter');
  };

  beforeAll(async () => {
    // Kept, and given to nobody else while it is dead.
    const [port, , proxyPort] = await portsApart();
    [browser] = await Promise.all([openBrowser(), start('--port', `${port}`, '--proxy-port', `${proxyPort}`)]);
    page = browser.page;
    await page.goto(await link());
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });
  afterAll(async () => {
    await browser.close();
    server.process.kill('SIGKILL');
    await server.result;
    data[Symbol.dispose]();
  });

  it('offers to load the language service again, when its script did not come', async () => {
    const absent = page.locator('[role=group]:has-text("A part of the editor did not come")');
    await page.route('**/kusto-worker-*', (route: Route) => route.abort(), { times: 1 });
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await page.getByRole('button', { name: 'Load it again' }).waitFor();
    expect(await absent.count()).toBe(1);
    await run('print Nothing1');
    await page.getByRole('button', { name: 'Load it again' }).click();
    await absent.waitFor({ state: 'hidden' });
    await page.locator('.monaco-editor .squiggly-error').first().waitFor(); // the language service marks it
  });

  it('says so, keeps what it has, and goes on by a new link at the same address', async () => {
    await run('print before = 4712');
    await page.locator('[role=gridcell]:has-text("4712")').waitFor();
    const address = new URL(await page.evaluate<string>('location.href')).origin;
    server.process.kill('SIGKILL');
    await server.result;
    await page.getByRole('button', { name: 'Refresh' }).click();
    await gone().first().waitFor();
    expect(await page.locator('[role=gridcell]').allInnerTexts()).toEqual(['4712']);
    await run('print meanwhile = 4713');
    await page.locator('section[aria-label=Result] [role=alert]:has-text("NoAnswer")').waitFor();
    // On a page that does not fill the screen, too, it is a line.
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect((await gone().first().boundingBox())?.height).toBeLessThan(60);
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await start();
    // Sessions are in the memory of the process that ended: the page asks for a link, and no other program gets in by the old cookie.
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('heading', { name: 'Open it with a link' }).waitFor();
    expect(await gone().count()).toBe(0);
    const fresh = await link();
    expect(new URL(fresh).origin).toBe(address);
    await page.goto(fresh);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('link', { name: 'Query', exact: true }).click();
    await run('print after = 4714');
    await page.locator('[role=gridcell]:has-text("4714")').waitFor();
  });

  it('has broken no rule of the policy', () => {
    expect(browser.complaints.filter((one) => /Content Security Policy/i.test(one))).toEqual([]);
  });
});
