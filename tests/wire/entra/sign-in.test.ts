import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEntra } from './entra-edge.fixture.ts';

interface Outcome {
  token?: string;
  expiresOn?: number;
  error?: string;
  code?: string;
  message?: string;
}

/** Unchanged clients in their own process, led here by proxy variables only. */
describe('sign-in with a client secret', () => {
  let entra: Awaited<ReturnType<typeof startEntra>>;
  const answers: Record<string, Outcome> = {};

  beforeAll(async () => {
    entra = await startEntra();
    const base = { tenant: entra.tenant.tenantId, clientId: entra.application.appId, secret: entra.secret };
    const vault = 'https://vault.azure.net/.default';
    const asked: Record<string, Record<string, string>> = {
      arm: { scope: 'https://management.azure.com/.default' },
      vault: { scope: vault },
      kusto: { scope: 'https://kusto.kusto.windows.net/.default' },
      domain: { scope: vault, tenant: 'kustody.onmicrosoft.com' },
      msal: { scope: 'https://management.core.windows.net//.default', client: 'msal' },
      wrongSecret: { scope: vault, secret: 'wrong' },
      msalWrongSecret: { scope: vault, secret: 'wrong', client: 'msal' },
      unknownTenant: { scope: vault, tenant: '11111111-2222-4333-8444-555555555555' },
      unknownResource: { scope: 'https://nothing.example/.default' },
    };
    const input = Object.values(asked).map((fields) => ({ ...base, ...fields }));
    const outcomes = await entra.runClient(process.execPath, ['sign-in.client.mjs', JSON.stringify(input)]);
    Object.keys(asked).forEach((name, at) => (answers[name] = (outcomes as Outcome[])[at] ?? {}));
  });
  afterAll(() => entra.close());

  it.each([
    ['arm', 'https://management.azure.com'],
    ['vault', 'https://vault.azure.net'],
    ['kusto', 'https://kusto.kusto.windows.net'],
    ['domain', 'https://vault.azure.net'],
    ['msal', 'https://management.core.windows.net/'],
  ])('gives %s a token for %s that lasts an hour', async (name, audience) => {
    const { token, expiresOn, message } = answers[name] ?? {};
    expect(message).toBeUndefined();
    expect(await entra.verifyToken(`Bearer ${token ?? ''}`, [audience])).toMatchObject({
      outcome: 'valid',
      caller: { appId: entra.application.appId, tenantId: entra.tenant.tenantId },
    });
    const seconds = ((expiresOn ?? 0) - entra.wall.now) / 1000;
    expect(seconds).toBeGreaterThan(3500);
    expect(seconds).toBeLessThan(3660);
  });

  it.each([
    ['wrongSecret', 'AADSTS7000215: Invalid client secret provided.'],
    ['msalWrongSecret', 'AADSTS7000215: Invalid client secret provided.'],
    ['unknownTenant', "AADSTS90002: Tenant '11111111-2222-4333-8444-555555555555' not found."],
    ['unknownResource', 'AADSTS500011: The resource principal named https://nothing.example was not found'],
  ])('tells %s: %s', (name, text) => {
    expect(answers[name]?.message).toContain(text);
    expect(answers[name]?.token).toBeUndefined();
  });
});
