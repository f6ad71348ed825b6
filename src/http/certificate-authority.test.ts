import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariant } from '../base/invariant.ts';
import type { HostName } from '../base/names.ts';
import { parseHostName } from '../base/names.ts';
import type { AuthorityMaterial, CertificateAuthority } from './certificate-authority.ts';
import { createAuthorityMaterial, leafSubject, openAuthority } from './certificate-authority.ts';

const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 10, 24);
let nowMs = startMs;
const options = { wallClock: () => nowMs };

function host(text: string): HostName {
  const name = parseHostName(text);
  invariant(name !== undefined, 'the test names a host');
  return name;
}

let directory: string;
let material: AuthorityMaterial;
let authority: CertificateAuthority;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-ca-'));
  material = await createAuthorityMaterial(options);
  authority = await openAuthority(material, options);
  writeFileSync(join(directory, 'root.pem'), material.certificatePem);
});
afterAll(() => rmSync(directory, { recursive: true }));

const text = (file: string): string => readFileSync(join(directory, file), 'utf8');

const leafOf = async (name: string) => new X509Certificate((await authority.leafFor(host(name))).chainPem);

describe('certificate authority', () => {
  it.each([
    ['management.azure.com', 'management.azure.com'],
    ['login.microsoftonline.com', 'login.microsoftonline.com'],
    ['v1.vault.azure.net', '*.vault.azure.net'],
    ['c1.eastus.kusto.windows.net', '*.eastus.kusto.windows.net'],
    ['acct.blob.core.windows.net', '*.blob.core.windows.net'],
    ['localhost', 'localhost'],
  ])('the leaf for %s names %s and verifies strictly', async (name, subject) => {
    expect(leafSubject(host(name))).toBe(subject);
    const leaf = await authority.leafFor(host(name));
    const certificate = new X509Certificate(leaf.chainPem);
    expect(certificate.subjectAltName).toContain(`DNS:${subject}`);
    expect(certificate.checkHost(name)).toBeDefined();
    expect(leaf.chainPem.endsWith(material.certificatePem)).toBe(true);
    const file = join(directory, 'leaf.pem');
    writeFileSync(file, leaf.chainPem);
    // Clients and clusters go on to see it when the machine's clock is set.
    for (const days of [0, -91, 91]) {
      const at = String((nowMs + days * dayMs) / 1000);
      const checks = ['-x509_strict', '-purpose', 'sslserver', '-attime', at, '-verify_hostname', name];
      const verified = spawnSync('openssl', ['verify', ...checks, '-CAfile', join(directory, 'root.pem'), file]);
      if (verified.error === undefined) expect(verified.stdout.toString()).toBe(`${file}: OK\n`);
    }
  });

  it('the leaf for localhost also names the loopback addresses', async () => {
    const leaf = await leafOf('localhost');
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(leaf.checkIP('::1')).toBe('::1');
    expect(leaf.checkIP('127.0.0.2')).toBeUndefined();
  });

  it('the root can sign certificates, and no further authority', () => {
    const root = new X509Certificate(material.certificatePem);
    expect(root.ca).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(root.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(root.checkPrivateKey(keyOf(material))).toBe(true);
  });

  it('opens the RSA root of an older data directory', async () => {
    if (spawnSync('openssl', ['version']).error !== undefined) return;
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' });
    const files = ['-keyout', 'old.key', '-out', 'old.pem', '-days', '3650', '-subj', '/CN=old'];
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files);
    const [certificatePem, privateKeyPem] = [text('old.pem'), text('old.key')];
    const old = await openAuthority({ certificatePem, privateKeyPem }, { wallClock: () => Date.now() });
    const leaf = new X509Certificate((await old.leafFor(host('v1.vault.azure.net'))).chainPem);
    expect(leaf.verify(new X509Certificate(certificatePem).publicKey)).toBe(true);
  });

  it.each(['www.example.com', 'azure.com.example.com', 'notazure.net', 'com', '169.254.169.254'])(
    'mints nothing for %s',
    async (name) => {
      await expect(authority.leafFor(host(name))).rejects.toThrow('served domains only');
    },
  );

  it('a leaf made with the stolen root key for another site is refused by the root itself', () => {
    writeFileSync(join(directory, 'root.key'), material.privateKeyPem, { mode: 0o600 });
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: directory, stdio: 'pipe' }).toString();
    if (spawnSync('openssl', ['version']).error !== undefined) return;
    for (const [file, name] of [
      ['good', 'x.vault.azure.net'],
      ['evil', 'www.example.com'],
    ] as const) {
      openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'k', '-subj', '/O=x', '-out', 'csr');
      writeFileSync(join(directory, 'ext'), `subjectAltName=DNS:${name}\n`);
      openssl(
        'x509',
        '-req',
        '-in',
        'csr',
        '-CA',
        'root.pem',
        '-CAkey',
        'root.key',
        '-days',
        '90',
        '-extfile',
        'ext',
        '-out',
        `${file}.pem`,
      );
    }
    expect(openssl('verify', '-CAfile', 'root.pem', 'good.pem')).toBe('good.pem: OK\n');
    const refused = spawnSync('openssl', ['verify', '-CAfile', 'root.pem', 'evil.pem'], { cwd: directory });
    expect(refused.stderr.toString()).toContain('permitted subtree violation');
  });

  it('survives export and import', async () => {
    const again = await openAuthority(JSON.parse(JSON.stringify(material)) as AuthorityMaterial, options);
    const leaf = new X509Certificate((await again.leafFor(host('v1.vault.azure.net'))).chainPem);
    expect(leaf.verify(new X509Certificate(material.certificatePem).publicKey)).toBe(true);
  });

  it('two directories have different roots, keys and serial numbers', async () => {
    const other = await createAuthorityMaterial(options);
    const [one, two] = [new X509Certificate(material.certificatePem), new X509Certificate(other.certificatePem)];
    expect(two.subject).not.toBe(one.subject);
    expect(two.serialNumber).not.toBe(one.serialNumber);
    expect(other.privateKeyPem).not.toBe(material.privateKeyPem);
  });

  it('keeps leaves, up to its limit, and asked for at once makes one', async () => {
    const small = await openAuthority(material, { ...options, leavesMax: 2 });
    const [first, second] = await Promise.all([
      small.leafFor(host('a.vault.azure.net')),
      small.leafFor(host('b.vault.azure.net')),
    ]);
    expect(second).toBe(first);
    await small.leafFor(host('management.azure.com'));
    expect(await small.leafFor(host('c.vault.azure.net'))).toBe(first);
    await small.leafFor(host('graph.microsoft.com')); // the third: management.azure.com goes
    expect(await small.leafFor(host('c.vault.azure.net'))).toBe(first);
    await small.leafFor(host('management.azure.com'));
    await small.leafFor(host('graph.microsoft.com'));
    expect(await small.leafFor(host('c.vault.azure.net'))).not.toBe(first);
  });

  it('replaces a leaf before it expires and never outlives the root', async () => {
    const first = await leafOf('v1.vault.azure.net');
    expect(Date.parse(first.validFrom)).toBe(startMs - 400 * dayMs);
    expect(Date.parse(first.validTo)).toBe(startMs + 397 * dayMs);
    nowMs = startMs + 395 * dayMs;
    expect((await leafOf('v1.vault.azure.net')).serialNumber).toBe(first.serialNumber);
    nowMs = startMs + 396 * dayMs;
    expect((await leafOf('v1.vault.azure.net')).serialNumber).not.toBe(first.serialNumber);
    nowMs = authority.expiresAtMs - 30 * dayMs;
    expect(Date.parse((await leafOf('v1.vault.azure.net')).validTo)).toBe(authority.expiresAtMs);
    nowMs = startMs;
  });
});

function keyOf(of: AuthorityMaterial) {
  return createPrivateKey(of.privateKeyPem);
}
