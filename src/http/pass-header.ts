import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { invariant } from '../base/invariant.ts';
import type { RandomBytes } from '../base/random.ts';

/** What one node tells another before it passes a connection on. The node that serves speaks first, so that nothing is good twice:
 *
 * - hello: `KUSTODY1`, then 32 random bytes;
 * - header: version 1, whom it is for, length of the address, the address as text in 45 bytes, then HMAC-SHA-256 over the hello, the
 *   address that was dialled and the header before it.
 *
 * After that each byte is the client's. */
export interface PassHeader {
  readonly to: HeaderTarget;
  /** An IP address, as the node saw it that accepted the connection. */
  readonly clientAddress: string;
}

/** Listeners of a node: names by TLS, the cluster on localhost, the forward proxy. */
export const passedTo = ['tls', 'kusto', 'proxy'] as const;
export type PassedTo = (typeof passedTo)[number];

/** `reader`: it is no client's, but of a process on the other node that reads a cluster. */
const headerTargets = [...passedTo, 'reader'] as const;
export type HeaderTarget = (typeof headerTargets)[number];

const magic = Buffer.from('KUSTODY1');
const nonceBytes = 32;
export const helloBytes = magic.length + nonceBytes;

const version = 1;
const addressBytesMax = 45;
const macBytes = 32;
const saidBytes = 3 + addressBytesMax;
export const passHeaderBytes = saidBytes + macBytes;

export const makeHello = (randomBytes: RandomBytes): Buffer => Buffer.concat([magic, randomBytes(nonceBytes)]);

export const isHello = (bytes: Buffer): boolean =>
  bytes.length === helloBytes && bytes.subarray(0, magic.length).equals(magic);

/** @param key 32 bytes, which only nodes of the instance have
 * @param dialled as it was advertised: another node has no use for the answer */
export function writePassHeader(key: Uint8Array, hello: Buffer, dialled: string, header: PassHeader): Buffer {
  const { to, clientAddress } = header;
  invariant(isIP(clientAddress) > 0 && clientAddress.length <= addressBytesMax, 'a client has an IP address');
  const said = Buffer.alloc(saidBytes);
  said.set([version, headerTargets.indexOf(to), clientAddress.length]);
  said.write(clientAddress, 3, 'latin1');
  return Buffer.concat([said, macOf(key, hello, dialled, said)]);
}

/** @returns undefined: whoever wrote it is no node of this instance, or was not asked by this one */
export function readPassHeader(
  key: Uint8Array,
  hello: Buffer,
  advertised: string,
  bytes: Buffer,
): PassHeader | undefined {
  if (bytes.length !== passHeaderBytes) return undefined;
  const said = bytes.subarray(0, saidBytes);
  if (!timingSafeEqual(bytes.subarray(saidBytes), macOf(key, hello, advertised, said))) return undefined;
  const [saidVersion, target = -1, length = 0] = said;
  const to = headerTargets[target];
  const clientAddress = said.subarray(3, 3 + length).toString('latin1');
  if (saidVersion !== version || to === undefined || isIP(clientAddress) === 0) return undefined;
  return { to, clientAddress };
}

const macOf = (key: Uint8Array, hello: Buffer, dialled: string, said: Buffer): Buffer =>
  createHmac('sha256', key).update('kustody passes a connection').update(hello).update(said).update(dialled).digest();
