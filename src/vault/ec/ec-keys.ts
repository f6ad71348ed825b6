import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Base64Url } from '../../base/base64url.ts';
import { toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { CurveName } from './curves.ts';
import { curves } from './curves.ts';

/** A new key, in the forms that are stored. */
export interface EcKeyPair {
  readonly kty: 'EC';
  readonly crv: CurveName;
  /** Coordinates of full length. */
  readonly x: string;
  readonly y: string;
  /** PKCS #8 DER. */
  readonly privateKey: Base64Url;
}

const generate = promisify(generateKeyPair);

export async function generateEcKey(crv: CurveName): Promise<EcKeyPair> {
  const pair = await generate('ec', { namedCurve: curves[crv].ecdhName });
  const { x, y } = pair.publicKey.export({ format: 'jwk' });
  invariant(typeof x === 'string' && typeof y === 'string', 'a point has two coordinates');
  const der = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
  const privateKey = toBase64Url(der);
  zeroBytes(der);
  return { kty: 'EC', crv, x, y, privateKey };
}
