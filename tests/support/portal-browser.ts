import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { startKustody } from '../../dist/testing.js';
import { waitMs } from './hang.ts';

const root = resolve(import.meta.dirname, '..', '..');
const chromium = '/usr/bin/chromium';
export const playwright = join(root, 'portal', 'node_modules', 'playwright-core');

const absent = [chromium, join(root, 'dist', 'portal', 'index.html.br'), playwright].filter(
  (path) => !existsSync(path),
);

/** Whether what a test of the portal's pages needs is there: the built portal, its packages, and Debian's Chromium. In CI it has to be. */
export const portalCanBeSeen = absent.length === 0 || process.env['CI'] !== undefined;

/** Of playwright's page, what tests here use: its package belongs to the portal, and is not there for the types of these sources. */
export interface Page {
  readonly keyboard: {
    press(key: string): Promise<void>;
    insertText(text: string): Promise<void>;
  };
  readonly mouse: { move(x: number, y: number): Promise<void>; wheel(deltaX: number, deltaY: number): Promise<void> };
  goto(address: string): Promise<unknown>;
  /** Runs a script in the page: its sources are no part of these types, so it is text. */
  evaluate<T>(script: string): Promise<T>;
  locator(selector: string): Locator;
  getByRole(role: string, options?: { readonly name?: string | RegExp; readonly exact?: boolean }): Locator;
  getByLabel(text: string): Locator;
  context(): { setOffline(offline: boolean): Promise<void> };
  screenshot(options: {
    readonly path?: string;
    readonly animations?: 'disabled';
    readonly caret?: 'hide';
  }): Promise<Buffer>;
  emulateMedia(options: {
    readonly media?: 'print' | 'screen';
    readonly colorScheme?: 'dark' | 'light';
  }): Promise<void>;
  pdf(options: { readonly format: 'A4' }): Promise<Buffer>;
  setViewportSize(size: { readonly width: number; readonly height: number }): Promise<void>;
  /** What the page asks of addresses like this goes through `answer` first. */
  route(like: string, answer: (route: Route) => Promise<void>, options?: { readonly times?: number }): Promise<void>;
  on(event: 'console', listener: (message: { type(): string; text(): string }) => void): void;
  on(event: 'pageerror', listener: (error: Error) => void): void;
}

/** A request of a page, held until something is done with it. */
export interface Route {
  /** Sends it, without telling the page. */
  fetch(): Promise<object>;
  fulfill(given: { readonly response?: object; readonly json?: unknown }): Promise<void>;
  request(): { url(): string; postData(): string | null };
  /** As if the server had not answered. */
  abort(): Promise<void>;
}

