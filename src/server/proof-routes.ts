import type { FastifyInstance } from 'fastify';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { DiskScan } from './disk-scan.ts';
import { ScanBusyError } from './disk-scan.ts';
import { canaryBytesMin } from './canary-scan.ts';
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
 * since. `POST /proof/scan` with `{"canaries": […]}`: whether the files of the data directory hold one of these texts. */
export const proofRoutes =
  (
    state: State,
    randomBytes: RandomBytes,
    scan: (canaries: readonly string[], signal: AbortSignal) => Promise<DiskScan>,
  ) =>
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
    app.post<{ Body: Json | undefined }>('/proof/scan', async ({ body }, reply): Promise<DiskScan> => {
      const canaries = canariesOf(isJsonObject(body) ? body['canaries'] : undefined);
      if (canaries === undefined)
        throw new ControlError(
          400,
          'InvalidCanaries',
          `Give {"canaries": 1 to ${canariesMax} texts of ${canaryBytesMin} to ${canaryBytesMax} bytes}.`,
        );
      const left = new AbortController();
      reply.raw.once('close', () => left.abort());
      return scan(canaries, left.signal).catch((error: unknown) => {
        if (error instanceof ScanBusyError) throw new ControlError(429, 'ScanUnderWay', 'Another scan is under way.');
        throw error;
      });
    });
  };

const canariesMax = 8;
const canaryBytesMax = 256;

function canariesOf(sent: unknown): readonly string[] | undefined {
  if (!Array.isArray(sent) || sent.length === 0 || sent.length > canariesMax) return undefined;
  const texts = (sent as readonly unknown[]).filter((one): one is string => typeof one === 'string');
  const fits = texts.every((text) => {
    const bytes = Buffer.byteLength(text);
    return bytes >= canaryBytesMin && bytes <= canaryBytesMax;
  });
  return fits && texts.length === sent.length ? texts : undefined;
}
