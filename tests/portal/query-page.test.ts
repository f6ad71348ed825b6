import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Page, Route } from '../support/portal-browser.ts';
import { openPortal, portalCanBeSeen } from '../support/portal-browser.ts';

/** What would run if any of it were HTML: it sets a variable of the page. */
const hostile =
  '<img src=x onerror="window.touched=1"><script>window.touched=1</script><svg onload="window.touched=1">';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

describe.skipIf(!portalCanBeSeen)('the query page', () => {
  let portal: Awaited<ReturnType<typeof openPortal>>;
  let page: Page;

  beforeAll(async () => {
    portal = await openPortal('/query');
    page = portal.page;
    const { kustody: k } = portal;
    await k.query('.create table Log (When: datetime, Severity: string, Size: long, Bag: dynamic)');
    await k.query(`.create table ["${quoted(hostile)}"] (["${quoted(hostile)}"]: string)`).catch(() => undefined);
    await k.query(
      `.set-or-append Log <| range n from 0 to 59 step 1 | project When=datetime(2026-01-01)+n*1h, Severity=case(n % 3 == 0, 'Error', 'Info'), Size=n*n, Bag=bag_pack('n', n, 'text', @'${hostile}')`,
    );
    await page.locator('.monaco-editor textarea').waitFor();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('treeitem', { name: /^Log/ }).waitFor();
  });
  afterAll(() => portal.close());
  beforeEach(() => void portal.complaints.splice(0));

  /** Puts a text into the editor, the cursor at its end. */
  async function write(text: string): Promise<void> {
    await page.locator('.monaco-editor textarea').first().focus(); // a late list of completions may lie anywhere
    await page.keyboard.press('Control+A');
    await page.keyboard.insertText(text);
    // Escape closes a list of completions that is there, a step of the cursor forgets one that is asked for and would come late.
    for (const key of ['Escape', 'Home', 'End']) await page.keyboard.press(key);
  }
  /** Runs it and waits for what is seen of it. */
  async function run(text: string, selector: string): Promise<void> {
    await page.evaluate(
      `document.querySelectorAll('section[aria-label=Result] *').forEach((one) => one.setAttribute('data-old', ''))`,
    );
    await write(text);
    await page.keyboard.press('Shift+Enter');
    await page.locator(`section[aria-label=Result] ${selector}:not([data-old])`).first().waitFor();
  }

  /** Writes a text, and asks what completes it until something with this name is offered: the worker may still be reading the schema, and
   * whoever asks too early is not told later. */
  async function suggests(text: string, name: string): Promise<void> {
    await write(text);
    const row = page.locator(`.suggest-widget .monaco-list-row[aria-label*="${name}"]`).first();
    for (let timeout = 500; timeout < 20_000; timeout *= 1.5) {
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+Space');
      const offered = await row.waitFor({ timeout }).then(
        () => true,
        () => false,
      );
      if (offered) return page.keyboard.press('Escape'); // it would lie over what is clicked next
    }
    expect.fail(`${name} is not offered. Seen: ${JSON.stringify(await page.evaluate(ofEditor))}. Told: ${portal.complaints.join('; ')}`); // prettier-ignore
  }

  it(
    'completes names of the real schema, by a worker under the content security policy',
    { timeout: 240_000 },
    async () => {
      await suggests('Log\n| where Sever', 'Severity');
      expect(portal.complaints).toEqual([]);
    },
  );

  it(
    'completes names that were made since, also while it was asking for those there are',
    { timeout: 240_000 },
    async () => {
      const refresh = page.getByRole('button', { name: 'Refresh' });
      const late = async (route: Route): Promise<void> => {
        const response = await route.fetch();
        await portal.kustody.query('.create table Newer (Discovered: string)');
        await refresh.click();
        await route.fulfill({ response });
      };
      await page.route('**/v1/rest/mgmt', late, { times: 1 });
      await refresh.click();
      await page.getByRole('treeitem', { name: /^Newer/ }).waitFor();
      await suggests('Newer\n| where Disco', 'Discovered');
    },
  );

  it('runs the statement at the cursor alone', async () => {
    await run('print wrong = 1\n\nLog\n| summarize Rows = count() by Severity\n| order by Severity asc', '[role=grid]');
    const cells = await page.locator('[role=gridcell]').allInnerTexts();
    expect(cells).toEqual(['Error', '20', 'Info', '40']);
  });

  it('cancels a query that goes on, in the cluster too, and runs the next', async () => {
    const { kustody: k } = portal;
    const endless = async (wanted: number): Promise<void> => {
      const text = ".show running queries | where Text has '1000000000000' | count";
      await expect.poll(() => k.query(text)).toEqual([{ Count: wanted }]);
    };
    await write('range n from 1 to 1000000000000 step 1 | where n % 7 > 7');
    await page.keyboard.press('Shift+Enter');
    await page.getByRole('tab', { name: 'Query 1 …' }).waitFor();
    await page.locator('section[aria-label=Result] :text("Running")').waitFor();
    await endless(1);
    await page.getByRole('button', { name: 'Cancel', exact: true }).click();
    await page.locator('section[aria-label=Result] :text("Cancelled.")').waitFor();
    await endless(0);
    await run('print Answer = 42', '[role=gridcell]');
  });

  it('marks a mistake at its place in the text, below what else is there', async () => {
    await run('print before = 1\n\nLog\n| where Nothing > 1', '[role=alert]');
    expect(await page.locator('section[aria-label=Result] [role=alert]').innerText()).toMatch(/SEM0100.*Nothing/s);
    // Both at one moment: the editor lays its lines anew whenever colors arrive, and a line that it has just replaced lies nowhere.
    const places = (): Promise<{ mark: Place; line: Place } | null> =>
      page.evaluate(`(() => {
        const mark = document.querySelector('.kql-failure');
        const line = [...document.querySelectorAll('.view-line')].find((one) => one.textContent.includes('Nothing'));
        return mark && line ? { mark: mark.getBoundingClientRect().toJSON(), line: line.getBoundingClientRect().toJSON() } : null;
      })()`);
    let seen = await places();
    const apart = async (): Promise<number> => {
      seen = await places();
      return seen === null || seen.mark.width === 0 ? Infinity : Math.abs(seen.mark.y - seen.line.y);
    };
    await expect.poll(apart, { timeout: 55_000 }).toBeLessThan(3);
    await page.mouse.move((seen?.mark.x ?? 0) + 6, (seen?.mark.y ?? 0) + 9);
    await page.locator('.monaco-hover:has-text("SEM0100")').waitFor(); // which only the service says
  });

  it('shows 100,000 rows with few of them in the document, to the last one by keyboard', async () => {
    await run('range n from 1 to 100000 step 1 | extend text = strcat("row ", n)', '[role=grid]');
    const grid = page.locator('[role=grid]');
    expect(await grid.getAttribute('aria-rowcount')).toBe('100001');
    await grid.focus();
    await page.keyboard.press('Control+End');
    await page.locator('[role=row][aria-rowindex="100001"]').waitFor();
    expect(await page.locator('[role=row][aria-rowindex="100001"] [role=gridcell]').allInnerTexts()).toEqual(['100000', 'row 100000']); // prettier-ignore
    expect(await page.locator('[role=row]').count()).toBeLessThan(200);
    expect(await page.evaluate(`document.querySelectorAll('*').length`)).toBeLessThan(3_000);
    await page.keyboard.press('Control+Home');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter'); // sorts by n, descending
    await page.keyboard.press('ArrowDown');
    await page.locator('[role=columnheader][aria-sort=descending]').waitFor();
    await page.locator('[role=row][aria-rowindex="2"]:has-text("row 100000")').waitFor();
    await page.getByRole('searchbox', { name: 'Search in the rows' }).fill('row 77777');
    await page.locator('[role=grid][aria-rowcount="2"]').waitFor();
  });

  it('draws render, and names what it does not draw', async () => {
    for (const kind of ['timechart', 'columnchart with (kind=stacked)', 'piechart', 'scatterchart', 'ladderchart']) {
      const shape =
        kind === 'ladderchart' ? '| project Severity, When, Then = When + 3h' : '| project When, Size, Severity';
      await run(`Log ${kind === 'piechart' ? '| summarize count() by Severity' : shape} | render ${kind}`, 'canvas');
      expect(await page.evaluate(inkedPixels)).toBeGreaterThan(500);
    }
    await run('Log | render pivotchart', '[aria-label=Pivot] [role=grid]');
    await page.locator('[aria-label=Pivot] [role=columnheader]:has-text("Error")').waitFor();
    expect(await portal.violations()).toEqual([]);
    await run('Log | render plotly', '[role=grid]');
    expect(await page.locator('section[aria-label=Result]').innerText()).toContain("'render plotly' is not drawn");
  });

  it('renders nothing as HTML: cells, names, titles, tips, failures', async () => {
    const text = `print ["${quoted(hostile)}"] = @'${hostile}'`;
    await run(text, '[role=gridcell]');
    await page.locator('[role=grid]').focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('[role=dialog] pre').waitFor();
    expect(await page.locator('[role=dialog] pre').innerText()).toBe(hostile);
    await page.keyboard.press('Escape');
    await run(`Log | summarize n = count() by name = strcat(Severity, @'${hostile}') | render columnchart with (title="${quoted(hostile)}")`, 'canvas'); // prettier-ignore
    const box = await page.locator('section[aria-label=Result] canvas').first().boundingBox();
    for (const part of [0.3, 0.5, 0.7]) {
      await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) * part, (box?.y ?? 0) + (box?.height ?? 0) * 0.8);
    }
    await run(`Log | where ["${quoted(hostile)}"] == 1`, '[role=alert]');
    expect(await page.evaluate(`[window.touched ?? 'no', document.querySelectorAll('main img, main script').length]`)).toEqual(['no', 0]); // prettier-ignore
  });

  it('saves a result as CSV and as Parquet, as it is shown', async () => {
    await run('print Answer = 42, Text = "a,b"', '[role=gridcell]');
    // What a browser would write to the disk.
    await page.evaluate(`window.saved = []; window.create ??= URL.createObjectURL;
      URL.createObjectURL = (blob) => { window.saved.push(blob); return window.create(blob); }`);
    await page.getByRole('button', { name: 'CSV', exact: true }).click();
    await page.getByRole('button', { name: 'Parquet', exact: true }).click();
    await expect.poll(() => page.evaluate(`window.saved.length`)).toBe(2);
    const [csv, parquet] = await page.evaluate<string[]>(`Promise.all(window.saved.map((blob) => blob.text()))`);
    expect(csv).toBe('Answer,Text\r\n42,"a,b"\r\n');
    expect(parquet).toMatch(/^PAR1[\s\S]*Answer[\s\S]*PAR1$/);
  });

  it(
    'finds a table by its name among ten thousand, and shows no more than can be read',
    { timeout: 240_000 },
    async () => {
      const schema = async (route: Route): Promise<void> => {
        const response = await route.fetch();
        const answer = (await (response as unknown as { json(): Promise<unknown> }).json()) as {
          Tables: { Rows: string[][] }[];
        };
        const [row] = answer.Tables[0]?.Rows ?? [];
        const whole = JSON.parse(row?.[0] ?? '{}') as { Databases?: { db?: { Tables: Record<string, object> } } };
        const tables = whole.Databases?.db?.Tables;
        if (row === undefined || tables === undefined) return route.fulfill({ response });
        for (let n = 0; n < 10_000; n += 1)
          tables[`Many${String(n)}`] = { Name: `Many${String(n)}`, OrderedColumns: [{ Name: 'a', CslType: 'long' }] };
        row[0] = JSON.stringify(whole);
        return route.fulfill({ response, json: answer });
      };
      await page.route('**/v1/rest/mgmt', schema, { times: 1 });
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.getByRole('treeitem', { name: /^Tables \(100\d\d\), the first 500/ }).waitFor();
      expect(await page.getByRole('treeitem').count()).toBeLessThan(600);
      await page.getByLabel('Find by name').fill('many9876');
      await page.getByRole('treeitem', { name: 'Many9876' }).waitFor();
      expect(await page.getByRole('treeitem', { name: /^Many/ }).count()).toBe(1);
      await page.getByLabel('Find by name').fill('');
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.getByRole('treeitem', { name: /^Log/ }).waitFor();
    },
  );

  it('takes values of query parameters', async () => {
    await write('declare query_parameters(wanted:string = "Info");\nLog | where Severity == wanted | count');
    await page.getByLabel('wanted: string').fill('Error');
    await page.locator('.monaco-editor textarea').first().focus(); // a late list of completions may lie anywhere
    await page.keyboard.press('Shift+Enter');
    await page.locator('[role=gridcell]').first().waitFor();
    expect(await page.locator('[role=gridcell]').allInnerTexts()).toEqual(['20']);
  });

  it('fills a tab from a link without running it, and keeps nothing in any storage', async () => {
    const query = new URLSearchParams({ text: 'Log | take 4711', cluster: '', database: '' });
    await page.evaluate(`void (location.hash = ${JSON.stringify(`/query?${query.toString()}`)})`);
    await page.getByRole('tab', { name: 'Query 2' }).waitFor();
    await page.locator('.view-line:has-text("4711")').waitFor();
    expect(await page.evaluate(`location.hash`)).toBe('#/query');
    expect(await page.locator('[role=grid]').count()).toBe(0);
    const kept = await page.evaluate<string>(
      `indexedDB.databases().then(({ length }) => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, length]))`,
    );
    expect(kept).not.toMatch(/Log|4711|Severity/);
    expect(kept).toMatch(/,0\]$/);
  });

  /** As if it was dragged in. @param base64 its bytes */
  const drop = (name: string, base64: string): Promise<void> =>
    page.evaluate(`(async () => {
      const transfer = new DataTransfer();
      const bytes = await (await new Response(Uint8Array.from(atob('${base64}'), (one) => one.charCodeAt(0)))).blob();
      transfer.items.add(new File([bytes], ${JSON.stringify(name)}));
      for (const type of ['dragover', 'drop'])
        document.querySelector('h1').dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
    })()`);

  it('ingests a file that is dropped, by the mapping that was seen before, and shows its name as text', async () => {
    await drop(`${hostile}.csv`, Buffer.from('When,n,text\n2026-01-02T03:04:05Z,7,x\n').toString('base64'));
    await page.getByLabel('Column for n').waitFor();
    expect(await page.locator('[role=dialog]').innerText()).toContain(`${hostile}.csv`);
    await page.getByLabel('New table').fill('Dropped');
    await page.getByRole('button', { name: 'Ingest', exact: true }).click();
    await page.locator('[role=dialog]:has-text("1 rows are in the table.")').waitFor();
    expect(await portal.kustody.query('Dropped | project n, text')).toMatchObject([{ n: 7, text: 'x' }]);
    expect(await page.evaluate(`window.touched ?? 'no'`)).toBe('no');
    await page.getByRole('button', { name: 'Close', exact: true }).click();
  });

  it('breaks no rule of accessibility, in the light and in the dark', async () => {
    await run('Log | take 5', '[role=gridcell]');
    expect(await portal.violations()).toEqual([]);
    await page.getByRole('button', { name: 'Use dark colors' }).click();
    expect(await portal.violations()).toEqual([]);
  });

  it('has colors of every kind of word that can be read, on the mark of the statement at the cursor, too', async () => {
    const text = `declare query_parameters(wanted:string = "Info"); // a comment\nlet added = (given: long) { given + 1 };\nLog | where Severity == wanted and added(Size) > 5 and When < datetime(2027-01-01) | summarize Rows = count() by bin(When, 1d) | render timechart // shown`; // nothing completes a comment: a list asked for before would open over what is looked at
    if ((await page.locator('button[aria-label="Use dark colors"]').count()) > 0)
      await page.getByRole('button', { name: 'Use dark colors' }).click();
    for (const scheme of ['dark', 'light']) {
      if (scheme === 'light') await page.getByRole('button', { name: 'Use light colors' }).click();
      await write(text);
      // The language service colors what it has read, a moment later.
      for (const kind of ['Comment', 'Keyword', 'Literal', 'StringLiteral', 'Table', 'Parameter', 'Column'])
        await page.locator(`.view-line .${kind}`).first().waitFor();
      await page.locator('.monaco-editor .selectionHighlight').first().waitFor();
      expect(await portal.violations(), scheme).toEqual([]);
    }
    await page.getByRole('button', { name: 'Use dark colors' }).click();
  });

  it('says that nobody answers, keeps what it has, and goes on once the server is there', async () => {
    const gone = page.locator('[role=alert]:has-text("Kustody does not answer")');
    await run('print before = 4712', '[role=gridcell]');
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Refresh' }).click();
    await gone.first().waitFor();
    expect(await page.locator('[role=gridcell]').allInnerTexts()).toEqual(['4712']);
    expect(await page.getByRole('treeitem', { name: /^Log/ }).count()).toBe(1);
    await run('print meanwhile = 4713', '[role=alert]');
    expect(await page.locator('section[aria-label=Result] [role=alert]').innerText()).toMatch(/NoAnswer.*still run/s);
    expect(await portal.violations()).toEqual([]);
    await page.getByRole('link', { name: 'Drill' }).click();
    await page.getByRole('button', { name: 'Load anew' }).waitFor();
    expect(await portal.violations()).toEqual([]);
    await page.context().setOffline(false);
    await page.getByRole('button', { name: 'Load anew' }).click();
    await page.getByRole('heading', { name: 'Drill' }).waitFor();
    await page.getByRole('link', { name: 'Query' }).click();
    await run('print after = 4714', '[role=gridcell]');
    expect(await gone.count()).toBe(0);
  });

  it('says why, when the key is gone', async () => {
    const { kustody: k } = portal;
    const { keyName } = k.cluster;
    const keys = await k.keyClient();
    const { properties } = await keys.getKey(keyName);
    await keys.updateKeyProperties(keyName, properties.version ?? '', { enabled: false });
    await k.checkKeys();
    await run('Log | take 5', '[role=alert]');
    expect(await page.locator('[role=alert]').first().innerText()).toMatch(/key/i);
    expect(await page.locator('[role=gridcell]').count()).toBe(0);
  });
});

const quoted = (text: string): string => text.replaceAll(/["\\]/g, '\\$&');

/** Where the keys go, what the text is, and what is offered. */
const ofEditor = `(({ tagName, className }, widget) => ({ focus: tagName + '.' + className, offered: widget?.innerText, widget: widget?.className,
  text: [...document.querySelectorAll('.view-line')].map(({ textContent }) => textContent) }))(document.activeElement, document.querySelector('.suggest-widget'))`;

/** Of the canvases in the result: pixels that are neither empty nor grey. */
const inkedPixels = `[...document.querySelectorAll('section[aria-label=Result] canvas')].reduce((sum, canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = data.slice(at, at + 4);
    if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40) sum += 1;
  }
  return sum;
}, 0)`;
