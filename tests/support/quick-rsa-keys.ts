import { createPublicKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Base64Url } from '../../src/base/base64url.ts';
import { toBase64Url } from '../../src/base/base64url.ts';
import type { ServerSettings } from '../../src/server/settings.ts';
import { generateRsaKey } from '../../src/vault/rsa/rsa-keys.ts';
import { isQuick, quickPrivateKey } from './quick-rsa-pairs.cjs';

/** For servers in the process of a test. */
export const quickRsaKeys: NonNullable<ServerSettings['rsaKeys']> = {
  ofVaults: async (bits) => {
    if (!isQuick(bits)) return generateRsaKey(bits);
    const key = await quickPrivateKey(bits);
    const { n, e: exponent } = createPublicKey(key).export({ format: 'jwk' });
    const privateKey = toBase64Url(key.export({ format: 'der', type: 'pkcs8' }));
    return { kty: 'RSA', bits, n: n as Base64Url, e: exponent as Base64Url, privateKey };
  },
  ofTokens: async () => {
    const key = await quickPrivateKey(2048);
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    const imported = (format: 'pkcs8' | 'spki', half: KeyObject, use: 'sign' | 'verify') =>
      webcrypto.subtle.importKey(format, half.export({ format: 'der', type: format as 'spki' }), algorithm, true, [
        use,
      ]);
    const [privateKey, publicKey] = await Promise.all([
      imported('pkcs8', key, 'sign'),
      imported('spki', createPublicKey(key), 'verify'),
    ]);
    return { privateKey, publicKey };
  },
};
