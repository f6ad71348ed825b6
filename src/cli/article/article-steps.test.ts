import { describe, expect, it } from 'vitest';
import { createStep, readServiceError, StepFailed } from './article-steps.ts';
import type { StepRecord } from './article-steps.ts';
import { silentPresenter } from './present.ts';

describe('a step', () => {
  it('hands its value on and is recorded with its time', async () => {
    const records: StepRecord[] = [];
    let now = 100;
    const step = createStep(silentPresenter, () => (now += 5), records);
    expect(await step('title', 'why', () => Promise.resolve({ value: 7, result: 'done' }))).toBe(7);
    expect(records).toEqual([{ title: 'title', explanation: 'why', milliseconds: 5, result: 'done' }]);
  });

  it('that fails is recorded with what the service said, and ends the article', async () => {
    const records: StepRecord[] = [];
    const step = createStep(silentPresenter, () => 0, records);
    const error = Object.assign(new Error('text'), {
      code: 'KeyNotFound',
      details: { error: { code: 'KeyNotFound', message: 'Key gone', details: [{ message: 'cause' }] } },
    });
    await expect(step('title', 'why', () => Promise.reject(error))).rejects.toBeInstanceOf(StepFailed);
    expect(records).toMatchObject([{ failure: 'KeyNotFound: Key gone cause' }]);
    expect(records[0]).not.toHaveProperty('result');
  });
});

describe('what an SDK throws', () => {
  it.each([
    [Object.assign(new Error('m'), { code: 'C' }), { code: 'C', message: 'm', details: [] }],
    [new Error('m'), { code: 'no code', message: 'm', details: [] }],
    ['text', { code: 'no code', message: 'text', details: [] }],
    [undefined, { code: 'no code', message: 'undefined', details: [] }],
    [
      Object.assign(new Error('m'), {
        details: { error: { code: 'D', message: 'n', details: [{ message: 'o' }, { message: 1 }] } },
      }),
      { code: 'D', message: 'n', details: ['o'] },
    ],
  ])('%#: %s', (thrown, read) => {
    expect(readServiceError(thrown)).toEqual(read);
  });
});
