import 'reflect-metadata';
import { createHash, KeyObject, webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import { CompactSign } from 'jose';
import { toBase64Url, fromBase64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { Identity } from '../identity.fixture.ts';
import type { KeyCredential } from '../principals/key-credential.ts';

export interface ClientCertificate {
  readonly der: Buffer;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly thumbprints: { readonly sha1: string; readonly sha256: string };
}

/** Self-signed and valid for a year from `now`, with an RSA key of 2048 bits, as `openssl req -x509` makes them. */
export async function makeCertificate(now: Instant): Promise<ClientCertificate> {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(
    { ...algorithm, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  );
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: '01',
      name: 'CN=client',
      notBefore: new Date(now - 60_000),
      notAfter: new Date(now + 365 * 86_400_000),
      signingAlgorithm: algorithm,
      keys,
    },
    webcrypto,
  );
  const der = Buffer.from(certificate.rawData);
  const digest = (hash: string): string => createHash(hash).update(der).digest('base64url');
  return {
    der,
    privateKey: KeyObject.from(keys.privateKey),
    publicKey: KeyObject.from(keys.publicKey),
    thumbprints: { sha1: digest('sha1'), sha256: digest('sha256') },
  };
}

/** Registers a certificate with the application of `startIdentity`, as Graph does. */
export async function registerCertificate(
  { directory, tenant, application, wall }: Identity,
  certificate: ClientCertificate,
  times: Partial<Pick<KeyCredential, 'startDateTime' | 'endDateTime'>> = {},
): Promise<void> {
  await directory.completeApplications(tenant.tenantId, wall.now);
  const registered = await directory.applications.findByName(tenant.tenantId, application.appId);
  invariant(registered !== undefined, 'the application is registered');
  const key: KeyCredential = {
    keyId: newGuid(systemRandomBytes),
    certificate: toBase64Url(certificate.der),
    customKeyIdentifier: certificate.thumbprints.sha1,
    displayName: 'CN=client',
    startDateTime: instant(wall.now - 60_000),
    endDateTime: instant(wall.now + 365 * 86_400_000),
    ...times,
  };
  await directory.applications.update(registered.objectId, (before) => ({ ...before, keys: [...before.keys, key] }));
}

/** The claims of MSAL, valid for ten minutes. */
export function claimsOf({ application, tenant, wall }: Identity): Record<string, unknown> {
  const seconds = Math.floor(wall.now / 1000);
  return {
    aud: `https://login.microsoftonline.com/${tenant.tenantId}/oauth2/v2.0/token`,
    iss: application.appId,
    sub: application.appId,
    jti: newGuid(systemRandomBytes),
    nbf: seconds,
    exp: seconds + 600,
  };
}

export const sign = (
  claims: Record<string, unknown>,
  header: { readonly alg: string } & Record<string, unknown>,
  key: KeyObject | Uint8Array,
): Promise<string> => new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader(header).sign(key);

/** The same token with another header or other claims, under the signature that it had. */
export function forge(token: string, part: 'header' | 'claims', more: Record<string, unknown>): string {
  const parts = token.split('.');
  const at = part === 'header' ? 0 : 1;
  const present = JSON.parse((fromBase64Url(parts[at] ?? '') ?? Buffer.from('{}')).toString()) as object;
  parts[at] = toBase64Url(utf8(JSON.stringify({ ...present, ...more })));
  return parts.join('.');
}
