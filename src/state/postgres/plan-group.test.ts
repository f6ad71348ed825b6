import { describe, expect, it } from 'vitest';
import type { RecordCommit, RecordWrite } from '../state-store.ts';
import { planGroup, recordKey } from './plan-group.ts';

const write = (id: string, expect: number | null, version: number | null): RecordWrite => ({
  ...{ table: 't', id, expect },
  put: version === null ? null : { version, value: Buffer.from(id) },
});
const commit = (...writes: RecordWrite[]): RecordCommit => ({ write: writes });
const plan = (commits: readonly RecordCommit[], found: Readonly<Record<string, number | null>> = {}) => {
  const known = new Map(Object.entries(found).map(([id, version]) => [recordKey('t', id), version]));
  const { records, outcomes } = planGroup(commits, known);
  return {
    records: records.map(({ id, expect, put }) => [id, expect, put === undefined ? 'stays' : (put?.version ?? 'goes')]),
    refused: outcomes.map((conflict) => conflict?.id),
  };
};

describe('planGroup', () => {
  it('makes one change of what follows each other, in the order of bytes', () => {
    expect(
      plan([commit(write('é', null, 1)), commit(write('b', 5, 6)), commit(write('b', 6, 7), write('a', null, 1))]),
    ).toEqual({
      records: [
        ['a', null, 1],
        ['b', 5, 7],
        ['é', null, 1],
      ],
      refused: [undefined, undefined, undefined],
    });
  });

  it('refuses whoever expects what one before has changed, whole, and nobody else', () => {
    expect(
      plan([commit(write('a', 1, 2)), commit(write('c', null, 1), write('a', 1, 3)), commit(write('b', 1, 2))]),
    ).toEqual({
      records: [
        ['a', 1, 2],
        ['b', 1, 2],
      ],
      refused: [undefined, 'a', undefined],
    });
  });

  it('is made anew with what was found: the first is refused, and the second right', () => {
    const commits = [commit(write('a', 1, 2), write('b', null, 1)), commit(write('a', 7, 8)), commit(write('a', 2, 3))];
    expect(plan(commits, { a: 7 })).toEqual({ records: [['a', 7, 8]], refused: ['a', undefined, 'a'] });
    expect(plan(commits, { a: null }).refused).toEqual(['a', 'a', 'a']);
  });

  it('still expects the absence of what comes and goes, and what is only expected stays', () => {
    const expecting = { expect: [{ table: 't', id: 'x', expect: 4 }], write: [write('y', 1, null)] };
    expect(plan([commit(write('a', null, 1)), commit(write('a', 1, null)), expecting]).records).toEqual([
      ['a', null, 'stays'],
      ['x', 4, 'stays'],
      ['y', 1, 'goes'],
    ]);
  });
});
