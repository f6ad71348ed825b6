import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { State, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { proofDomain } from './proof-domain.ts';

/** What an instance signs its proofs with; made when it is first asked for, sealed like every record. */
const proofKeyTable: Table<{ readonly format: 1; readonly seed: string }> = {
  name: 'proofKey',
  parse: (value) => {
    invariant(
      isJsonObject(value) && value['format'] === 1 && typeof value['seed'] === 'string',
      'a proof key has a seed',
    );
    return { format: 1, seed: value['seed'] };
  },
};
const recordId = 'key';
const seedBytes = 32;
/** PKCS #8 of an Ed25519 key, up to its seed. @see RFC 8410, section 7 */
const privateKeyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface ProofKey {
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string;
  /** SHA-256 of that DER: 64 hex digits. */
  readonly fingerprint: string;
  /** @param digest SHA-256 of a document as canonical JSON, 64 hex digits @returns base64 */
  readonly sign: (digest: string) => string;
}

/** @throws StateStoreError when the state cannot be read */
export async function openProofKey(state: State, randomBytes: RandomBytes): Promise<ProofKey> {
  const seed = (await state.get(proofKeyTable, recordId))?.value.seed ?? (await makeSeed(state, randomBytes));
  const privateKey = createPrivateKey({
    key: Buffer.concat([privateKeyPrefix, Buffer.from(seed, 'base64')]),
    format: 'der',
    type: 'pkcs8',
  });
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return {
    publicKey: der.toString('base64'),
    fingerprint: fingerprintOf(der),
    sign: (digest) => signed(privateKey, digest),
  };
}

/** In ONE commit; of two that make one at once, the first counts. */
async function makeSeed(state: State, randomBytes: RandomBytes): Promise<string> {
  const seed = Buffer.from(randomBytes(seedBytes)).toString('base64');
  try {
    await state.commit({ write: [writeRecord(proofKeyTable, recordId, null, { format: 1, seed })] });
    return seed;
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
    const found = await state.get(proofKeyTable, recordId);
    invariant(found !== undefined, 'who was first has made it');
    return found.value.seed;
  }
}

const signed = (key: KeyObject, digest: string): string =>
  sign(null, Buffer.from(`${proofDomain}${digest}`), key).toString('base64');

export const fingerprintOf = (publicKey: Uint8Array): string => createHash('sha256').update(publicKey).digest('hex');
