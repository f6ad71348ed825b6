import { webcrypto, X509Certificate } from 'node:crypto';
import type { CertificatePolicy } from '@azure/keyvault-certificates';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certifiedKey, datesFrom, makeCertificate } from '../../../src/vault/certificates/x509-crypto.ts';
import { readPfx } from '../../../src/vault/pkcs12/pfx.ts';
import { generateRsaKey } from '../../../src/vault/rsa/rsa-keys.ts';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';
import { all, now, selfSigned, version } from './certificates.fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

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

  it('GetCertificateOperation answers with the request alone to whoever takes nothing else', async () => {
    vault.addVault('alone');
    await vault.certificateClient('alone').beginCreateCertificate('c', unknown, now);
    const operation = await vault.raw('GET', `${pending}?${version}`, { vault: 'alone' });
    const asked = (accept: string) =>
      vault.raw('GET', `${pending}?${version}`, { vault: 'alone', headers: { accept } });
    for (const accept of ['application/pkcs10', 'text/plain, Application/PKCS10;q=0.9']) {
      const alone = await asked(accept);
      expect(alone).toMatchObject({ status: 200, headers: { 'content-type': 'application/pkcs10; charset=utf-8' } });
      expect(alone.body).toBe((operation.json as { csr: string }).csr);
    }
    expect((await asked('application/json')).json).toEqual(operation.json);
    const missing = await vault.raw('GET', `/certificates/none/pending?${version}`, {
      ...{ vault: 'alone', headers: { accept: 'application/pkcs10' } },
    });
    expect(missing).toMatchObject({ status: 404, json: { error: { code: 'PendingCertificateNotFound' } } });
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
