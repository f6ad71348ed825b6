import { X509Certificate } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { recordFields } from '../record-fields.ts';

/** The public half of a certificate that an application signs its assertions with. */
export interface KeyCredential {
  readonly keyId: Guid;
  /** DER, base64url. */
  readonly certificate: string;
  /** What the owner calls it; by default the SHA-1 thumbprint of the certificate. Base64. */
  readonly customKeyIdentifier: string;
  readonly displayName: string | undefined;
  readonly startDateTime: Instant;
  readonly endDateTime: Instant;
}

export function parseKeyCredential(item: Json, table: string): KeyCredential {
  const key = recordFields(item, `${table} (key)`);
  return {
    keyId: key.guid('keyId'),
    certificate: key.text('certificate'),
    customKeyIdentifier: key.text('customKeyIdentifier'),
    displayName: key.optionalText('displayName'),
    startDateTime: instant(key.integer('startDateTime')),
    endDateTime: instant(key.integer('endDateTime')),
  };
}

/** @returns undefined when the bytes are no certificate with an RSA key of 2048 bits or more */
export function readCertificate(der: Uint8Array): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(der);
    const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
    const isRsa = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
    return isRsa ? certificate : undefined;
  } catch {
    return undefined;
  }
}
