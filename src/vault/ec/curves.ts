/** A curve of EC keys, under its name in a JWK of Key Vault. All have a prime order and the cofactor 1. */
export interface Curve {
  /** As Node.js names it in a JWK and in `createECDH`. */
  readonly jwkName: string;
  readonly ecdhName: string;
  /** Bytes of a coordinate, and of each half of a signature. */
  readonly bytes: number;
  /** Of the field and of the base point. */
  readonly prime: bigint;
  readonly order: bigint;
}

const p256 = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const p384 = 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n;

/** @see FIPS 186-5 and SP 800-186; SEC 2, section 2.4.1, for secp256k1 */
export const curves = {
  'P-256': {
    ...{ jwkName: 'P-256', ecdhName: 'prime256v1', bytes: 32, prime: p256 },
    order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  },
  'P-256K': {
    ...{ jwkName: 'secp256k1', ecdhName: 'secp256k1', bytes: 32, prime: 2n ** 256n - 2n ** 32n - 977n },
    order: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  },
  'P-384': {
    ...{ jwkName: 'P-384', ecdhName: 'secp384r1', bytes: 48, prime: p384 },
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
  'P-521': {
    ...{ jwkName: 'P-521', ecdhName: 'secp521r1', bytes: 66, prime: 2n ** 521n - 1n },
    order:
      0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  },
} as const satisfies Record<string, Curve>;

export type CurveName = keyof typeof curves;

export const isCurveName = (value: unknown): value is CurveName =>
  typeof value === 'string' && Object.hasOwn(curves, value);
