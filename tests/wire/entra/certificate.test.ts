import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { instant } from '../../../src/clock/clock.ts';
import { makeCertificate, registerCertificate } from '../../../src/identity/entra/assertion.fixture.ts';
import type { ClientCertificate } from '../../../src/identity/entra/assertion.fixture.ts';
import { python, pythonHas } from '../../support/python.ts';
import { startEntra } from './entra-edge.fixture.ts';

interface Outcome {
  readonly token?: string;
  readonly message?: string;
}
type Outcomes = Readonly<Record<string, Outcome>>;

const hasPython = pythonHas('azure.identity');

/** Key and certificate in one file, as the clients read them. */
function pemOf({ der, privateKey }: ClientCertificate): string {
  const base64 = der.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return `${key}-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`;
}

/** Unchanged clients in their own process, led here by proxy variables only. */
describe('sign-in with a certificate', () => {
  let entra: Awaited<ReturnType<typeof startEntra>>;
  let directory: string;
  const answers: Record<string, Outcomes> = {};

  beforeAll(async () => {
    entra = await startEntra();
    const [own, other] = await Promise.all([makeCertificate(entra.wall.now), makeCertificate(entra.wall.now)]);
    await registerCertificate(entra, own);
    directory = await mkdtemp(join(tmpdir(), 'kustody-certificate-'));
    const files = [join(directory, 'own.pem'), join(directory, 'other.pem')] as const;
    await writeFile(files[0], pemOf(own));
    await writeFile(files[1], pemOf(other));
    // The fixture's clock stands still; the clients' goes on, and their assertions do not count before they were made.
    entra.wall.now = instant(entra.wall.now + 60_000);
    const ids = [entra.tenant.tenantId, entra.application.appId];
    const args = [...ids, ...files];
    answers['js'] = (await entra.runClient(process.execPath, ['certificate.client.mjs', ...args])) as Outcomes;
    if (hasPython) answers['python'] = (await entra.runClient(python, ['certificate.client.py', ...args])) as Outcomes;
  });
  afterAll(async () => {
    await entra.close();
    await rm(directory, { recursive: true });
  });

  describe.each(['js', ...(hasPython ? ['python'] : [])])('by azure-identity of %s', (client) => {
    it.each([
      ['vault', 'https://vault.azure.net'],
      ['arm', 'https://management.azure.com'],
      ['chain', 'https://vault.azure.net'],
    ])('gives a token: %s', async (name, audience) => {
      const { token = '', message } = answers[client]?.[name] ?? {};
      expect(message).toBeUndefined();
      expect(await entra.verifyToken(`Bearer ${token}`, [audience])).toMatchObject({ outcome: 'valid' });
    });

    it('is refused with a certificate that is not registered', () => {
      expect(answers[client]?.['other']?.message).toContain('AADSTS700027: The certificate with identifier used to');
    });
  });
});
