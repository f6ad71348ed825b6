import { describe, expect, it } from 'vitest';
import { startWaiting, whileWaiting } from './waiting.ts';

function fakeStream(isTTY: boolean) {
  let now = 0;
  let timer: { readonly every: number; run(): void } | undefined;
  const written: string[] = [];
  return {
    written,
    ports: {
      stream: { isTTY, write: (text: string) => written.push(text) },
      monotonicMs: () => now,
      every: (every: number, run: () => void) => {
        timer = { every, run };
        return () => (timer = undefined);
      },
    },
    pass: (milliseconds: number) => {
      const until = now + milliseconds;
      while (timer !== undefined && now + timer.every <= until) {
        now += timer.every;
        timer.run();
      }
      now = until;
    },
  };
}

describe('waiting', () => {
  it('says nothing of what is quick', () => {
    const { ports, pass, written } = fakeStream(false);
    const waiting = startWaiting(ports);
    waiting.begin('making a cluster');
    pass(1_400);
    waiting.begin('making a database');
    pass(1_400);
    waiting.end();
    pass(10_000);
    expect(written).toEqual([]);
  });

  it('leaves no two seconds without a line', () => {
    const { ports, pass, written } = fakeStream(false);
    startWaiting(ports).begin('making a cluster');
    pass(6_100);
    expect(written).toEqual([1, 3, 4, 6].map((seconds) => `kustody: making a cluster … ${seconds} s\n`));
  });

  it('changes one line of a terminal, and takes it away at the end', async () => {
    const { ports, pass, written } = fakeStream(true);
    await whileWaiting((begin) => {
      begin('making a cluster');
      pass(1_000);
      return Promise.resolve();
    }, startWaiting(ports));
    expect(written.join('')).toBe(
      'kustody: making a cluster … 0 s\r\u001b[2Kkustody: making a cluster … 1 s\r\u001b[2K',
    );
  });

  it('ends with work that fails', async () => {
    const { ports, pass, written } = fakeStream(false);
    const failing = whileWaiting((begin) => {
      begin('making a cluster');
      return Promise.reject(new Error('no'));
    }, startWaiting(ports));
    await expect(failing).rejects.toThrow('no');
    pass(5_000);
    expect(written).toEqual([]);
  });
});
