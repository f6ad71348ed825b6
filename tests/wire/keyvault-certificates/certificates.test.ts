import { createHash, createPrivateKey, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificatePolicy } from '@azure/keyvault-certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPfx } from '../../../src/vault/pkcs12/pfx.ts';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';
import { all, madeCertificate, now, selfSigned, version } from './certificates.fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

const made = (where: string, name: string, policy: CertificatePolicy = selfSigned) =>
  madeCertificate(vault, where, name, policy);

describe('certificates through CertificateClient', () => {
  it('CreateCertificate and GetCertificateOperation: self-signed, as its policy says', async () => {
    vault.addVault('self');
    const certificate = await made('self', 'Web');
    expect(certificate).toMatchObject({ name: 'Web', policy: { issuerName: 'Self', validityInMonths: 24 } });
    const x509 = new X509Certificate(certificate.cer ?? Buffer.alloc(0));
    expect(x509.subject).toBe('CN=self.example\nO=Test');
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect(x509.subjectAltName).toContain('DNS:a.example');
    expect(x509.subjectAltName).toContain('email:a@example.org');
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(Date.parse(x509.validFrom)).toBe(startOfTest - 600_000);
    expect(x509.validTo).toBe('Mar  4 05:06:07 2033 GMT');
    expect(certificate.properties).toMatchObject({ enabled: true, notBefore: new Date(startOfTest - 600_000) });
    expect(Buffer.from(certificate.properties.x509Thumbprint ?? []).toString('hex')).toBe(
      x509.fingerprint.replaceAll(':', '').toLowerCase(),
    );
    const done = await vault.raw('GET', `/certificates/web/pending?${version}`, { vault: 'self' });
    expect(done.json).toMatchObject({ status: 'completed', target: 'https://self.vault.azure.net/certificates/Web' });
  });

  it('shows the key and the secret behind it, which live and die with it', async () => {
    vault.addVault('behind');
    const certificate = await made('behind', 'c');
    const x509 = new X509Certificate(certificate.cer ?? Buffer.alloc(0));
    const keyClient = vault.keyClient('behind');
    const key = await keyClient.getKey('c');
    expect(key).toMatchObject({ id: certificate.keyId, properties: { managed: true } });
    expect(key.keyOperations).toEqual(['sign', 'verify', 'wrapKey', 'unwrapKey']);
    const digest = createHash('sha256').update('text').digest();
    const body = { alg: 'RS256', value: digest.toString('base64url') };
    const signed = await vault.raw('POST', `/keys/c/sign?${version}`, { vault: 'behind', body });
    const signature = Buffer.from((signed.json as { value: string }).value, 'base64url');
    expect(verify('sha256', Buffer.from('text'), x509.publicKey, signature)).toBe(true);
    const secrets = vault.secretClient('behind');
    const secret = await secrets.getSecret('c');
    expect(secret.properties).toMatchObject({
      ...{ id: certificate.secretId, managed: true, contentType: 'application/x-pkcs12' },
      certificateKeyId: certificate.keyId,
    });
    const pfx = Buffer.from(secret.value ?? '', 'base64');
    expect(() => createSecureContext({ pfx, passphrase: '' })).not.toThrow();
    const { privateKeys: [der = Buffer.alloc(0)] = [], certificates } = (await readPfx(pfx, '')) ?? {};
    expect(certificates).toEqual([x509.raw]);
    expect(createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).equals(x509.publicKey)).toBe(
      true,
    );

    expect(await failure(keyClient.beginDeleteKey('c'))).toMatchObject({ statusCode: 403, code: 'Forbidden' });
    const refused = await vault.raw('DELETE', `/keys/c?${version}`, { vault: 'behind' });
    expect(refused.json).toMatchObject({ error: { innererror: { code: 'KeyManagedByKeyVault' } } });
    for (const [method, path, body] of [
      ['DELETE', '/secrets/c', undefined],
      ['PUT', '/secrets/c', { value: 'other' }],
      ['POST', '/secrets/c/backup', {}],
      ['POST', '/keys/c/backup', {}],
      ['POST', '/keys/c/create', { kty: 'RSA' }],
      ['POST', '/keys/c/rotate', {}],
    ] as const) {
      expect(await vault.raw(method, `${path}?${version}`, { vault: 'behind', body })).toMatchObject({ status: 403 });
    }

    await (await vault.certificateClient('behind').beginDeleteCertificate('c', now)).pollUntilDone();
    expect(await failure(secrets.getSecret('c'))).toMatchObject({ statusCode: 404 });
    expect(await failure(keyClient.getKey('c'))).toMatchObject({ statusCode: 404 });
    expect(await vault.raw('DELETE', `/deletedkeys/c?${version}`, { vault: 'behind' })).toMatchObject({ status: 403 });
    await (await vault.certificateClient('behind').beginRecoverDeletedCertificate('c', now)).pollUntilDone();
    expect((await secrets.getSecret('c')).value).toBe(secret.value);
    expect((await keyClient.getKey('c')).id).toBe(certificate.keyId);
  });

  it('gives the secret as PEM, without the key where it may not leave', async () => {
    vault.addVault('pem');
    await made('pem', 'open', { ...selfSigned, contentType: 'application/x-pem-file' });
    const { value = '' } = await vault.secretClient('pem').getSecret('open');
    expect(
      createPublicKey(createPrivateKey(value)).equals(
        new X509Certificate(value.slice(value.indexOf('-----BEGIN CERT'))).publicKey,
      ),
    ).toBe(true);
    await made('pem', 'shut', { ...selfSigned, contentType: 'application/x-pem-file', exportable: false });
    const shut = await vault.secretClient('pem').getSecret('shut');
    expect(shut.value).not.toContain('PRIVATE KEY');
    expect(shut.value).toContain('BEGIN CERTIFICATE');
  });

  it.each(['P-256', 'P-384', 'P-521'])('makes certificates for keys on %s', async (keyCurveName) => {
    vault.addVault('curves');
    const certificate = await made('curves', `c-${keyCurveName}`, { ...selfSigned, keyType: 'EC', keyCurveName });
    const x509 = new X509Certificate(certificate.cer ?? Buffer.alloc(0));
    expect(x509.verify(x509.publicKey)).toBe(true);
    expect((await vault.keyClient('curves').getKey(`c-${keyCurveName}`)).keyOperations).toEqual(['sign', 'verify']);
  });

  it('a further one is a new version; with reuse_key it has the key of the one before', async () => {
    vault.addVault('further');
    const policy = { ...selfSigned, reuseKey: true };
    const first = await made('further', 'c', policy);
    const second = await made('further', 'c', policy);
    expect(second.properties.version).not.toBe(first.properties.version);
    const keyOf = (cer: Uint8Array | undefined) => new X509Certificate(cer ?? Buffer.alloc(0)).publicKey;
    expect(keyOf(second.cer).equals(keyOf(first.cer))).toBe(true);
    const client = vault.certificateClient('further');
    expect(await all(client.listPropertiesOfCertificateVersions('c'))).toHaveLength(2);
    const old = await client.getCertificateVersion('c', first.properties.version ?? '');
    expect(old.cer).toEqual(first.cer);
    const raw = await vault.raw('GET', `/certificates/c/${first.properties.version ?? ''}?${version}`, {
      vault: 'further',
    });
    expect(Object.keys(raw.json as object)).toEqual(['id', 'kid', 'sid', 'x5t', 'cer', 'attributes']);
  });

  it('GetCertificate, UpdateCertificate, GetCertificatePolicy and UpdateCertificatePolicy', async () => {
    vault.addVault('changes');
    const client = vault.certificateClient('changes');
    const { properties } = await made('changes', 'c');
    await client.updateCertificateProperties('c', properties.version ?? '', { enabled: false, tags: { a: '1' } });
    expect((await client.getCertificate('c')).properties).toMatchObject({ enabled: false, tags: { a: '1' } });
    expect(await failure(vault.secretClient('changes').getSecret('c'))).toMatchObject({ statusCode: 403 });
    expect((await vault.keyClient('changes').getKey('c')).properties.enabled).toBe(false);
    await client.updateCertificatePolicy('c', { issuerName: 'Self', subject: 'CN=next', validityInMonths: 6 });
    expect(await client.getCertificatePolicy('c')).toMatchObject({ subject: 'CN=next', validityInMonths: 6 });
    const bad = { x509_props: { validity_months: 0 } };
    const refused = await vault.raw('PATCH', `/certificates/c/policy?${version}`, { vault: 'changes', body: bad });
    expect(refused).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });

  it('GetCertificates, GetCertificateVersions, GetDeletedCertificate, GetDeletedCertificates, RecoverDeletedCertificate, DeleteCertificate and PurgeDeletedCertificate', async () => {
    vault.addVault('lists');
    const client = vault.certificateClient('lists');
    for (const name of ['one', 'two']) await made('lists', name);
    const raw = await vault.raw('GET', `/certificates?${version}`, { vault: 'lists' });
    expect(raw.json).toMatchObject({
      value: [{ id: 'https://lists.vault.azure.net/certificates/one', subject: '' }, {}],
    });
    await (await client.beginDeleteCertificate('one', now)).pollUntilDone();
    expect((await all(client.listDeletedCertificates())).map(({ name }) => name)).toEqual(['one']);
    expect(await failure(client.beginCreateCertificate('one', selfSigned, now))).toMatchObject({ statusCode: 409 });
    await client.purgeDeletedCertificate('one');
    for (const path of ['deletedcertificates', 'deletedkeys', 'deletedsecrets']) {
      const gone = await vault.raw('GET', `/${path}/one?${version}`, { vault: 'lists' });
      expect(gone.status).toBe(404);
    }
    expect((await made('lists', 'one')).name).toBe('one');
  });

  it('BackupCertificate and RestoreCertificate: with its key and its secret', async () => {
    const { resourceId } = vault.addVault('saved');
    vault.addVault('restored', { resourceId });
    const certificate = await made('saved', 'c');
    const blob = (await vault.certificateClient('saved').backupCertificate('c')) ?? Buffer.alloc(0);
    const client = vault.certificateClient('restored');
    const restored = await client.restoreCertificateBackup(blob);
    expect(restored).toMatchObject({ name: 'c', cer: certificate.cer, policy: { subject: 'CN=self.example, O=Test' } });
    const values = ['saved', 'restored'].map(async (name) => (await vault.secretClient(name).getSecret('c')).value);
    expect(new Set(await Promise.all(values)).size).toBe(1);
    expect((await vault.keyClient('restored').getKey('c')).properties.managed).toBe(true);
    expect(await failure(client.restoreCertificateBackup(blob))).toMatchObject({ statusCode: 409 });
  });
});
