import type { KeyObject } from 'node:crypto';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import { decryptOaep } from './decrypt-oaep.ts';
import type { AskedDecryption } from './decryption-ring.ts';
import { DecryptionRing } from './decryption-ring.ts';
import type { RsaThreadData, SentKey } from './rsa-threads.ts';

// A thread that decrypts, and does nothing else: it never comes back to its event loop, so keys are looked for when one is missing.

const { memory, port } = workerData as RsaThreadData;
const ring = new DecryptionRing(memory);
const keys = new Map<number, KeyObject>();

/** Each key is sent before what it decrypts, in the same order. */
function keyOf(id: number): KeyObject {
  for (;;) {
    const known = keys.get(id);
    if (known !== undefined) return known;
    const sent = receiveMessageOnPort(port)?.message as SentKey | undefined;
    invariant(sent !== undefined, 'a key is there before what it decrypts');
    keys.set(sent.id, sent.key);
    if (sent.insteadOf !== undefined) keys.delete(sent.insteadOf);
  }
}

const opened = ({ keyId, hash, ciphertext }: AskedDecryption): Buffer | undefined =>
  decryptOaep(keyOf(keyId), hash, ciphertext);

for (;;) if (ring.end(opened(ring.next()))) port.postMessage(undefined);
