import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { CertificatePolicy } from '@azure/keyvault-certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { certifiedKey, datesFrom, makeCertificate } from '../../../src/vault/certificates/x509-crypto.ts';
import { readPfx, writePfx } from '../../../src/vault/pkcs12/pfx.ts';
import { generateEcKey } from '../../../src/vault/ec/ec-keys.ts';
import { generateRsaKey } from '../../../src/vault/rsa/rsa-keys.ts';
import { vaultEvents } from '../../support/audit-events.ts';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';
import { all, madeCertificate, now, selfSigned, version } from './certificates.fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

const dayMs = 86_400_000;

const made = (where: string, name: string, policy: CertificatePolicy = selfSigned) =>
  madeCertificate(vault, where, name, policy);

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
    const events = await vaultEvents(vault.state, vaultId);
    const bySelf = events.filter(({ caller }) => caller.displayName === 'Azure Key Vault');
    expect(bySelf.map(({ operation, id }) => [operation, id?.split('/').at(-1)])).toEqual([
      ['CertificateNearExpiryEventGridNotification', 'told'],
      ['CertificateRenew', 'renewed'],
    ]);
  });

  it('tell once, when who signed it is gone, and renew when it is there again', async () => {
    const { vaultId } = vault.addVault('orphans');
    const client = vault.certificateClient('orphans');
    await client.createIssuer('First', 'Test');
    const first = await made('orphans', 'c', { ...selfSigned, issuerName: 'First', validityInMonths: 12 });
    await client.deleteIssuer('First');
    await vault.clock.advance(330 * dayMs);
    const told = async (): Promise<readonly string[]> => {
      const events = await vaultEvents(vault.state, vaultId);
      const bySelf = events.filter(({ caller }) => caller.displayName === 'Azure Key Vault');
      return bySelf.map(({ operation }) => operation);
    };
    expect(await told()).toEqual(['CertificateNearExpiryEventGridNotification']);
    await client.createIssuer('First', 'Test');
    await vault.clock.advance(dayMs);
    expect((await client.getCertificate('c')).properties.version).not.toBe(first.properties.version);
  });

  it('renew what was deleted when it was due as soon as it is recovered', async () => {
    vault.addVault('slept');
    const client = vault.certificateClient('slept');
    const first = await made('slept', 'c', {
      ...selfSigned,
      validityInMonths: 12,
      lifetimeActions: [{ action: 'AutoRenew', daysBeforeExpiry: 30 }],
    });
    await vault.clock.advance(300 * dayMs);
    await (await client.beginDeleteCertificate('c', now)).pollUntilDone();
    await vault.clock.advance(50 * dayMs);
    await (await client.beginRecoverDeletedCertificate('c', now)).pollUntilDone();
    await vault.clock.advance(1000);
    expect((await client.getCertificate('c')).properties.version).not.toBe(first.properties.version);
  });
});
