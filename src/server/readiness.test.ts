import { expect, it } from 'vitest';
import { createReadiness } from './readiness.ts';

/** A state that answers when told to, and a timer that ends when told to. */
function fixture() {
  const asked: { answer: () => void; fail: () => void }[] = [];
  const timers: (() => void)[] = [];
  let serves = true;
  const ready = createReadiness({
    clockAgrees: () => true,
    serves: () => serves,
    checkState: () =>
      new Promise((resolve, reject) =>
        asked.push({ answer: () => resolve(), fail: () => reject(new Error('The state is gone.')) }),
      ),
    startTimer: (_, run) => {
      timers.push(run);
      return () => undefined;
    },
  });
  return { ready, asked, timers, stop: () => (serves = false) };
}

it('is ready once the state answers', async () => {
  const { ready, asked } = fixture();
  const answer = ready();
  asked[0]?.answer();
  expect(await answer).toEqual({ ready: true });
});

it('is not ready while the state fails, without a word of its error, and asks again', async () => {
  const { ready, asked } = fixture();
  const answer = ready();
  asked[0]?.fail();
  expect(await answer).toEqual({ ready: false, reason: 'The state cannot be read, or takes no writes.' });
  const next = ready();
  asked[1]?.answer();
  expect(await next).toEqual({ ready: true });
});

it('is not ready while the state hangs, which is asked once', async () => {
  const { ready, asked, timers } = fixture();
  const answers = [ready(), ready()];
  for (const run of timers) run();
  const hangs = { ready: false, reason: 'The state does not answer.' };
  expect(await Promise.all(answers)).toEqual([hangs, hangs]);
  expect(asked).toHaveLength(1);
});

it('is not ready before the start is done or once a stop has begun, and asks nobody', async () => {
  const { ready, asked, stop } = fixture();
  stop();
  expect(await ready()).toEqual({ ready: false, reason: 'It is starting or stopping.' });
  expect(asked).toEqual([]);
});

it('is not ready while sealed extents that are elsewhere fail or hang, and says so', async () => {
  const away = { ready: false, reason: 'The store of sealed extents is not available.' };
  const timers: (() => void)[] = [];
  let blobs = (): Promise<void> => Promise.reject(new Error('secret words'));
  const ready = createReadiness({
    clockAgrees: () => true,
    ...{ serves: () => true, checkState: () => Promise.resolve(), checkBlobs: () => blobs() },
    startTimer: (_, run) => {
      timers.push(run);
      return () => undefined;
    },
  });
  expect(await ready()).toEqual(away);
  blobs = () => Promise.resolve();
  expect(await ready()).toEqual({ ready: true });
  blobs = () => new Promise(() => undefined);
  const hangs = ready();
  await new Promise(setImmediate); // the state has answered
  for (const run of timers) run();
  expect(await hangs).toEqual(away);
});

it('is not ready while its clock differs from that of the database, and asks nobody', async () => {
  let clockAgrees = false;
  const ready = createReadiness({
    ...{ serves: () => true, clockAgrees: () => clockAgrees, startTimer: () => () => undefined },
    checkState: () => (clockAgrees ? Promise.resolve() : Promise.reject(new Error('asked'))),
  });
  expect(await ready()).toEqual({ ready: false, reason: 'Its clock differs from that of the database.' });
  clockAgrees = true;
  expect(await ready()).toEqual({ ready: true });
});
