import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { python, pythonHas } from '../../support/python.ts';
import { startEntra } from './entra-edge.fixture.ts';

describe.skipIf(!pythonHas('adal', 'msal'))('sign-in with ADAL and MSAL for Python', () => {
  let entra: Awaited<ReturnType<typeof startEntra>>;
  let answers: Record<string, { token?: string; message?: string }>;

  beforeAll(async () => {
    entra = await startEntra();
    const args = ['python.client.py', entra.tenant.tenantId, entra.application.appId, entra.secret];
    answers = (await entra.runClient(python, args)) as typeof answers;
  });
  afterAll(() => entra.close());

  it.each(['adal', 'msal', 'msalDomain'])('gives %s a token', async (name) => {
    const header = `Bearer ${answers[name]?.token ?? ''}`;
    expect(await entra.verifyToken(header, ['https://management.core.windows.net/'])).toMatchObject({
      outcome: 'valid',
    });
  });

  it.each(['adalWrong', 'msalWrong'])('tells %s that the secret is wrong', (name) => {
    expect(answers[name]?.message).toContain('AADSTS7000215: Invalid client secret provided.');
  });
});
