import { describe, expect, it } from 'vitest';
import { ManualHost } from '../clock/manual-host.ts';
import { CloseLateError, Closing, closingMs } from './closing.ts';

const hanging = (): Promise<void> => new Promise(() => undefined);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function openClosing() {
  const host = new ManualHost(0);
  const closing = new Closing(host);
  const closed: string[] = [];
  const late: [string, number][] = [];
  closing.onLate = (part, ms) => late.push([part, ms]);
  return {
    ...{ host, closing, closed, late },
    add: (name: string, close: () => unknown = () => undefined, graceMs?: number) =>
      closing.add(
        name,
        () => {
          closed.push(name);
          return close();
        },
        ...(graceMs === undefined ? [] : [() => graceMs]),
      ),
    elapse: async (milliseconds: number): Promise<void> => {
      await turn();
      await host.elapse(milliseconds);
      await turn();
    },
  };
}

describe('Closing', () => {
  it('closes the last first, each once, and has whoever asks again wait for the same', async () => {
    const { closing, closed, add } = openClosing();
    let end = (): void => undefined;
    add('first');
    add('second', () => new Promise<void>((resolve) => (end = resolve)));
    const asked = [closing.close(), closing.close()];
    await turn();
    expect(closed).toEqual(['second']);
    end();
    await Promise.all(asked);
    await closing.close();
    expect(closed).toEqual(['second', 'first']);
  });

  it('closes the others when one throws, and throws that', async () => {
    const { closing, closed, add, late } = openClosing();
    add('first');
    add('second', () => {
      throw new Error('no');
    });
    add('third', () => Promise.reject(new Error('neither')));
    await expect(closing.close()).rejects.toThrow('neither');
    expect({ closed, late }).toEqual({ closed: ['third', 'second', 'first'], late: [] });
  });

  it('names a part that hangs, leaves it behind and closes the others', async () => {
    const { closing, closed, add, late, elapse } = openClosing();
    add('first');
    add('second', hanging);
    const ended = closing.close().catch((error: unknown) => error);
    await elapse(closingMs.one - 1);
    expect(closed).toEqual(['second']);
    await elapse(1);
    expect(await ended).toEqual(new CloseLateError(['second']));
    expect({ closed, late }).toEqual({ closed: ['second', 'first'], late: [['second', closingMs.one]] });
  });

  it('gives a part its grace besides, and each a moment when the time of all is used up', async () => {
    const { closing, closed, add, late, elapse } = openClosing();
    for (const name of ['first', 'second', 'third']) add(name, hanging);
    add('fourth', hanging, 60_000);
    const ended = closing.close().catch((error: unknown) => error);
    await elapse(60_000 + closingMs.one);
    await elapse(closingMs.all - closingMs.one);
    await elapse(500);
    expect(closed).toEqual(['fourth', 'third', 'second', 'first']);
    await elapse(500);
    expect(await ended).toEqual(new CloseLateError(['fourth', 'third', 'second', 'first']));
    expect(late.map(([, ms]) => ms)).toEqual([60_000 + closingMs.one, closingMs.all - closingMs.one, 500, 500]);
  });

  it('does not mind a failure that comes after it was left behind', async () => {
    const { closing, add, elapse } = openClosing();
    let fail = (): void => undefined;
    add('first', () => new Promise<void>((_, reject) => (fail = () => reject(new Error('late')))));
    const ended = closing.close().catch((error: unknown) => error);
    await elapse(closingMs.one);
    expect(await ended).toBeInstanceOf(CloseLateError);
    fail();
    await turn();
  });
});
