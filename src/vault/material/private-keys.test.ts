import { describe, expect, it } from 'vitest';
import type { PrivateKey } from './private-keys.ts';
import { createPrivateKeyCache } from './private-keys.ts';

describe('the cache of parsed private keys', () => {
  const key = (name: string): Promise<PrivateKey> => Promise.resolve({ name } as unknown as PrivateKey);

  it('loads once, keeps the most recently used, and forgets by prefix', async () => {
    const loaded: string[] = [];
    const cache = createPrivateKeyCache(2);
    const get = (id: string) =>
      cache.get(id, () => {
        loaded.push(id);
        return key(id);
      });
    await Promise.all([get('v/a/1'), get('v/a/1'), get('v/b/1')]);
    await get('v/a/1');
    await get('v/c/1'); // b goes
    await get('v/a/1');
    await get('v/b/1');
    expect(loaded).toEqual(['v/a/1', 'v/b/1', 'v/c/1', 'v/b/1']);
    cache.forget('v/a/');
    await get('v/a/1');
    expect(loaded).toHaveLength(5);
  });

  it('has at once what was loaded, but for what was forgotten meanwhile', async () => {
    const cache = createPrivateKeyCache(2);
    const first = cache.get('v/a/1', () => key('a'));
    expect(first).toBeInstanceOf(Promise);
    const made = await first;
    expect(cache.get('v/a/1', () => key('other'))).toBe(made);
    const forgotten = cache.get('v/b/1', () => key('b'));
    cache.forget('v/b/');
    await forgotten;
    expect(await cache.get('v/b/1', () => key('new'))).toEqual({ name: 'new' });
  });

  it('does not keep a failure', async () => {
    const cache = createPrivateKeyCache(2);
    await expect(cache.get('x', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await cache.get('x', () => key('x'))).toEqual({ name: 'x' });
  });
});
