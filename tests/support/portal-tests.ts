import { afterAll, beforeAll, expect } from 'vitest';
import { openPortal } from './portal-browser.ts';

export type Portal = Awaited<ReturnType<typeof openPortal>>;

/** Of a `describe`: the portal, open before its tests and closed after them.
 * @param address of the page, behind the `#` @param ready is given it, and does what the tests begin with */
export function withPortal(address: string, ready: (portal: Portal) => Promise<void> | void): void {
  let portal: Portal | undefined;
  beforeAll(async () => {
    portal = await openPortal(address);
    await ready(portal);
  });
  afterAll(() => portal?.close());
}

/** On a telephone and a wide screen: nothing breaks a rule of accessibility, or is wider than the screen. */
export async function fits({ page, violations }: Portal, what: string): Promise<void> {
  for (const width of [360, 1400]) {
    await page.setViewportSize({ width, height: 900 });
    expect(await violations(), `${what} at ${width} px`).toEqual([]);
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    expect(wide, `${what} at ${width} px`).toBeLessThanOrEqual(width);
  }
}
