import { htmlPage, htmlTable, htmlText as text } from '../proof/html.ts';
import type { DrillRow } from './drill.ts';
import { allCameOut, drillCells, drillHead } from './present.ts';

/** One HTML document that stands by itself. @param madeOn ISO */
export function drillPage(rows: readonly DrillRow[], madeOn: string): string {
  const problems = rows.flatMap((row) => row.problems.map((problem) => `${row.title}: ${problem}`));
  const verdict = problems.length === 0 ? allCameOut(rows.length) : 'Not everything came out as it must.';
  return htmlPage(
    'Kustody: losing the key',
    `<header>
<h1>Losing the key</h1>
<p class="soft">Rehearsed ${text(madeOn)} on a private instance with a cluster of its own. Seconds are those of the instance's own clock, in steps of 10.</p>
</header>
<p class="verdict ${problems.length === 0 ? 'good' : 'bad'}">${text(verdict)}</p>
${problems.length === 0 ? '' : `<ul>${problems.map((problem) => `<li>${text(problem)}</li>`).join('')}</ul>`}
${htmlTable(drillHead, rows.map(drillCells))}
<p class="soft">What this shows is how Kustody behaves, with a configuration of its own; it says nothing of your cluster in Azure.</p>`,
    true,
  );
}
