import { createHash, createPrivateKey, createPublicKey, verify, webcrypto, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificatePolicy } from '@azure/keyvault-certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { readVaultAudit } from '../../../src/vault/audit.ts';
import { certifiedKey, datesFrom, makeCertificate } from '../../../src/vault/certificates/x509-crypto.ts';
import { readPfx, writePfx } from '../../../src/vault/pkcs12/pfx.ts';
import { generateEcKey } from '../../../src/vault/ec/ec-keys.ts';
import { generateRsaKey } from '../../../src/vault/rsa/rsa-keys.ts';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

const dayMs = 86_400_000;
const version = 'api-version=7.4';
const now = { intervalInMs: 0 };
const selfSigned: CertificatePolicy = {
  ...{ issuerName: 'Self', subject: 'CN=self.example, O=Test', validityInMonths: 24 },
  subjectAlternativeNames: {
    dnsNames: ['a.example'],
    emails: ['a@example.org'],
    userPrincipalNames: ['u@example.org'],
  },
};

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function made(where: string, name: string, policy: CertificatePolicy = selfSigned) {
  const poller = await vault.certificateClient(where).beginCreateCertificate(name, policy, now);
  return poller.pollUntilDone();
}

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

describe('requests for certificates', () => {
  const unknown: CertificatePolicy = { issuerName: 'Unknown', subject: 'CN=merged.example' };
  const pending = '/certificates/c/pending';

  it('MergeCertificate: takes what somebody else signed for the request', async () => {
    vault.addVault('merging');
    const client = vault.certificateClient('merging');
    await client.beginCreateCertificate('c', unknown, now);
    const operation = await vault.raw('GET', `${pending}?${version}`, { vault: 'merging' });
    expect(operation.json).toMatchObject({ status: 'inProgress', issuer: { name: 'Unknown' } });
    expect((operation.json as { status_details: string }).status_details).toContain('Please Perform Merge');
    const again = await vault.raw('POST', `/certificates/c/create?${version}`, { vault: 'merging', body: {} });
    expect(again).toMatchObject({ status: 409, json: { error: { code: 'Forbidden' } } });
    expect(await all(client.listPropertiesOfCertificates())).toEqual([]);
    expect(await all(client.listPropertiesOfCertificates({ includePending: true }))).toHaveLength(1);

    const key = await vault.keyClient('merging').getKey('c');
    const jwk = { kty: 'RSA', n: Buffer.from(key.key?.n ?? []).toString('base64url'), e: 'AQAB' };
    const signer = await certifiedKey(Buffer.from((await generateRsaKey(2048)).privateKey, 'base64url'));
    const properties = {
      subject: 'CN=merged.example',
      ekus: [],
      key_usage: [],
      validity_months: 3,
      basic_constraints: { ca: false },
    };
    const publicKey = await webcrypto.subtle.importKey(
      'jwk',
      jwk,
      { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
      true,
      ['verify'],
    );
    if (signer === undefined) throw new Error('an RSA key can sign');
    const leafFor = (which: webcrypto.CryptoKey) =>
      makeCertificate(properties, which, { issuer: 'CN=elsewhere', key: signer }, datesFrom(startOfTest, 3), '40');
    const foreign = await leafFor(signer.publicKey);
    const body = (der: Buffer) => ({ x5c: [der.toString('base64')] });
    const send = (sent: unknown) => vault.raw('POST', `${pending}/merge?${version}`, { vault: 'merging', body: sent });
    for (const refused of [body(foreign), body(Buffer.from('nothing')), { x5c: [] }, {}]) {
      expect(await send(refused)).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    }
    const merged = await client.mergeCertificate('c', [await leafFor(publicKey), foreign]);
    expect(new X509Certificate(merged.cer ?? Buffer.alloc(0)).issuer).toBe('CN=elsewhere');
    const pfx = await readPfx(
      Buffer.from((await vault.secretClient('merging').getSecret('c')).value ?? '', 'base64'),
      '',
    );
    expect(pfx?.certificates).toHaveLength(2);
    expect((await vault.keyClient('merging').getKey('c')).id).toBe(merged.keyId);
  });

  it('UpdateCertificateOperation cancels, DeleteCertificateOperation forgets', async () => {
    vault.addVault('given-up');
    const at = { vault: 'given-up' };
    await vault.raw('POST', `/certificates/c/create?${version}`, {
      ...at,
      body: { policy: { x509_props: { subject: 'CN=c' }, issuer: { name: 'Self' } } },
    });
    const cancelled = await vault.raw('PATCH', `${pending}?${version}`, {
      ...at,
      body: { cancellation_requested: true },
    });
    expect(cancelled).toMatchObject({ status: 200, json: { cancellation_requested: true, status: 'inProgress' } });
    expect((await vault.raw('GET', `${pending}?${version}`, at)).json).toMatchObject({ status: 'inProgress' });
    expect((await vault.raw('GET', `${pending}?${version}`, at)).json).toMatchObject({ status: 'cancelled' });
    expect((await vault.raw('DELETE', `${pending}?${version}`, at)).status).toBe(200);
    const gone = await vault.raw('GET', `${pending}?${version}`, at);
    expect(gone).toMatchObject({ status: 404, json: { error: { code: 'PendingCertificateNotFound' } } });
    expect(gone.body).toContain('Pending certificate not found: c');
    expect((await vault.raw('GET', `/keys/c?${version}`, at)).status).toBe(404);
  });

  it('are done when nobody looks, too', async () => {
    vault.addVault('unseen');
    const body = { policy: { x509_props: { subject: 'CN=c' }, issuer: { name: 'Self', cert_transparency: false } } };
    const asked = await vault.raw('POST', `/certificates/c/create?${version}`, { vault: 'unseen', body });
    expect(asked).toMatchObject({ status: 202, headers: { 'retry-after': '10' } });
    const { issuer, request_id: requestId } = asked.json as { issuer: unknown; request_id: string };
    expect(issuer).toEqual({ name: 'Self' });
    const at = 'https://unseen.vault.azure.net/certificates/c/pending';
    expect(asked.headers['location']).toBe(`${at}?${version}&request_id=${requestId}`);
    await vault.clock.advance(1000);
    expect((await vault.raw('GET', `/certificates/c?${version}`, { vault: 'unseen' })).json).toHaveProperty('cer');
  });

  it.each([
    ['no subject', { issuer: { name: 'Self' } }],
    ['a subject that is none', { issuer: { name: 'Self' }, x509_props: { subject: 'nothing' } }],
    ['a key of 1024 bits', { x509_props: { subject: 'CN=c' }, key_props: { kty: 'RSA', key_size: 1024 } }],
    ['another form of secrets', { x509_props: { subject: 'CN=c' }, secret_props: { contentType: 'text/plain' } }],
    ['a usage that is none', { x509_props: { subject: 'CN=c', key_usage: ['anything'] } }],
    [
      '101 percent',
      {
        x509_props: { subject: 'CN=c' },
        lifetime_actions: [{ trigger: { lifetime_percentage: 101 }, action: { action_type: 'AutoRenew' } }],
      },
    ],
  ])('are refused with %s', async (_what, policy) => {
    vault.addVault('policies');
    const answer = await vault.raw('POST', `/certificates/c/create?${version}`, {
      vault: 'policies',
      body: { policy },
    });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });

  it('are refused under the name of a key or secret', async () => {
    vault.addVault('taken');
    await vault.secretClient('taken').setSecret('c', 'v');
    expect(await failure(vault.certificateClient('taken').beginCreateCertificate('c', selfSigned, now))).toMatchObject({
      statusCode: 409,
    });
  });
});

describe('ImportCertificate', () => {
  async function material(kind: 'RSA' | 'EC') {
    const pair = kind === 'RSA' ? await generateRsaKey(2048) : await generateEcKey('P-256');
    const der = Buffer.from(pair.privateKey, 'base64url');
    const key = await certifiedKey(der);
    if (key === undefined) throw new Error('such a key can sign');
    const properties = {
      ...{
        subject: 'C=DE, ST=Land, CN=in.example',
        sans: { dns_names: ['in.example'] },
        ekus: [],
        validity_months: 10,
      },
      ...{ key_usage: ['digitalSignature'] as const, basic_constraints: { ca: false } },
    };
    const cer = await makeCertificate(
      properties,
      key.publicKey,
      { issuer: properties.subject, key },
      datesFrom(startOfTest, 10),
      '41',
    );
    return { der, cer };
  }

  it.each(['RSA', 'EC'] as const)('takes PFX and PEM with an %s key, and says what is in them', async (kind) => {
    vault.addVault('imports');
    const client = vault.certificateClient('imports');
    const { der, cer } = await material(kind);
    const fromPfx = await client.importCertificate(`pfx-${kind}`, writePfx(der, [cer], systemRandomBytes));
    expect(fromPfx).toMatchObject({
      cer,
      policy: {
        issuerName: 'Unknown',
        subject: 'CN=in.example, S=Land, C=DE',
        validityInMonths: 11,
        keyUsage: ['digitalSignature'],
      },
    });
    const pem = [
      createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }),
      new X509Certificate(cer).toString(),
    ].join('');
    const policy = { secret_props: { contentType: 'application/x-pem-file' }, issuer: { name: 'Self' } };
    const body = { value: pem, policy };
    const fromPem = await vault.raw('POST', `/certificates/pem-${kind}/import?${version}`, { vault: 'imports', body });
    expect(fromPem.json).toMatchObject({
      cer: cer.toString('base64'),
      policy: { ...policy, lifetime_actions: [{ action: { action_type: 'AutoRenew' } }] },
    });
    const { value = '' } = await vault.secretClient('imports').getSecret(`pem-${kind}`);
    expect(createPrivateKey(value).export({ format: 'der', type: 'pkcs8' })).toEqual(
      createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'der', type: 'pkcs8' }),
    );
  });

  it.each([
    ['no value', {}, "Property 'value' is required"],
    ['what is no file', { value: 'AAAA' }, 'PKCS#12'],
    ['PEM without a key', { value: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }, 'PEM'],
  ])('refuses %s', async (_what, body, text) => {
    vault.addVault('imports');
    const answer = await vault.raw('POST', `/certificates/bad/import?${version}`, { vault: 'imports', body });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    expect(answer.body).toContain(text);
  });
});

