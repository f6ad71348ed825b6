import { describe, expect, it } from 'vitest';
import { WhileUnchanged } from './while-unchanged.ts';

describe('results that are kept while their records are unchanged', () => {
  const [first, second, third] = [{}, {}, {}];

  it('are found under the same marks only', () => {
    const kept = new WhileUnchanged<string, number>(10);
    kept.keep('a', [first, second], 1);
    expect(kept.get('a', () => [first, second])).toBe(1);
    expect(kept.get('b', () => [first, second])).toBeUndefined();
    for (const others of [[first], [first, third], [second, first], [first, undefined], []]) {
      kept.keep('a', [first, second], 1);
      expect(kept.get('a', () => others)).toBeUndefined();
      // What is out of date does not come back.
      expect(kept.get('a', () => [first, second])).toBeUndefined();
    }
  });

  it('are not kept where a change could not be told', () => {
    const kept = new WhileUnchanged<string, number>(10);
    kept.keep('a', [first, undefined], 1);
    expect(kept.get('a', () => [first, undefined])).toBeUndefined();
    kept.keep('b', [], 1);
    expect(kept.get('b', () => [])).toBeUndefined();
  });

  it('are found without a look at marks while nothing at all has changed', () => {
    let all: object | undefined = first;
    const kept = new WhileUnchanged<string, number>(10, () => all);
    kept.keep('a', [second], 1);
    const reads: string[] = [];
    const read = (): number | undefined =>
      kept.get('a', () => {
        reads.push('marks');
        return [second];
      });
    expect([read(), read()]).toEqual([1, 1]);
    expect(reads).toHaveLength(1);
    all = third;
    expect([read(), read()]).toEqual([1, 1]);
    expect(reads).toHaveLength(2);
    all = undefined;
    expect([read(), read()]).toEqual([1, 1]);
    expect(reads).toHaveLength(4);
    all = first;
    expect(kept.get('a', () => [third])).toBeUndefined();
  });

  it('are so many, those used last', () => {
    const kept = new WhileUnchanged<string, number>(2);
    kept.keep('a', [first], 1);
    kept.keep('b', [first], 2);
    kept.get('a', () => [first]);
    kept.keep('c', [first], 3);
    expect(['a', 'b', 'c'].map((key) => kept.get(key, () => [first]))).toEqual([1, undefined, 3]);
  });
});
