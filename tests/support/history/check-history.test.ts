import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../fuzz.ts';
import type { Rule } from './check-history.ts';
import { allRules, checkHistory } from './check-history.ts';
import { brokenRegisters } from './check-registers.ts';
import type { Action, Operation } from './history.ts';

const did = (began: number, ended: number, action: Action, outcome: Operation['outcome'] = 'ok'): Operation => ({
  ...action,
  ...{ client: 'a', began, ended, outcome },
});
const sent = (...rows: string[]): Action => ({ kind: 'ingest', table: 'T', rows });
const seen = (...rows: string[]): Action => ({ kind: 'read', table: 'T', rows });
const put = (value: string): Action => ({ kind: 'put', register: 'r', value });
const got = (value: string): Action => ({ kind: 'get', register: 'r', value });
const late: Action = { kind: 'ingest', table: 'T', rows: ['x'], late: true };
const [revoke, restore]: readonly Action[] = [{ kind: 'revoke' }, { kind: 'restore' }];
const took = (kind: 'revoke' | 'restore', began: number, ended: number, outcome?: Operation['outcome']) =>
  did(began, ended, (kind === 'revoke' ? revoke : restore) as Action, outcome);

const good: Readonly<Record<string, readonly Operation[]>> = {
  'rows that are there': [did(1, 2, sent('x')), did(3, 4, seen('x'))],
  'rows in any order': [did(1, 2, sent('x', 'y')), did(3, 4, seen('y', 'x'))],
  'an answer that began before the acknowledgement': [did(1, 4, sent('x')), did(3, 5, seen()), did(6, 7, seen('x'))],
  'an unknown row that is there': [did(1, 2, sent('x'), 'unknown'), did(3, 4, seen('x')), did(5, 6, seen('x'))],
  'an unknown row that comes later': [did(1, 2, sent('x'), 'unknown'), did(3, 4, seen()), did(5, 6, seen('x'))],
  'an unknown row that never comes': [did(1, 2, sent('x'), 'unknown'), did(3, 4, seen())],
  'a row seen by one of two at the same time': [
    ...[did(1, 9, sent('x')), did(3, 6, seen('x')), did(5, 7, seen())],
    did(10, 11, seen('x')),
  ],
  'a refused row that is not there': [did(1, 2, sent('x'), 'fail'), did(3, 4, seen())],
  'a late row that comes to nothing': [did(1, 9, late, 'unknown'), did(10, 11, seen())],
  'no rows after a revocation': [
    ...[did(1, 2, sent('x')), took('revoke', 3, 4), did(5, 6, seen('x'), 'fail')],
    ...[took('restore', 7, 8), did(9, 10, seen('x'))],
  ],
  'rows to who asked before it was acknowledged': [
    ...[did(1, 2, sent('x')), took('revoke', 3, 6), did(5, 9, seen('x'))],
    ...[took('restore', 10, 11), did(12, 13, seen('x'))],
  ],
  'rows after a revocation that nobody knows of': [
    ...[did(1, 2, sent('x')), took('revoke', 3, 4, 'unknown'), did(5, 6, seen('x'))],
  ],
  'rows while it is being undone': [
    ...[did(1, 2, sent('x')), took('revoke', 3, 4), took('restore', 5, 9, 'unknown'), did(6, 7, seen('x'))],
  ],
  'rows after an earlier revocation that was undone': [
    ...[did(1, 2, sent('x')), took('revoke', 3, 4), took('restore', 5, 6), did(7, 8, seen('x'))],
  ],
  'a register that is read as it was put': [did(1, 2, got('')), did(3, 4, put('x')), did(5, 6, got('x'))],
  'a put that is read before it is acknowledged': [did(1, 9, put('x')), did(2, 3, got('x')), did(4, 5, got('x'))],
  'an unknown put that never was': [did(1, 2, put('x'), 'unknown'), did(3, 4, got(''))],
  'an unknown put that comes late': [
    ...[did(1, 2, put('x'), 'unknown'), did(3, 4, put('y')), did(5, 6, got('y')), did(7, 8, got('x'))],
  ],
  'two puts at a time in the other order': [did(1, 9, put('x')), did(2, 8, put('y')), did(10, 11, got('x'))],
};

