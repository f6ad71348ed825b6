import { createHash } from 'node:crypto';

const magic = 0xfeedfeed;
const version = 2;
const trustedCertificateEntry = 2;
/** Part of the format: its integrity hash is salted with it (OpenJDK, sun.security.provider.JavaKeyStore). */
const salt = 'Mighty Aphrodite';

/** Writes a Java key store (JKS) of trusted certificates, which every Java since 1.2 reads.
 * @param certificates in DER
 * @param password only guards against damage; certificates are not secret
 * @param createdMs milliseconds since 1970, the same for every entry */
export function encodeJavaTrustStore(certificates: readonly Uint8Array[], password: string, createdMs: number): Buffer {
  const parts: Uint8Array[] = [uint32(magic), uint32(version), uint32(certificates.length)];
  certificates.forEach((certificate, index) => {
    parts.push(uint32(trustedCertificateEntry), text(`kustody-${index}`), int64(createdMs));
    parts.push(text('X.509'), uint32(certificate.length), certificate);
  });
  const content = Buffer.concat(parts);
  const digest = createHash('sha1').update(utf16BigEndian(password)).update(salt).update(content).digest();
  return Buffer.concat([content, digest]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(Math.trunc(value)));
  return bytes;
}

/** Java's modified UTF-8 with a two-byte length; the same as ASCII for the texts used here. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'ascii');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const utf16BigEndian = (value: string): Buffer => Buffer.from(value, 'utf16le').swap16();
