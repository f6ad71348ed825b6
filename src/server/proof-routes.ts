import type { FastifyInstance } from 'fastify';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { State } from '../state/state.ts';
import { ControlError } from './control-plane.ts';
import { openProofKey } from './proof-key.ts';

/** Who signs the proofs of this instance. */
export interface ProofSigner {
  readonly algorithm: 'Ed25519';
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string;
  /** SHA-256 of that DER: 64 hex digits. */
  readonly fingerprint: string;
}

export interface ProofSignature extends ProofSigner {
  /** Base64, over the domain and the SHA-256 of the document without its signature, as canonical JSON. */
  readonly value: string;
}

/** `GET /proof/key`: who signs. `POST /proof/sign` with `{"sha256": …}`: the signature of a document that the caller has made. The token of the
 * control API is the owner's: a signature says that whoever owns the instance made the document while it ran, and that nobody changed it
 * since. */
export const proofRoutes =
  (state: State, randomBytes: RandomBytes) =>
  (app: FastifyInstance): void => {
    app.get('/proof/key', async (): Promise<ProofSigner> => {
      const { publicKey, fingerprint } = await openProofKey(state, randomBytes);
      return { algorithm: 'Ed25519', publicKey, fingerprint };
    });
    app.post<{ Body: Json | undefined }>('/proof/sign', async ({ body }): Promise<ProofSignature> => {
      const digest = isJsonObject(body) ? body['sha256'] : undefined;
      if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest))
        throw new ControlError(400, 'InvalidDigest', 'Give {"sha256": 64 hexadecimal digits}.');
      const { publicKey, fingerprint, sign } = await openProofKey(state, randomBytes);
      return { algorithm: 'Ed25519', publicKey, fingerprint, value: sign(digest) };
    });
  };
