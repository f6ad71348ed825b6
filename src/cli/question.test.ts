import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ask } from './question.ts';

const terminal = () => ({
  input: Object.assign(new PassThrough(), { isTTY: true }),
  output: Object.assign(new PassThrough(), { isTTY: true }),
});

describe('a question', () => {
  it.each([
    ['yes\n', true],
    [' yes \n', true],
    ['y\n', false],
    ['\n', false],
  ])('answered by %j is %s', async (typed, expected) => {
    const streams = terminal();
    const answer = ask('Really?', undefined, streams);
    streams.input.write(typed);
    expect(await answer).toBe(expected);
    expect(String(streams.output.read())).toContain('Really? Type yes: ');
  });

  it('ends with 130 when it is interrupted', async () => {
    const streams = terminal();
    const answer = ask('Really?', undefined, streams);
    streams.input.write('\u0003');
    await expect(answer).rejects.toMatchObject({ name: 'UserError', exitCode: 130 });
  });

  it('means no when the input ends', async () => {
    const streams = terminal();
    const answer = ask('Really?', undefined, streams);
    streams.input.end();
    expect(await answer).toBe(false);
  });

  it('is refused where nobody is', async () => {
    const { output } = terminal();
    await expect(ask('Really?', undefined, { input: new PassThrough(), output })).rejects.toMatchObject({
      exitCode: 1,
    });
  });
});