describe('issuers and contacts', () => {
  it('SetCertificateIssuer, GetCertificateIssuer, GetCertificateIssuers, UpdateCertificateIssuer, DeleteCertificateIssuer', async () => {
    vault.addVault('issuers');
    const client = vault.certificateClient('issuers');
    const administratorContacts = [{ firstName: 'Ada', lastName: 'L', email: 'ada@example.org', phone: '1' }];
    await client.createIssuer('First', 'Test', { accountId: 'account', password: 'not kept', administratorContacts });
    expect(await client.getIssuer('first')).toMatchObject({
      id: 'https://issuers.vault.azure.net/certificates/issuers/First',
      provider: 'Test',
      accountId: 'account',
      administratorContacts,
    });
    await client.updateIssuer('First', { accountId: 'other' });
    expect((await client.getIssuer('First')).accountId).toBe('other');
    const listed = await all(client.listPropertiesOfIssuers());
    expect(listed).toMatchObject([
      { id: 'https://issuers.vault.azure.net/certificates/issuers/First', provider: 'Test' },
    ]);

    const issued = await made('issuers', 'c', { ...selfSigned, issuerName: 'First' });
    const x509 = new X509Certificate(issued.cer ?? Buffer.alloc(0));
    const pfx = await readPfx(
      Buffer.from((await vault.secretClient('issuers').getSecret('c')).value ?? '', 'base64'),
      '',
    );
    const root = new X509Certificate(pfx?.certificates[1] ?? Buffer.alloc(0));
    expect(x509.verify(root.publicKey)).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(x509.issuer).toBe(root.subject);

    await client.deleteIssuer('First');
    expect(await failure(client.getIssuer('First'))).toMatchObject({
      statusCode: 404,
      code: 'CertificateIssuerNotFound',
    });
    const orphan = await failure(client.beginCreateCertificate('d', { ...selfSigned, issuerName: 'First' }, now));
    expect(orphan).toMatchObject({ statusCode: 404 });
  });

  it('refuses providers that it does not know, and to ask those that it does not reach', async () => {
    vault.addVault('partners');
    const client = vault.certificateClient('partners');
    expect(await failure(client.createIssuer('x', 'Nobody'))).toMatchObject({ statusCode: 400, code: 'BadParameter' });
    await client.createIssuer('partner', 'DigiCert');
    const refused = await failure(client.beginCreateCertificate('c', { ...selfSigned, issuerName: 'partner' }, now));
    expect(refused).toMatchObject({ statusCode: 501, code: 'NotImplemented' });
    expect(refused.message).toContain('DigiCert');
  });

  it('SetCertificateContacts, GetCertificateContacts, DeleteCertificateContacts', async () => {
    vault.addVault('contacts');
    const client = vault.certificateClient('contacts');
    expect(await failure(client.getContacts())).toMatchObject({ statusCode: 404, code: 'ContactsNotFound' });
    const contacts = [{ email: 'a@example.org', name: 'A', phone: '1' }, { email: 'b@example.org' }];
    await client.setContacts(contacts);
    expect(await client.getContacts()).toMatchObject(contacts);
    await client.deleteContacts();
    expect(await failure(client.getContacts())).toMatchObject({ statusCode: 404 });
  });
});

