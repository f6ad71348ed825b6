import { describe, expect, it } from 'vitest';
import type { ControlClient } from './control-client.ts';
import { openPortal } from './open.ts';

describe('kustody open', () => {
  const clientOf = (isBuilt: boolean): ControlClient => ({
    dataDirectory: '/data',
    file: { pid: 1, port: 4711, proxyPort: 4712, kustoPort: 4713, token: 'control' },
    call: () => Promise.resolve({ path: '/portal/#open=secret', expiresInSeconds: 120, isBuilt }),
    download: () => Promise.reject(new Error('unused')),
    environment: () => Promise.reject(new Error('unused')),
  });

  it('prints the link and how long it holds', async () => {
    const told = await openPortal(clientOf(true), false);
    expect(told).toMatch(/^https:\/\/localhost:4711\/portal\/#open=secret\n.* within 2 minutes/);
  });

  it('says which command builds the pages, and prints no link, where they are not built', async () => {
    await expect(openPortal(clientOf(false), false)).rejects.toMatchObject({
      exitCode: 1,
      hint: expect.stringContaining('npm run build:portal') as string,
    });
  });
});
