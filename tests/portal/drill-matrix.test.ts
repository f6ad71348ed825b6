import { describe, expect, it } from 'vitest';
import { drillCells } from '../../src/cli/drill/present.ts';
import type { DrillRow } from '../../src/cli/drill/drill.ts';
import type { DrillCell, DrillRun, DrillRunRow, WayName } from '../../src/server/drill-matrix.ts';
import { actionNames, wayRows } from '../../src/server/drill-matrix.ts';
import type { Page } from '../support/portal-browser.ts';
import { portalCanBeSeen } from '../support/portal-browser.ts';
import { withPortal } from '../support/portal-tests.ts';

const ways = Object.keys(wayRows) as readonly WayName[];
/** Of a row: until it bit, the actions, and until it was healed. */
const cellsOfRow = actionNames.length + 2;

/** A real drill of every way, a minute and a half of a processor alone. */
describe.skipIf(!portalCanBeSeen)('the matrix of the drill page', () => {
  let page: Page;

  withPortal('/drill', async (opened) => {
    ({ page } = opened);
    await page.locator('fieldset input').first().waitFor();
  });

  const checked = (title: string): Promise<boolean> =>
    page.evaluate(
      `[...document.querySelectorAll('fieldset input')].find((one) => one.labels[0].textContent === ${JSON.stringify(title)}).checked`,
    );
  const answered = <T>(path: string): Promise<T> =>
    page.evaluate<T>(
      `fetch('${path}', { headers: { 'x-kustody-page': localStorage.getItem('kustody.page-token') } }).then((answer) => answer.json())`,
    );
  /** What stands in each cell, row by row. */
  const matrix = (): Promise<string[][]> =>
    page.evaluate(`[...document.querySelectorAll('[data-testid=way]')]
      .map((row) => [...row.cells].map((cell) => cell.innerText.trim()))`);

  // All in one run would take too long where much runs beside it.
  it.each([
    ['the first five', ways.slice(0, 5)],
    ['the others', ways.slice(5)],
  ])(
    'fills in while %s are gone through, says what kustody drill does, and opens what was asked',
    async (_, wanted) => {
      for (const [way, { title }] of Object.entries(wayRows)) {
        const box = `fieldset label:text-is("${title}")`;
        if (wanted.some((one) => one === way) !== (await checked(title))) await page.locator(box).click();
      }
      await page.getByRole('button', { name: 'Begin', exact: true }).click();
      // Of one moment: a row that is under way has cells, and others wait.
      await page
        .locator('table:has([data-state=waiting]) [data-testid=way][data-state=underWay] button')
        .first()
        .waitFor();
      await page.locator('[data-testid=drill-state][data-state=over]').waitFor();
      expect(await page.locator('[data-testid=drill-state]').innerText()).toBe('All came out as it must.');
      const run = await answered<DrillRun>('/drill');
      expect(run.rows.map(({ way, state }) => [way, state])).toEqual(wanted.map((way) => [way, 'ended']));
      expect(run.rows.map(({ cells }) => Object.keys(cells).length)).toEqual(wanted.map(() => cellsOfRow));
      // What the command prints of the same run. Of two runs, some cells differ: what is under way is cut off, or refused.
      const printed = run.rows.map((row) => {
        const [, ...cells] = drillCells(rowOf(row));
        return wayRows[row.way].bites === 'none' ? [...cells.slice(0, -1), 'nothing to heal'] : cells;
      });
      expect(await matrix()).toEqual(printed);
      const opened = await page.evaluate<Opened[]>(openAll);
      expect(opened.length).toBe(wanted.length * cellsOfRow);
      const cells = await Promise.all(
        run.rows.flatMap(({ way, cells: known }) =>
          ['taken', ...actionNames, 'givenBack'].map((cell) => {
            expect(Object.keys(known)).toContain(cell);
            return answered<DrillCell>(`/drill/cells/${way}/${cell}`);
          }),
        ),
      );
      for (const [at, { way, cell, exchanges, leftOut }] of cells.entries()) {
        const seen = opened[at];
        expect(seen?.heading, `${way} ${cell}`).toMatch(new RegExp(`^${wayRows[way].title}: `));
        expect(seen?.exchanges.length, `${way} ${cell}`).toBe(exchanges.length);
        for (const [n, { method, host, path, status, answer }] of exchanges.entries()) {
          const told = seen?.exchanges[n] ?? '';
          expect(told).toContain(`${method} https://${host}${path}`);
          expect(told).toContain(status === undefined ? 'no answer' : `Status ${String(status)}`);
          expect(told).toContain(answer);
        }
        expect(seen?.text.includes('more of the same'), `${way} ${cell}`).toBe(leftOut > 0);
        expect(seen?.text).not.toMatch(/eyJ[\w-]{20}/);
      }
      expect(cells.filter(({ exchanges }) => exchanges.length > 0).length).toBeGreaterThan(wanted.length * 10);
    },
  );
});

/** As `kustody drill --json` has it. */
const rowOf = ({ way, title, cells, problems }: DrillRunRow): DrillRow => {
  const { taken, givenBack, ...outcomes } = cells;
  return {
    ...{ way, title, bites: wayRows[way].bites, problems },
    outcomes: outcomes as DrillRow['outcomes'],
    ...(taken?.seconds === undefined ? {} : { bitAfterSeconds: taken.seconds }),
    ...(givenBack?.seconds === undefined ? {} : { healedAfterSeconds: givenBack.seconds }),
  };
};

interface Opened {
  readonly heading: string;
  readonly text: string;
  readonly exchanges: readonly string[];
}

/** Presses the button of each cell, one after the other, and reads the card below once its answer is there. */
const openAll = `(async () => {
  const changed = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const opened = [];
  for (const row of document.querySelectorAll('[data-testid=way]'))
    for (const button of row.querySelectorAll('button')) {
      const [title, says] = button.getAttribute('aria-label').split(/, (?=[^,]*:)/);
      const heading = title + ': ' + says.slice(0, says.indexOf(':'));
      button.click();
      let card;
      do {
        await changed();
        card = [...document.querySelectorAll('main [role=region]')].find((one) => one.getAttribute('aria-label') === heading);
      } while (card === undefined || card.querySelector('ol') === null);
      const exchanges = [...card.querySelectorAll('[data-testid=exchange]')].map(({ textContent }) => textContent);
      opened.push({ heading, exchanges, text: card.textContent });
    }
  return opened;
})()`;
