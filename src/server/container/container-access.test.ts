import type { TokenCredential } from '@azure/core-auth';
import { describe, expect, it } from 'vitest';
import { parseConnectionString } from './connection-string.ts';
import { createContainerAccess } from './container-access.ts';

const container = 'https://acc.blob.core.windows.net/box';
const key = Buffer.from('a key of an account').toString('base64');
const now = Date.UTC(2026, 0, 1);

describe('access to a container', () => {
  it('of an account key is a signature for that container and an hour, asked for again before it ends', async () => {
    const credential = parseConnectionString(
      `AccountName=acc;AccountKey=${key};EndpointSuffix=core.windows.net`,
      container,
    );
    const { kind, value, goodForMs } = await createContainerAccess(container, credential, () => now)();
    const query = new URLSearchParams(value);
    expect({ kind, goodForMs }).toEqual({ kind: 'signature', goodForMs: 45 * 60_000 });
    expect(Object.fromEntries(query)).toMatchObject({ sr: 'c', sp: 'rcwdl', spr: 'https', se: '2026-01-01T01:00:00Z' });
    expect(value).not.toContain(key);
  });

  it('of a signature is that', async () => {
    const credential = parseConnectionString(
      'BlobEndpoint=https://acc.blob.core.windows.net/;SharedAccessSignature=sv=2025-01-05&sig=abc%3D',
      container,
    );
    expect(await createContainerAccess(container, credential, () => now)()).toEqual({
      ...{ kind: 'signature', value: 'sv=2025-01-05&sig=abc%3D', goodForMs: Infinity },
    });
  });

  it('without either is a token for storage, asked for again in the middle of its time', async () => {
    const asked: unknown[] = [];
    const credential: TokenCredential = {
      getToken: (scope) => {
        asked.push(scope);
        return Promise.resolve({ token: 'theirs', expiresOnTimestamp: now + 3_600_000 });
      },
    };
    const ask = createContainerAccess(
      container,
      undefined,
      () => now,
      () => Promise.resolve(credential),
    );
    expect([await ask(), await ask()]).toEqual(Array(2).fill({ kind: 'token', value: 'theirs', goodForMs: 1_800_000 }));
    expect(asked).toEqual(Array(2).fill('https://storage.azure.com/.default'));
  });

  it('is an outage with a name where nobody signs in, without their words', async () => {
    const failing: TokenCredential = { getToken: () => Promise.reject(new Error('secret words')) };
    const failed = createContainerAccess(
      container,
      undefined,
      () => now,
      () => Promise.resolve(failing),
    )();
    await expect(failed).rejects.toMatchObject({ name: 'BlobsUnavailableError' });
    await expect(failed).rejects.not.toThrow('secret words');
  });

  it.each([
    'AccountName=acc',
    'UseDevelopmentStorage=true',
    `AccountName=other;AccountKey=${key}`,
    `AccountName=acc;AccountKey=${key};BlobEndpoint=http://acc.blob.core.windows.net`,
    `AccountName=acc;AccountKey=${key};BlobEndpoint=https://acc.blob.core.windows.net.evil.org`,
    'BlobEndpoint=https://other.blob.core.windows.net;SharedAccessSignature=sig=abc',
  ])('is not taken from %s, of which nothing is repeated', (text) => {
    const parse = (): unknown => parseConnectionString(text, container);
    expect(parse).toThrow(/no connection string|another account/);
    expect(parse).not.toThrow(key);
  });
});
