import { describe, expect, it } from 'vitest';
import { incompressibleText } from '../../../../tests/support/incompressible.ts';
import type { Json } from '../../../base/json.ts';
import { EvaluationEnded } from '../../../templates/thread/evaluation-thread.ts';
import { checkJobSize, jobBytesMax, measuredBytesMax } from './job-size.ts';

const tooLarge = { status: 400, code: 'DeploymentJobSizeExceeded' };

describe('the size of a deployment job', () => {
  it('is that of all parts together, compressed: 1 MB', async () => {
    const halves = (bytes: number): readonly Json[] => {
      const text = incompressibleText(bytes);
      return [{ a: text.slice(0, text.length / 2) }, [text.slice(text.length / 2)]];
    };
    await expect(checkJobSize(halves(jobBytesMax * 0.995))).resolves.toBeUndefined();
    await expect(checkJobSize(halves(jobBytesMax * 1.005))).rejects.toMatchObject({
      ...tooLarge,
      message: expect.stringContaining(`larger than ${jobBytesMax} bytes`) as unknown,
    });
  });

  it('is not looked at where it is small enough as it is', async () => {
    let isDone = false;
    void checkJobSize([{ a: 'x'.repeat(jobBytesMax / 2) }, 'x'.repeat(jobBytesMax / 2 - 10)]).then(() => {
      isDone = true;
    });
    await Promise.resolve();
    expect(isDone).toBe(true); // gzip would have taken turns of the event loop
  });

  it('is not looked at any further where it is more than gzip could make small', async () => {
    let written = 0;
    function* endless(): Generator<Json> {
      for (;;) {
        written += jobBytesMax;
        yield 'x'.repeat(jobBytesMax);
      }
    }
    await expect(checkJobSize(endless())).rejects.toMatchObject(tooLarge);
    expect(written).toBeLessThanOrEqual(measuredBytesMax);
    const most = Array.from({ length: 63 }, () => 'x'.repeat(jobBytesMax));
    await expect(checkJobSize(most)).resolves.toBeUndefined();
  });

  it('ends when nobody waits for it', async () => {
    const parts = [incompressibleText(jobBytesMax * 0.9)];
    const gone = new AbortController();
    const checked = checkJobSize(parts, gone.signal);
    gone.abort();
    await expect(checked).rejects.toBeInstanceOf(EvaluationEnded);
  });
});
