import type { KeyObject } from 'node:crypto';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { invariant } from '../../base/invariant.ts';
import { decryptOaep } from './decrypt-oaep.ts';
import { DecryptionRing } from './decryption-ring.ts';
import type { RsaThreadData, SentKey } from './rsa-thread-pool.ts';

// A thread that decrypts, and does nothing else: it never comes back to its event loop, so keys are looked for when they have been sent.

const { memory, port, keys: first, keysSent } = workerData as RsaThreadData;
const ring = new DecryptionRing(memory);
const keys = new Map<number, KeyObject>(first.map(({ id, key }) => [id, key]));
let received = keysSent;

/** Those that were sent first, in their order: later ones may take the place of one that is needed still. */
function takeKeys(sent: number): void {
  for (; ((sent - received) | 0) > 0; received = (received + 1) | 0) {
    const one = receiveMessageOnPort(port)?.message as SentKey | undefined;
    invariant(one !== undefined, 'a key is there before it is said to be sent');
    keys.set(one.id, one.key);
    if (one.insteadOf !== undefined) keys.delete(one.insteadOf);
  }
}

for (;;) {
  const { number, keyId, hash, ciphertext, keysSent: sent } = ring.claim(takeKeys);
  takeKeys(sent);
  const key = keys.get(keyId);
  invariant(key !== undefined, 'a key is sent before what it decrypts');
  if (ring.end(number, decryptOaep(key, hash, ciphertext))) port.postMessage(undefined);
}
