import type { AccessToken, GetTokenOptions } from '@azure/core-auth';
import { describe, expect, it } from 'vitest';
import { cachedCredential } from './cached-credential.ts';

const hourMs = 3_600_000;

function counting(): { readonly asked: GetTokenOptions[]; getToken: ReturnType<typeof make> } {
  const asked: GetTokenOptions[] = [];
  return { asked, getToken: make(asked) };
}
const make =
  (asked: GetTokenOptions[]) =>
  (_scopes: string | string[], options: GetTokenOptions = {}): Promise<AccessToken | null> => {
    asked.push(options);
    return Promise.resolve({ token: String(asked.length), expiresOnTimestamp: hourMs });
  };

describe('a cached credential', () => {
  it('asks once for each resource and tenant', async () => {
    const credential = counting();
    const cached = cachedCredential(credential, () => 0);
    expect((await cached.getToken('a'))?.token).toBe('1');
    expect((await cached.getToken('a'))?.token).toBe('1');
    expect((await cached.getToken('b'))?.token).toBe('2');
    expect((await cached.getToken('a', { tenantId: 't' }))?.token).toBe('3');
    expect(credential.asked).toHaveLength(3);
  });

  it('asks anew before the end of a token, and when one was refused', async () => {
    const credential = counting();
    let now = 0;
    const cached = cachedCredential(credential, () => now);
    await cached.getToken('a');
    await cached.getToken('a', { claims: 'c' });
    expect(credential.asked).toHaveLength(2);
    now = hourMs - 5 * 60_000 - 1;
    expect((await cached.getToken('a'))?.token).toBe('2');
    now += 1;
    expect((await cached.getToken('a'))?.token).toBe('3');
  });

  it('remembers no failure', async () => {
    let attempts = 0;
    const cached = cachedCredential({ getToken: () => Promise.reject(new Error(`no ${(attempts += 1)}`)) }, () => 0);
    await expect(cached.getToken('a')).rejects.toThrow('no 1');
    await expect(cached.getToken('a')).rejects.toThrow('no 2');
  });
});
