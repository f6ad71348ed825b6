import { request } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Kustody } from '../src/testing/public.ts';
import { startKustody } from '../src/testing/testing.ts';
import type { Page } from '../tests/support/portal-browser.ts';
import type { BenchRow, Measured } from './row.ts';
import { quantile } from './row.ts';

const rounds = 5;
const gridRows = 100_000;
const frameSeconds = 3;

interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Scene {
  /** A fresh one, with nothing in its cache. */
  readonly newContext: () => Promise<Context>;
  /** The address that lets a browser in, once. */
  readonly link: () => Promise<string>;
}

async function withScene(work: (scene: Scene) => Promise<Measured>): Promise<Measured> {
  await using k = await startKustody({ cluster: { database: 'db' } });
  // This file is bundled into dist.
  const playwright = join(import.meta.dirname, '..', 'portal', 'node_modules', 'playwright-core');
  const { chromium } = createRequire(import.meta.url)(playwright) as {
    chromium: {
      launch(options: object): Promise<{ newContext(options: object): Promise<Context>; close(): Promise<void> }>;
    };
  };
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    return await work({
      newContext: () => browser.newContext({ viewport: { width: 1400, height: 900 }, ignoreHTTPSErrors: true }),
      link: () => newLink(k),
    });
  } finally {
    await browser.close();
  }
}

async function newLink(k: Kustody): Promise<string> {
  const { KUSTODY_CONTROL_TOKEN: token = '' } = await k.environment();
  const answer = await new Promise<string>((resolve, reject) => {
    const options = { method: 'POST', ca: k.ca, headers: { authorization: `Bearer ${token}` } };
    const asked = request(new URL('/portal-links', k.endpoints.control), options, (response) => {
      text(response).then(resolve, reject);
    });
    asked.on('error', reject).end();
  });
  return k.endpoints.control + (JSON.parse(answer) as { readonly path: string }).path;
}

/** @param look what is measured on a page that was just let in, in a fresh browser */
async function eachRound(scene: Scene, look: (page: Page) => Promise<number>): Promise<Measured> {
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const context = await scene.newContext();
    const page = await context.newPage();
    await page.goto(await scene.link());
    seconds.push((await look(page)) / 1000);
    await context.close();
  }
  return { ratio: quantile(seconds, 0.5), detail: seconds.map((one) => `${one.toFixed(2)} s`).join(', ') };
}

const painted = `new Promise((resolve) => new PerformanceObserver((list) => {
  for (const { name, startTime } of list.getEntries()) if (name === 'first-contentful-paint') resolve(startTime);
}).observe({ type: 'paint', buffered: true }))`;

/** With the query page open: since the beginning of the whole load. */
async function editorReady(page: Page): Promise<number> {
  await openQuery(page);
  return page.evaluate<number>('performance.now()');
}

async function openQuery(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Query' }).first().waitFor();
  await page.evaluate("location.hash = '/query'");
  await page.locator('.monaco-editor textarea').waitFor({ state: 'attached' });
}

async function openGrid(page: Page): Promise<void> {
  await openQuery(page);
  await page.locator('.monaco-editor textarea').first().focus();
  await page.keyboard.insertText(`range n from 1 to ${gridRows} step 1 | extend text = strcat("row ", n)`);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+Enter');
  await page.locator('section[aria-label=Result] [role=grid] [role=gridcell]').first().waitFor();
}

/** Counts frames, and does something in each. */
const frames = (each: string): string => `new Promise((resolve) => {
  const until = performance.now() + ${frameSeconds * 1000};
  let count = 0;
  const frame = () => {
    ${each}
    count += 1;
    if (performance.now() < until) requestAnimationFrame(frame);
    else resolve(count);
  };
  requestAnimationFrame(frame);
})`;

/** What scrolls is the grid, or what stands around it. */
const scroll = `{
  let one = document.querySelector('section[aria-label=Result] [role=grid]');
  while (one && one.scrollHeight <= one.clientHeight + 1) one = one.parentElement;
  one.scrollTop += 700;
  if (one.scrollTop < 700) throw new Error('nothing scrolls');
}`;

const rowsMax = (page: Page): Promise<number> =>
  page.evaluate<number>("document.querySelectorAll('section[aria-label=Result] [role=row]').length");

async function gridIn(scene: Scene, look: (page: Page, empty: Page) => Promise<Measured>): Promise<Measured> {
  const context = await scene.newContext();
  const page = await context.newPage();
  await page.goto(await scene.link());
  await openGrid(page);
  const other = await scene.newContext();
  const empty = await other.newPage();
  await empty.goto('about:blank');
  return await look(page, empty);
}

/** `npm run build:portal` comes before, and Debian's Chromium. */
export const portalRows: readonly BenchRow[] = [
  {
    ...{ id: 'portal-paint', ratio: 'seconds to the first paint, nothing cached' },
    ...{ rule: 'atMost', floor: 1.5, aim: 0.75 },
    run: () => withScene((scene) => eachRound(scene, (page) => page.evaluate<number>(painted))),
  },
  {
    ...{ id: 'portal-editor', ratio: 'seconds until the editor is ready, nothing cached' },
    ...{ rule: 'atMost', floor: 3, aim: 1.5 },
    run: () => withScene((scene) => eachRound(scene, editorReady)),
  },
  {
    ...{ id: 'portal-grid-rows', ratio: 'rows in the document, of a grid of 100,000' },
    ...{ rule: 'atMost', floor: 199, aim: 100 },
    run: () =>
      withScene((scene) =>
        gridIn(scene, async (page) => {
          const counts = [await rowsMax(page)];
          await page.evaluate(frames(scroll));
          counts.push(await rowsMax(page));
          return { ratio: Math.max(...counts), detail: `${counts.join(' before, ')} after scrolling` };
        }),
      ),
  },
  {
    ...{ id: 'portal-grid-frames', ratio: 'frames while it scrolls / frames of an empty page' },
    ...{ rule: 'atLeast', floor: 0.8, aim: 0.95 },
    run: () =>
      withScene((scene) =>
        gridIn(scene, async (page, empty) => {
          const pairs: { readonly ours: number; readonly bare: number }[] = [];
          for (let round = 0; round < rounds; round += 1)
            pairs.push({
              bare: await empty.evaluate<number>(frames('')),
              ours: await page.evaluate<number>(frames(scroll)),
            });
          return {
            ratio: quantile(
              pairs.map(({ ours, bare }) => ours / bare),
              0.5,
            ),
            detail: pairs.map(({ ours, bare }) => `${ours} of ${bare}`).join(', '),
          };
        }),
      ),
  },
];
