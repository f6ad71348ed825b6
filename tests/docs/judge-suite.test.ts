import { describe, expect, it } from 'vitest';
import type { SeenTest } from '../../scripts/vendor-suites/judge-suite.mjs';
import { judgeSuite } from '../../scripts/vendor-suites/judge-suite.mjs';

const rules = { passed: 1, failing: { old: 'asks a host of the internet' }, skipped: { unsafe: 'empties the vault' } };
const asExpected: readonly SeenTest[] = [
  { title: 'good', outcome: 'passed' },
  { title: 'old', outcome: 'failed', message: 'no such host' },
  { title: 'unsafe', outcome: 'skipped' },
];
const judged = (change: (tests: readonly SeenTest[]) => readonly SeenTest[]): string[] =>
  judgeSuite(rules, change(asExpected));
const as = (title: string, outcome: SeenTest['outcome']) => (tests: readonly SeenTest[]) =>
  tests.map((test) => (test.title === title ? { title, outcome } : test));

describe("a vendor's suite", () => {
  it('is as expected when what passes, fails and skips itself is what is listed', () => {
    expect(judged((tests) => tests)).toEqual([]);
  });

  it('is not when a test fails or skips itself that is not listed so', () => {
    expect(judged((tests) => [...tests, { title: 'new', outcome: 'failed', message: 'why' }])).toEqual([
      'failed: new (why)',
    ]);
    expect(judged((tests) => [...tests, { title: 'new', outcome: 'skipped' }])).toEqual(['skipped: new']);
    expect(judged(as('unsafe', 'failed'))).toContain('failed: unsafe');
  });

  it('is not when a test passes that is listed as failing or skipped, or was never begun', () => {
    const isNot = (outcome: string, title: string): string =>
      `suites.json says that it is ${outcome}, and it is not: ${title}`;
    expect(judged(as('old', 'passed'))).toContain(isNot('failed', 'old'));
    expect(judged(as('unsafe', 'passed'))).toContain(isNot('skipped', 'unsafe'));
    expect(judged((tests) => tests.filter(({ title }) => title !== 'old'))).toEqual([isNot('failed', 'old')]);
  });

  it('is not when fewer pass than did, and says to raise the number when more do', () => {
    expect(judged((tests) => tests.slice(1))).toEqual(['0 passed, where 1 must']);
    expect(judged((tests) => [...tests, { title: 'new', outcome: 'passed' }])).toEqual([
      '2 passed, more than the 1 of suites.json: raise them',
    ]);
  });
});
