import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { heapBytes } from './heap-bytes.ts';

/** Reads JSON texts, makes 200 values of each, and tells by how many bytes the heap has grown for one. What the program itself needs it has
 * after the first round. */
const measure = `
  const texts = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
  const used = () => { for (let n = 0; n < 4; n += 1) gc(); return process.memoryUsage().heapUsed; };
  const count = 200;
  const kept = Array.from({ length: count }, () => null);
  const grownFor = (text) => {
    kept.fill(null);
    const before = used();
    for (let n = 0; n < count; n += 1) kept[n] = JSON.parse(text);
    return (used() - before) / count;
  };
  for (const text of texts) grownFor(text);
  console.log(JSON.stringify(texts.map(grownFor)));
`;

it('is what V8 takes, and not twice as much', () => {
  const values = [
    Array.from({ length: 100 }, (_one, at) => ({
      op: 'where',
      at,
      input: { op: 'table', at },
      isLast: false,
      next: null,
    })),
    Array.from({ length: 300 }, (_one, n) => ({ name: `Column of a table ${n}`, type: 'string', at: n })),
    Array.from({ length: 300 }, (_one, n) => ({ value: n + 0.5, large: 5_000_000_000 + n })),
    Array.from({ length: 100 }, (_one, n) => `${'long text '.repeat(50)}${n}`),
    Array.from({ length: 100 }, (_one, n) => `${'Größe → '.repeat(50)}${n}`),
    Array.from({ length: 300 }, (_one, n) => [[n], [], [n, [n]]]),
  ];
  const texts = JSON.stringify(values.map((value) => JSON.stringify(value)));
  const output = execFileSync(process.execPath, ['--expose-gc', '-e', measure], { input: texts });
  const taken = JSON.parse(output.toString()) as number[];
  expect(taken).toHaveLength(values.length);
  const shares = values.map((value, at) => heapBytes(value) / (taken[at] ?? 0));
  for (const share of shares) {
    expect(share, shares.join()).toBeGreaterThan(0.9);
    expect(share, shares.join()).toBeLessThan(2);
  }
});

it('is no more than enough of what has no end', () => {
  let doubled: unknown = ['x'];
  for (let n = 0; n < 100; n += 1) doubled = [doubled, doubled];
  expect(heapBytes(doubled, 1_000_000)).toBeGreaterThan(1_000_000);
  expect(heapBytes(doubled, 1_000_000)).toBeLessThan(1_001_000);
});
