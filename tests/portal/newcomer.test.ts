import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/base/canonical-json.ts';
import { sha256Hex } from '../../src/base/sha256.ts';
import { documentedCodes } from '../../src/cmk/documented-errors.ts';
import { unlikeRow } from '../support/control-answers.ts';
import { holdPictures } from '../support/pictures.ts';
import type { Page } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

describe.skipIf(!portalCanBeSeen)('a newcomer in the portal', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/');
    page = portal.page;
    await portal.kustody.query('.set-or-append Log <| print Text = "hello-world-4711"');
  });
  afterAll(() => portal.close());

  const chain = () => page.locator('ol [data-state]');
  const states = (state: string) => page.locator(`ol [data-state=${state}]`);
  const probe = (answered: boolean) => page.locator(`[data-testid=probe][data-answered=${String(answered)}]`);
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  /** A call of a plane as the portal's pages make it. @returns its status */
  const inPage = (path: string, method: string, body: unknown) =>
    page.evaluate<number>(
      `fetch('/portal/planes/${path}', { method: '${method}', body: ${JSON.stringify(JSON.stringify(body))},
        headers: { 'content-type': 'application/json', 'x-kustody-page': localStorage.getItem('kustody.page-token') },
      }).then(({ status }) => status)`,
    );
  /** Light and dark, on a telephone and a wide screen: nothing breaks a rule, or is wider than the screen. */
  async function looksWell(heading: string, shown = 'ol [data-state]'): Promise<void> {
    await page.getByRole('heading', { name: heading }).waitFor();
    await page.locator(shown).first().waitFor();
    for (const scheme of ['dark', 'light']) {
      const isOn = page.locator(`button[aria-label="Use ${scheme === 'light' ? 'dark' : 'light'} colors"]`);
      if ((await isOn.count()) === 0) await page.getByRole('button', { name: /^Use (?:dark|light) colors/ }).click();
      await isOn.waitFor();
      for (const width of [360, 1400]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await portal.violations(), `${heading}, ${scheme}, ${width} px`).toEqual([]);
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
        expect(wide, `${heading} at ${width} px`).toBeLessThanOrEqual(width);
      }
    }
  }

  const picture = (name: string, top?: string): Promise<void> => holdPictures(page, name, top);

  it('sees what the data hangs on, all of it well', async () => {
    await chain().first().waitFor();
    expect(await chain().count()).toBe(6);
    expect(await states('good').count()).toBe(6);
    const targets = await page.evaluate(
      `[...document.querySelectorAll('ol a[data-state]')].map(({ hash }) => hash.replace(/[/?].*/, '') + hash.split(/[/?]/)[1])`,
    );
    expect(targets).toEqual(['#keys', '#keys', '#keys', '#keys', '#query', '#proof']);
    await looksWell('Overview');
    await picture('overview');
  });

  it('asks for rows, and sees them as a chart', async () => {
    await page.getByRole('link', { name: 'Query', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('treeitem', { name: /^Log/ }).waitFor();
    await page.locator('.monaco-editor textarea').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(wave);
    for (const key of ['Escape', 'Home', 'End']) await page.keyboard.press(key); // no list of completions, nor a late one
    await page.keyboard.press('Shift+Enter');
    await page.locator('section[aria-label=Result] canvas').first().waitFor();
    await looksWell('Query', 'section[aria-label=Result] canvas');
    await picture('query');
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
  });

  it('takes the key away and gives it back, and sees the query beside it fail and heal', async () => {
    await page.getByRole('link', { name: /^Version/ }).click();
    await probe(true).waitFor();
    await looksWell('Keys of');
    await probe(true).waitFor();
    await picture('keys');
    await button('Revoke').focus();
    await page.keyboard.press('Enter');
    await probe(false).waitFor();
    expect(await page.locator('[data-testid=probe]').innerText()).toMatch(/503|ClusterSuspended/i);
    await states('bad').first().waitFor();
    await looksWell('Keys of');
    await picture('revoked');
    await button('Restore').click();
    await probe(true).waitFor();
    await button('Rotate').click();
    await page.locator('[aria-label^="Versions of"] tbody tr:nth-child(2)').waitFor();
    await page.locator('[aria-label^="Versions of"] tbody tr:nth-child(1) td:has-text("in use")').waitFor();
    await page.getByRole('cell', { name: 'KeyRotate' }).first().waitFor();
  });

  it('rehearses a rotation policy: sets it, moves the clock to its day, and sees the cluster follow', async () => {
    const newest = () => page.locator('[aria-label^="Versions of"] tbody tr:nth-child(1)');
    const before = await newest().innerText();
    await page.locator('[data-testid=policy]:has-text("no new version by itself")').waitFor();
    await page.getByLabel('Days between two versions').fill('3');
    await page.locator('[aria-label="Rotation policy"] :text("A whole number, 7 or more.")').waitFor();
    await page.getByLabel('Days between two versions').fill('45');
    await button('Set policy').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=policy]:has-text("P45D after the last one")').waitFor();
    const due = /due on (\d{4}-\d\d-\d\d)/.exec(await page.locator('[data-testid=policy]').innerText())?.[1] ?? '';
    await looksWell('Keys of', '[data-testid=policy]');
    await button('Rehearse').focus();
    await page.keyboard.press('Enter');
    await page.locator(`[aria-label^="Versions of"] tbody tr:nth-child(1) td:has-text("${due}")`).waitFor();
    await page.locator('[aria-label^="Versions of"] tbody tr:nth-child(1) td:has-text("in use")').waitFor();
    expect(await newest().innerText()).not.toBe(before);
    await probe(true).waitFor();
  });

  it('sees what programs asked for, why it failed, and how to ask it again, by the keyboard alone', async () => {
    await portal.kustody.query('Nowhere | where Text == "in-the-query-4711"').catch(() => undefined);
    await page.getByRole('link', { name: 'Traffic' }).focus();
    await page.keyboard.press('Enter');
    const requests = () => page.locator('[data-testid=request]');
    await requests().first().waitFor();
    expect(await requests().count()).toBeGreaterThan(3);
    await page.getByLabel('Filter by text').fill('rest/query badrequest');
    await page.getByLabel('Failed only').focus();
    await page.keyboard.press('Space');
    await page.locator('[data-testid=request]:has-text("BadRequest")').first().waitFor();
    await requests().first().waitFor();
    await page.locator('[data-testid=request] button').first().focus();
    await page.keyboard.press('Enter');
    await page.setViewportSize({ width: 960, height: 900 });
    const address = await page.locator('[data-testid=request] td:nth-child(3)').first().boundingBox();
    expect(address?.width).toBeGreaterThan(280);
    const line = await page.locator('[data-testid=curl]').innerText();
    expect(line).toMatch(/^curl --cacert "\$KUSTODY_DATA_DIR\/ca\.pem" --proxy http:\/\/localhost:\d+ --request POST/);
    expect(line).toMatch(/Bearer \$TOKEN" .*kusto\.windows\.net\/v[12]\/rest\/query$/);
    expect(await page.locator('main').innerText()).not.toContain('in-the-query');
    await page.getByRole('switch', { name: 'Bodies' }).focus();
    await page.keyboard.press('Space');
    await page.locator('[data-testid=recording]').waitFor();
    await portal.kustody.query('Nowhere | where Text in ("in-the-query-4712", h"hidden-4713")').catch(() => undefined);
    await page.locator('[data-testid=request]:has-text("BadRequest")').nth(1).waitFor();
    await page.locator('[data-testid=request] button').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('[aria-label="Request body"]:has-text("in-the-query-4712")').waitFor();
    expect(await page.locator('[aria-label="Answer body"]').innerText()).toMatch(/"@message": ".*SEM0100/);
    expect(await page.locator('[data-testid=curl]').innerText()).toContain(
      `--data '{"db":"db","csl":"Nowhere | where Text in (\\"in-the-query-4712\\", h\\"***\\")"`,
    );
    expect(await page.locator('main').innerText()).not.toContain('4713');
    await looksWell('Traffic', '[data-testid=curl]');
    await picture('traffic');
    await page.getByRole('switch', { name: 'Bodies' }).click();
    await page.locator('[aria-label="Request body"]').waitFor({ state: 'hidden' });
  });

  it('sees all that is administered, by kind, and names as the texts they are', async () => {
    const hostile = '<img src=x onerror="document.title=4711">';
    const renamed = await inPage('graph.microsoft.com/v1.0/users/admin@kustody.onmicrosoft.com', 'PATCH', {
      displayName: hostile,
    });
    expect(renamed).toBe(204);
    const link = (name: string) => page.locator(`nav[aria-label="Kinds of things"] a:text-is("${name}")`);
    await page.getByRole('link', { name: 'Administration' }).focus();
    await page.keyboard.press('Enter');
    for (const [kind, shown] of [
      ['Clusters', 'Running'],
      ['Databases', 'ReadWrite'],
      ['Vaults', 'access policies'],
      ['Keys', 'enabled'],
      ['Identities', 'kustody-identity'],
      ['Resource groups', 'eastus'],
      ['Role assignments', 'AllDatabasesAdmin'],
    ] as const) {
      await link(kind).focus();
      await page.keyboard.press('Enter');
      await page.locator(`[data-testid=thing]:has-text("${shown}")`).first().waitFor();
    }
    const who = await page.locator('[data-testid=thing] td:first-child').allInnerTexts();
    expect(who).toContain(hostile);
    await looksWell('Administration', '[data-testid=thing]');
    await link('Clusters').click();
    await page.locator('[data-testid=thing]:has-text("Running")').first().waitFor();
    await picture('administration');
  });

  it('makes something by a form that shows what it does, and is told why it may not', async () => {
    await page.locator('nav[aria-label="Kinds of things"] a:text-is("Vaults")').click();
    await button('Make a vault …').focus();
    await page.keyboard.press('Enter');
    await page.locator('form select:focus').waitFor();
    const send = async (name: string) => {
      await page.locator('form input').first().fill(name);
      await page.keyboard.press('Enter');
    };
    await send('no_vault');
    await page.locator('form:has-text("VaultNameNotValid")').waitFor();
    expect(await page.locator('[data-testid=deed]').innerText()).toMatch(/^az keyvault create .* --name no_vault /);
    await page.locator('[role=tab]:has-text("az")').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=deed]:has-text("Microsoft.KeyVault/vaults@")').waitFor();
    await looksWell('Administration', '[data-testid=deed]');
    await picture('form');
    await send('made-by-hand-4711');
    await page.locator('[role=status]:has-text("Done: Make a vault made-by-hand-4711")').waitFor();
    await page.locator('[data-testid=thing]:has-text("made-by-hand-4711")').waitFor();
  });

  it(
    'drills a way to lose a key, and sees what was asked; ends a drill that goes on',
    { timeout: 240_000 },
    async () => {
      await page.getByRole('link', { name: 'Drill' }).focus();
      await page.keyboard.press('Enter');
      await page.getByLabel('key version disabled').waitFor();
      for (const way of await page.locator('fieldset label').allInnerTexts()) {
        if (way === 'key version disabled') continue;
        await page.getByLabel(way).focus();
        await page.keyboard.press('Space');
      }
      const state = (name: string) => page.locator(`[data-testid=drill-state][data-state=${name}]`);
      await button('Begin').focus();
      await page.keyboard.press('Enter');
      await state('running').waitFor();
      await page.locator('[data-testid=way][data-state=ended]').waitFor({ timeout: 180_000 });
      await state('over').waitFor();
      expect(await page.locator('[data-testid=way]').count()).toBe(1);
      await page.getByRole('button', { name: 'key version disabled, query: 503 ClusterSuspended' }).focus();
      await page.keyboard.press('Enter');
      await page.locator('[data-testid=exchange]:has-text("Readings | count")').waitFor();
      expect(await page.locator('main').innerText()).not.toContain('eyJ');
      await looksWell('Drill', '[data-testid=exchange]');
      await picture('drill');
      await button('Begin').click();
      await state('running').waitFor();
      await button('Cancel').click();
      await state('cancelled').waitFor();
    },
  );

  it('provokes every documented error on a cluster of its own, sees it mended, and removes it, by the keyboard', async () => {
    await page.getByRole('link', { name: 'Errors' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=rehearsal][data-there=false]').waitFor();
    for (const code of documentedCodes) {
      const run = (rest: string) => page.locator(`[data-testid=${code}] [data-testid=run]${rest}`);
      await button(`Provoke it here: ${code}`).focus();
      await page.keyboard.press('Enter');
      await run('[data-busy=false]').waitFor();
      expect(await run('').getAttribute('data-well'), await run('').innerText()).toBe('true');
      const answers = run(' [data-stage=error][data-status="400"] [aria-label=Answer]');
      expect((await answers.allInnerTexts()).join()).toContain(`"code": "${code}"`);
      expect(await run(' [data-stage=mend]').count()).toBeGreaterThan(0);
    }
    await looksWell('Errors', '[data-stage=error]');
    await picture('errors', '[data-testid=KeyVaultNotSoftDeleteEnabled] [data-testid=run]');
    await page.getByRole('link', { name: 'Traffic' }).click();
    await page.getByLabel('Filter by text').fill(`${documentedCodes[0] ?? ''} patch`);
    await page.locator('[data-testid=request] button').first().click();
    await page.getByRole('link', { name: /^What \w+ is/ }).click();
    await button('Remove the rehearsal').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=rehearsal][data-there=false]').waitFor();
  });

  it('proves what lies on the disk and what the key opens, and sees both without the key, by the keyboard', async () => {
    await page.getByRole('link', { name: 'Proof' }).focus();
    await page.keyboard.press('Enter');
    const lookFor = async (text: string, intent: string): Promise<string> => {
      await page.locator('input[aria-label=Canary]').fill(text);
      await page.keyboard.press('Enter');
      await page.locator(`[data-testid=verdict][data-intent=${intent}]`).waitFor();
      return page.locator('[data-testid=verdict]').innerText();
    };
    const hostile = '<img src=x onerror="document.title=4711">';
    expect(await lookFor(hostile, 'warning')).toContain(`NOT SHOWN: no row that can be queried now holds '${hostile}'`);
    expect(await lookFor('kustody', 'error')).toMatch(/FOUND: .*In the clear: .*UTF-8, at byte \d+/s);
    expect(await lookFor('hello-world-4711', 'success')).toMatch(
      /The canary is not in any of \d+ files.*1 row of .*\.Log/s,
    );
    await button('Read the audit').focus();
    await page.keyboard.press('Enter');
    const told = async (label: string): Promise<string> => {
      await page.locator(`[aria-label="${label}"] [data-testid=told]`).first().waitFor();
      return (await page.locator(`[aria-label="${label}"] [data-testid=told]`).allInnerTexts()).join('\n');
    };
    expect(await told('What became of the keys')).toMatch(/first used[\s\S]*refused[\s\S]*answered again/);
    expect(await told('What was asked of the keys')).toMatch(/KeyUnwrap[\s\S]*OK/);
    const report = { dataDirectory: '/data', madeOn: '2026-01-01', custody: [{ by: hostile }] };
    const signature = await portal.postControl('/proof/sign', { sha256: sha256Hex(canonicalJson(report)) });
    const check = async (document: unknown, told: string): Promise<void> => {
      const buffer = Buffer.from(JSON.stringify(document));
      await page.locator('[aria-label="Proof to check"]').setInputFiles({
        ...{ name: `${hostile}.json`, mimeType: 'application/json', buffer },
      });
      await page.locator(`[data-testid=signature]:has-text("${told}")`).waitFor();
    };
    await check({ ...report, signature }, 'is as it was signed. It names this instance as its signer.');
    await check({ ...report, madeOn: '2026-01-02', signature }, 'NOT VALID: The signature is not of this text');
    await page.locator('[data-testid=listed-extent] button').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-testid=rows]:has-text("hello-world-4711")').waitFor();
    const sealed = await page.locator('[data-testid=sealed]').innerText();
    expect(sealed).toMatch(/^000000 {2}(?:[0-9a-f]{2} ){15}[0-9a-f]{2} {2}/);
    expect(sealed).not.toContain('hello');
    await looksWell('Proof', '[data-testid=rows]');
    await picture('proof');
    const enable = async (enabled: boolean) => {
      const [, host, path] = /^https:\/\/([^/]+)(.*)$/.exec(await page.locator('[data-testid=kid]').innerText()) ?? [];
      expect(await inPage(`${host}${path}?api-version=7.4`, 'PATCH', { attributes: { enabled } })).toBe(200);
      await portal.kustody.checkKeys();
    };
    await enable(false);
    await page.locator('[data-testid=not-listed]:has-text("suspended")').waitFor();
    await page.locator('[data-testid=not-opened]').waitFor();
    expect(await page.locator('[data-testid=sealed]').innerText()).toBe(sealed);
    expect(await lookFor('hello-world-4711', 'warning')).toMatch(/NOT SHOWN.*Not asked: .*suspended/s);
    await looksWell('Proof', '[data-testid=not-opened]');
    await enable(true);
    await page.locator('[data-testid=rows]:has-text("hello-world-4711")').waitFor();
  });

  it('was answered by the control API in the shapes that its rows tell', async () => {
    for (const route of ['GET /clusters', 'GET /vaults', 'GET /audit/events', 'GET /traffic', 'POST /check-keys']) {
      const [method = '', path = ''] = route.split(' ');
      const answer = await page.evaluate<unknown>(
        `fetch('${path}', { method: '${method}', headers: { 'x-kustody-page': localStorage.getItem('kustody.page-token') } })
          .then((answer) => answer.json())`,
      );
      expect(JSON.stringify(answer).length).toBeGreaterThan(100);
      expect(unlikeRow(route, answer)).toEqual([]);
    }
  });

  it('has broken no rule of the policy, and has no secret in its address or for scripts', async () => {
    expect(portal.complaints).toEqual([]);
    expect(await page.evaluate('location.href')).not.toContain('open=');
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('is out once the session has ended', async () => {
    await button('End session').click();
    await page.getByRole('heading', { name: 'Open it with a link' }).waitFor();
    await page.goto('about:blank');
    await page.goto(`${portal.origin}/portal/`);
    await page.getByRole('heading', { name: 'Open it with a link' }).waitFor();
    expect(await portal.violations()).toEqual([]);
  });
});

const wave = `range Hour from 0 to 47 step 1
| extend When = datetime(2026-01-01) + Hour * 1h
| project When, Reads = 60 + 40 * sin(Hour / 4.0), Writes = 30 + 20 * cos(Hour / 6.0)
| render timechart with (title = "Requests of two days")`;
