import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { trustFiles } from './trust-files.ts';

const [ours = '', other = '', third = ''] = rootCertificates;
const wallClockMs = Date.UTC(2026, 10, 24);
const options = { rootPem: `${ours}\n`, javaTrustStorePassword: 'changeit', wallClockMs };

describe('trust files', () => {
  it('add our root to what was trusted before', () => {
    const files = trustFiles({ ...options, systemBundlePem: `# a comment\n${other}\n`, existingExtraPem: third });
    expect(files.extraRootsPem).toBe(`${ours}\n${third}\n`);
    expect(files.bundlePem).toBe(`${ours}\n${other}\n${third}\n`);
  });

  it('hold our root alone when the machine has no bundle', () => {
    const files = trustFiles(options);
    expect(files.bundlePem).toBe(`${ours}\n`);
    expect(files.extraRootsPem).toBe(`${ours}\n`);
  });

  it('leave out what is no certificate', () => {
    const odd = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const key = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----';
    const plain = trustFiles({ ...options, systemBundlePem: `${other}\n` });
    const files = trustFiles({ ...options, systemBundlePem: `${odd}\n${other}\n${key}\n` });
    expect(files.javaTrustStore).toEqual(plain.javaTrustStore);
    expect(files.bundlePem).not.toContain('PRIVATE KEY');
  });

  it('have each public root in the Java trust store as it is read, however its text is broken into lines', () => {
    const broken = rootCertificates.map((pem) => pem.replaceAll('\n', '\r\n'));
    const { javaTrustStore } = trustFiles({ ...options, systemBundlePem: broken.join('\n') });
    const missing = rootCertificates.filter((pem) => !javaTrustStore.includes(new X509Certificate(pem).raw));
    expect(missing).toEqual([]);
    const cut = trustFiles({ ...options, systemBundlePem: other.replace(/[^\n]+\n[^\n]+\n(?=-----END)/, '') });
    expect(cut.javaTrustStore).toEqual(trustFiles(options).javaTrustStore);
  });

  it.skipIf(spawnSync('keytool', ['-help']).error !== undefined)(
    'Java reads every certificate of its trust store',
    () => {
      const directory = mkdtempSync(join(tmpdir(), 'kustody-jks-'));
      try {
        const path = join(directory, 'trust.jks');
        writeFileSync(path, trustFiles({ ...options, systemBundlePem: rootCertificates.join('\n') }).javaTrustStore);
        const listed = spawnSync('keytool', [
          '-list',
          '-rfc',
          '-keystore',
          path,
          '-storetype',
          'JKS',
          '-storepass',
          'changeit',
        ]);
        const text = listed.stdout.toString();
        expect(text).toContain(`contains ${rootCertificates.length + 1} entries`);
        const pems = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
        const prints = (certificates: readonly string[]) =>
          certificates.map((pem) => new X509Certificate(pem).fingerprint256);
        expect(prints(pems).sort()).toEqual(prints([ours, ...rootCertificates]).sort());
        const wrong = spawnSync('keytool', [
          '-list',
          '-keystore',
          path,
          '-storetype',
          'JKS',
          '-storepass',
          'wrong-one',
        ]);
        expect(wrong.status).not.toBe(0);
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  );
});
