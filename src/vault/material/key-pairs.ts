import type { EcKeyPair } from '../ec/ec-keys.ts';
import type { RsaKeyPair } from '../rsa/rsa-keys.ts';

/** A new key, in the forms that are stored. */
export type KeyPair = RsaKeyPair | EcKeyPair;
