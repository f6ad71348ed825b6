import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

const percents = [1, 25, 50, 90, 99];
/** In units: what the pages of dcount() say of each accuracy, as three standard deviations, and 1 % of the rank for percentiles. */
const countErrors = [0.016, 0.008, 0.004, 0.0028, 0.002].map((sigma) => 3 * sigma);
const rankError = 0.01;

const unit = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const shapes = [
  unit,
  unit.map((x) => -Math.log(1 - x) * 1e3), // a long tail
  unit.map((x) => (1 - x) ** -1.5), // a longer one
  unit.map((x) => Math.floor(x * 12)), // few values, many times
  fc.tuple(unit, unit, unit).map(([a, b, c]) => (a + b + c - 1.5) * 1e-3), // a bell around zero
  fc.oneof(
    unit.map((x) => x - 1e6),
    unit.map((x) => x + 1e6),
  ), // two heaps far apart
];

it('sketches of 100 distributions, merged from halves, answer within the documented error', async () => {
  const sets = fc.sample(
    fc.nat(shapes.length - 1).chain((shape) => fc.array(shapes[shape] ?? unit, { minLength: 1, maxLength: 80 })),
    { numRuns: 100, seed: 15 },
  );
  const engine = await openLocalEngine(parserEntry);
  try {
    const counted = countErrors.map((_, accuracy) => `h${accuracy} = hll(tostring(v), ${accuracy})`).join(', ');
    const merged = countErrors.map((_, accuracy) => `h${accuracy} = hll_merge(h${accuracy})`).join(', ');
    const [table] = await engine.run(
      `datatable(n:long, vs:dynamic) [${sets.map((set, n) => `${n}, dynamic(${JSON.stringify(set)})`).join(', ')}]
       | mv-expand with_itemindex=i v = vs to typeof(real)
       | summarize ${counted}, t = tdigest(v) by n, half = i % 2
       | summarize ${merged}, t = tdigest_merge(t) by n
       | project n, ${countErrors.map((_, accuracy) => `dcount_hll(h${accuracy})`).join(', ')},
           ${percents.map((percent) => `percentile_tdigest(t, ${percent}, typeof(real))`).join(', ')}
       | sort by n asc`,
    );
    expect(table?.rows).toHaveLength(100);
    for (const [n, ...answers] of table?.rows ?? []) {
      const sorted = [...(sets[Number(n)] ?? [])].sort((a, b) => a - b);
      const distinct = new Set(sorted).size;
      for (const [accuracy, error] of countErrors.entries())
        expect(Math.abs(Number(answers[accuracy]) - distinct), `set ${String(n)}`).toBeLessThanOrEqual(
          error * distinct,
        );
      for (const [index, percent] of percents.entries()) {
        const at = (rank: number): number =>
          sorted[Math.min(sorted.length, Math.max(1, Math.ceil(rank * sorted.length))) - 1] ?? NaN;
        const answer = Number(answers[countErrors.length + index]);
        expect(answer, `set ${String(n)}, ${percent} %`).toBeGreaterThanOrEqual(at(percent / 100 - rankError));
        expect(answer, `set ${String(n)}, ${percent} %`).toBeLessThanOrEqual(at(percent / 100 + rankError));
      }
    }
  } finally {
    engine.close();
  }
});