describe('lifetime actions', () => {
  it('renew on the clock, and tell contacts of what nobody here can sign', async () => {
    const { vaultId } = vault.addVault('lifetimes');
    const client = vault.certificateClient('lifetimes');
    const first = await made('lifetimes', 'renewed', {
      ...selfSigned,
      validityInMonths: 12,
      lifetimeActions: [{ action: 'AutoRenew', daysBeforeExpiry: 30 }],
    });
    const { der, cer } = await (async () => {
      const pair = await generateRsaKey(2048);
      const key = await certifiedKey(Buffer.from(pair.privateKey, 'base64url'));
      if (key === undefined) throw new Error('an RSA key can sign');
      const properties = {
        subject: 'CN=x',
        ekus: [],
        key_usage: [],
        validity_months: 12,
        basic_constraints: { ca: false },
      };
      return {
        der: Buffer.from(pair.privateKey, 'base64url'),
        cer: await makeCertificate(
          properties,
          key.publicKey,
          { issuer: 'CN=x', key },
          datesFrom(vault.clock.now(), 12),
          '42',
        ),
      };
    })();
    await client.importCertificate('told', writePfx(der, [cer], systemRandomBytes));
    await vault.clock.advance(330 * dayMs);
    expect((await client.getCertificate('renewed')).properties.version).toBe(first.properties.version);
    await vault.clock.advance(10 * dayMs);
    const second = await client.getCertificate('renewed');
    expect(second.properties.version).not.toBe(first.properties.version);
    expect((await vault.secretClient('lifetimes').getSecret('renewed')).properties.version).toBe(
      second.properties.version,
    );
    expect(await all(client.listPropertiesOfCertificateVersions('told'))).toHaveLength(1);
    const { records } = await readVaultAudit(vault.state, { vaultId, limit: 10_000 });
    const bySelf = records.filter(({ value }) => value.caller.displayName === 'Azure Key Vault');
    expect(bySelf.map(({ value }) => [value.operation, value.id?.split('/').at(-1)])).toEqual([
      ['CertificateNearExpiry', 'told'],
      ['CertificateNewVersionCreated', 'renewed'],
    ]);
  });
});
