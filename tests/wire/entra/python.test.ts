import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEntra } from './entra-edge.fixture.ts';

function hasPythonClients(): boolean {
  try {
    execFileSync('python3', ['-c', 'import adal, msal'], { stdio: 'ignore' });
    return true;
  } catch {
    return false; // Debian's python3-adal and python3-msal are not installed here
  }
}

describe.skipIf(!hasPythonClients())('sign-in with ADAL and MSAL for Python', () => {
  let entra: Awaited<ReturnType<typeof startEntra>>;
  let answers: Record<string, { token?: string; message?: string }>;

  beforeAll(async () => {
    entra = await startEntra();
    const args = ['python.client.py', entra.tenant.tenantId, entra.application.appId, entra.secret];
    answers = (await entra.runClient('python3', args)) as typeof answers;
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