const bad: readonly (readonly [Rule, string, readonly Operation[]])[] = [
  ['lost', 'an acknowledged row that is gone at the end', [did(1, 2, sent('x', 'y')), did(3, 4, seen('x'))]],
  ['lost', 'a stale answer', [did(1, 2, sent('x')), did(3, 4, seen()), did(5, 6, seen('x'))]],
  [
    'unseen',
    'an unknown row that was seen and is gone',
    [did(1, 2, sent('x'), 'unknown'), did(3, 4, seen('x')), did(5, 6, seen())],
  ],
  [
    'unseen',
    'a row that was seen before its acknowledgement',
    [did(1, 9, sent('x')), did(2, 3, seen('x')), did(5, 6, seen()), did(10, 11, seen('x'))],
  ],
  ['twice', 'an acknowledged row', [did(1, 2, sent('x')), did(3, 4, seen('x', 'x'))]],
  ['twice', 'an unknown row', [did(1, 2, sent('x'), 'unknown'), did(3, 4, seen('x', 'x'))]],
  ['invented', 'a row that nobody sent', [did(3, 4, seen('x'))]],
  [
    'invented',
    'a row of another table',
    [did(1, 2, { kind: 'ingest', table: 'U', rows: ['x'] }, 'unknown'), did(3, 4, seen('x'))],
  ],
  ['invented', 'a row that was refused', [did(1, 2, sent('x'), 'fail'), did(3, 4, seen('x'))]],
  ['invented', 'a row before it was sent', [did(1, 2, seen('x')), did(3, 4, sent('x')), did(5, 6, seen('x'))]],
  ['late', 'an acknowledgement', [did(1, 9, late), did(10, 11, seen('x'))]],
  ['late', 'a row that is there', [did(1, 9, late, 'unknown'), did(10, 11, seen('x'))]],
  ['revoked', 'a row to who asked afterwards', [did(1, 2, sent('x')), took('revoke', 3, 4), did(5, 6, seen('x'))]],
  [
    'revoked',
    'a row after the second revocation',
    [
      ...[did(1, 2, sent('x')), took('revoke', 3, 4), took('restore', 5, 6), took('revoke', 7, 8)],
      ...[did(9, 10, seen('x')), took('restore', 11, 12)],
    ],
  ],
  [
    'revoked',
    'a row although its undoing was refused',
    [did(1, 2, sent('x')), took('revoke', 3, 4), took('restore', 5, 6, 'fail'), did(7, 8, seen('x'))],
  ],
  ['register', 'a stale value', [did(1, 2, put('x')), did(3, 4, got(''))]],
  ['register', 'a value before it was put', [did(1, 2, got('x')), did(3, 4, put('x'))]],
  ['register', 'a value that nobody put', [did(1, 2, got('x'))]],
  ['register', 'a value that was refused', [did(1, 2, put('x'), 'fail'), did(3, 4, got('x'))]],
  ['register', 'a lost put', [did(1, 2, put('x')), did(3, 4, put('y')), did(5, 6, got('x'))]],
  [
    'register',
    'a value that comes back',
    [did(1, 9, put('x')), did(1, 9, put('y')), did(2, 3, got('x')), did(4, 5, got('y')), did(6, 7, got('x'))],
  ],
  ['register', 'readers that do not agree', [did(1, 20, put('x')), did(2, 3, got('x')), did(4, 5, got(''))]],
  ['unread', 'no look at the end', [did(1, 2, seen()), did(3, 4, sent('x'))]],
];

describe('the checker of histories', () => {
  it.each(Object.entries(good))('takes %s', (_, history) => {
    expect(checkHistory(history)).toEqual([]);
  });

  it.each(bad)('finds by the rule %s: %s', (rule, _, history) => {
    expect([...new Set(checkHistory(history).map((problem) => problem.rule))]).toEqual([rule]);
  });

  it('has a history that breaks each rule', () => {
    expect([...new Set(bad.map(([rule]) => rule))].toSorted()).toEqual(allRules.toSorted());
  });

  it('finds in registers what trying all orders finds', () => {
    const values = ['x', 'y', 'z'];
    const time = fc.integer({ min: 0, max: 12 });
    const times = fc
      .uniqueArray(time, { minLength: 2, maxLength: 2 })
      .map(([a = 0, b = 0]) => [Math.min(a, b), Math.max(a, b)]);
    const outcome = fc.constantFrom('ok', 'ok', 'unknown', 'fail');
    const puts = fc.tuple(...values.map((value) => fc.tuple(times, outcome, fc.constant(put(value)))));
    const gets = fc.array(fc.tuple(times, fc.constant('ok'), fc.constantFrom('', ...values).map(got)), {
      maxLength: 4,
    });
    const seenBoth = new Set<boolean>();
    fc.assert(
      fc.property(puts, gets, (written, read) => {
        // Distinct times: an end and a beginning at the same moment say nothing.
        const history = [...written, ...read].map(([[began = 0, ended = 0], end, action], index) =>
          did(began + index / 32, ended + (index + 16) / 32, action, end),
        );
        const isGood = hasOrder(history);
        seenBoth.add(isGood);
        return (brokenRegisters(history).length === 0) === isGood;
      }),
      fuzz(3_000),
    );
    expect(seenBoth).toEqual(new Set([true, false]));
  });
});

/** Tries all orders, with and without each put of which nobody knows. */
function hasOrder(history: readonly Operation[]): boolean {
  const left = history.filter((one) => (one.kind === 'put' ? one.outcome !== 'fail' : one.outcome === 'ok'));
  const endOf = (one: Operation): number => (one.outcome === 'unknown' ? Infinity : one.ended);
  const goOn = (rest: readonly Operation[], value: string): boolean => {
    if (rest.every(({ outcome }) => outcome === 'unknown')) return true;
    return rest.some((next) => {
      if (rest.some((other) => endOf(other) < next.began)) return false;
      const others = rest.filter((other) => other !== next);
      if (next.kind === 'put') return goOn(others, next.value);
      return next.kind === 'get' && next.value === value && goOn(others, value);
    });
  };
  return goOn(left, '');
}
