import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { CertificatePolicy } from '@azure/keyvault-certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';
import { now, version } from './certificates.fixture.ts';

let vault: VaultFixture;
let compactions = 0;
beforeAll(async () => {
  vault = await startVaultFixture({
    compact: () => {
      compactions += 1;
      return Promise.resolve();
    },
  });
});
afterAll(() => vault.close());

const selfSigned: CertificatePolicy = {
  ...{ issuerName: 'Self', subject: 'CN=c', contentType: 'application/x-pem-file', validityInMonths: 12 },
};

describe('keys of certificates that may not leave', () => {
  const shut = { ...selfSigned, exportable: false, reuseKey: true };

  async function made(where: string, policy: CertificatePolicy) {
    return (await vault.certificateClient(where).beginCreateCertificate('c', policy, now)).pollUntilDone();
  }

  async function secretOf(where: string): Promise<string> {
    return (await vault.secretClient(where).getSecret('c')).value ?? '';
  }

  it('do not leave with the next version, whatever its policy says', async () => {
    vault.addVault('shut-next');
    await made('shut-next', shut);
    const body = { policy: { key_props: { exportable: true } } };
    const again = await vault.raw('POST', `/certificates/c/create?${version}`, { vault: 'shut-next', body });
    expect(again).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    expect(await secretOf('shut-next')).not.toContain('PRIVATE KEY');
  });

  it('do not leave when they are renewed after a change of the policy', async () => {
    vault.addVault('shut-renewed');
    const first = await made('shut-renewed', shut);
    const client = vault.certificateClient('shut-renewed');
    await client.updateCertificatePolicy('c', {
      ...{ ...selfSigned, exportable: true, reuseKey: true },
      lifetimeActions: [{ action: 'AutoRenew', daysBeforeExpiry: 30 }],
    });
    await vault.clock.advance(345 * 86_400_000);
    expect((await client.getCertificate('c')).properties.version).not.toBe(first.properties.version);
    const text = await secretOf('shut-renewed');
    const before = new X509Certificate(first.cer ?? Buffer.alloc(0)).publicKey;
    const left = text.includes('PRIVATE KEY') && createPublicKey(createPrivateKey(text)).equals(before);
    expect(left).toBe(false);
  });
});

describe('keys of requests that may not leave', () => {
  it('do not leave when the policy changes before the certificate is there', async () => {
    vault.addVault('shut-requested');
    const body = {
      policy: {
        ...{ issuer: { name: 'Self' }, x509_props: { subject: 'CN=c' }, key_props: { exportable: false } },
        secret_props: { contentType: 'application/x-pem-file' },
      },
    };
    const at = { vault: 'shut-requested' };
    await vault.raw('POST', `/certificates/c/create?${version}`, { ...at, body });
    const open = { key_props: { exportable: true } };
    await vault.raw('PATCH', `/certificates/c/policy?${version}`, { ...at, body: open });
    await vault.clock.advance(1000);
    const { value = '' } = await vault.secretClient('shut-requested').getSecret('c');
    expect(value).toContain('BEGIN CERTIFICATE');
    expect(value).not.toContain('PRIVATE KEY');
  });
});

describe('requests that are given up', () => {
  it('leave nothing of their key on disk', async () => {
    vault.addVault('forgotten');
    const body = { policy: { issuer: { name: 'Unknown' }, x509_props: { subject: 'CN=c' } } };
    await vault.raw('POST', `/certificates/c/create?${version}`, { vault: 'forgotten', body });
    compactions = 0;
    await vault.raw('DELETE', `/certificates/c/pending?${version}`, { vault: 'forgotten' });
    expect(compactions).toBe(1);
  });
});

describe('lifetimes that would never end', () => {
  it('a renewal is due at most 27 days for each month of the validity before the end', async () => {
    vault.addVault('always-due');
    const create = (days: number) =>
      vault.raw('POST', `/certificates/c${days}/create?${version}`, {
        vault: 'always-due',
        body: {
          policy: {
            issuer: { name: 'Unknown' },
            x509_props: { subject: 'CN=c', validity_months: 2 },
            lifetime_actions: [{ trigger: { days_before_expiry: days }, action: { action_type: 'AutoRenew' } }],
          },
        },
      });
    expect(await create(54)).toMatchObject({ status: 202 });
    expect(await create(55)).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    const shorter = { x509_props: { validity_months: 1 } };
    expect(
      await vault.raw('PATCH', `/certificates/c54/policy?${version}`, { vault: 'always-due', body: shorter }),
    ).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });
});

describe('keys that vaults do not have', () => {
  /** PEM of a key and its certificate. */
  function fileWith(parameters: readonly string[]): string {
    const directory = mkdtempSync(join(tmpdir(), 'misuse-'));
    try {
      const path = join(directory, 'key.pem');
      const run = (...parts: readonly string[]) =>
        execFileSync('openssl', parts, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
      run('genpkey', ...parameters, '-out', path);
      return readFileSync(path, 'utf8') + run('req', '-x509', '-key', path, '-subj', '/CN=c', '-days', '90');
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  it.each([
    ['RSA-PSS', ['-algorithm', 'RSA-PSS', '-pkeyopt', 'rsa_keygen_bits:2048']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['EC on another curve', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:brainpoolP256r1']],
  ])('are refused when a certificate has them: %s', async (_what, parameters) => {
    vault.addVault('other-keys');
    const body = { value: fileWith(parameters) };
    const answer = await vault.raw('POST', `/certificates/c/import?${version}`, { vault: 'other-keys', body });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });
});