export interface Locator {
  click(): Promise<void>;
  count(): Promise<number>;
  fill(text: string): Promise<void>;
  first(): Locator;
  nth(index: number): Locator;
  focus(): Promise<void>;
  setInputFiles(file: { readonly name: string; readonly mimeType: string; readonly buffer: Buffer }): Promise<void>;
  allInnerTexts(): Promise<string[]>;
  innerText(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  waitFor(options?: { readonly state?: 'visible' | 'hidden' | 'attached'; readonly timeout?: number }): Promise<void>;
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
}

interface Browser {
  newContext(options: object): Promise<{ newPage(): Promise<Page>; setDefaultTimeout(ms: number): void }>;
  close(): Promise<void>;
}

type Instance = Awaited<ReturnType<typeof startKustody<{ cluster: { database: string } }>>>;

/** An instance with a cluster under a customer's key and a database `db`, and a browser that was let in by a link of `kustody open`.
 * @param address of the page, behind the `#` */
export async function openPortal(address: string) {
  if (absent.length > 0) throw new Error(`Tests of the portal need ${absent.join(', ')}.`);
  const kustody = await startKustody({ cluster: { database: 'db' } });
  try {
    const browser = await openBrowser();
    const { page, complaints } = browser;
    const origin = kustody.endpoints.control;
    const close = async (): Promise<void> => {
      await browser.close();
      await kustody.close();
    };
    try {
      await page.goto(origin + (await openLink(kustody)));
      await page.goto(`${origin}/portal/#${address}`);
    } catch (error) {
      await browser.close();
      throw error;
    }
    return {
      kustody,
      page,
      origin,
      postControl: (path: string, body: unknown) => postControl(kustody, path, body),
      complaints,
      /** Rules of accessibility that the page breaks: its id and where. Fluent's invisible stops for the focus are left out: they hand it on. */
      violations: () => violations(page),
      close,
    };
  } catch (error) {
    await kustody.close();
    throw error;
  }
}

/** What would make a page look otherwise on another machine: its language, place and time, its screen, what its user likes. */
const sameEverywhere = {
  ...{ locale: 'en-US', timezoneId: 'UTC', deviceScaleFactor: 1 },
  ...{ colorScheme: 'light', reducedMotion: 'reduce', forcedColors: 'none' },
};

/** Debian's Chromium with one page, with the same fonts and colors on every machine.
 * @param proxy what it goes by, but to `localhost` @param environment beside that of the tests */
export async function openBrowser(proxy?: string, environment: Readonly<Record<string, string>> = {}) {
  if (absent.length > 0) throw new Error(`Tests of the portal need ${absent.join(', ')}.`);
  const { chromium: launcher } = createRequire(import.meta.url)(playwright) as {
    chromium: { launch(options: object): Promise<Browser> };
  };
  const browser = await launcher.launch({
    executablePath: chromium,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-lcd-text', '--font-render-hinting=none'],
      '--force-color-profile=srgb',
    ],
    ...(proxy === undefined ? {} : { proxy: { server: proxy, bypass: 'localhost' } }),
    env: { ...process.env, ...environment, FONTCONFIG_FILE: join(import.meta.dirname, 'fonts.conf') },
  });
  try {
    const viewport = { width: 1400, height: 900 };
    const context = await browser.newContext({ ...sameEverywhere, viewport, ignoreHTTPSErrors: true });
    context.setDefaultTimeout(waitMs);
    const page = await context.newPage();
    /** What the page logged as an error, refusals of the content security policy among it. */
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // An answer that is no 2xx is told there, too; what it says is the test's business.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        complaints.push(message.text());
      }
    });
    return { page, complaints, close: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

/** The path that `kustody open` prints. */
const openLink = async (kustody: Instance): Promise<string> =>
  ((await postControl(kustody, '/portal-links')) as { readonly path: string }).path;

/** What the control API answers to its token. */
async function postControl(kustody: Instance, path: string, body: unknown = {}): Promise<unknown> {
  const { KUSTODY_CONTROL_TOKEN: token = '' } = await kustody.environment();
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const options = { method: 'POST', ca: kustody.ca, headers };
    const asked = request(new URL(path, kustody.endpoints.control), options, (response) => {
      text(response).then(resolve, reject);
    });
    asked.on('error', reject).end(JSON.stringify(body));
  });
  return JSON.parse(answer) as unknown;
}

const axeScript = (): string => readFileSync(join(root, 'portal', 'node_modules', 'axe-core', 'axe.min.js'), 'utf8');

/** As of `openPortal`. */
export async function violations(page: Page): Promise<string[]> {
  // Colors on their way from one to another, of what comes, goes or changes, are none that anybody reads.
  await page.evaluate(
    `document.getAnimations().filter((one) => one.effect?.getComputedTiming().endTime < Infinity).forEach((one) => one.finish())`,
  );
  // Half a megabyte of script: once a page that was loaded, not once a look.
  if (!(await page.evaluate<boolean>(`'axe' in window`))) await page.evaluate(axeScript());
  return page.evaluate<string[]>(
    `axe.run({ exclude: ['[data-tabster-dummy]'] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 300) + ' ' + failureSummary)))`,
  );
}
