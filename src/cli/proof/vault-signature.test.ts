import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../base/canonical-json.ts';
import { sha256Hex } from '../../base/sha256.ts';
import { proofDomain } from '../../server/proof-domain.ts';
import { fingerprintOf } from '../../server/proof-key.ts';
import { checkSignature } from './signature.ts';

const kid = `https://v.vault.azure.net/keys/signing/${'0'.repeat(32)}`;
const report = { ok: true, madeOn: '2026-01-01' };
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const p256 = ec('P-256');

/** As a vault signs: PSS with a salt as long as the hash, ECDSA as two numbers side by side. */
function document(algorithm: string, hash: string, key: { privateKey: KeyObject; publicKey: KeyObject }) {
  const bytes = Buffer.from(`${proofDomain}${sha256Hex(canonicalJson(report))}\n${kid}`);
  const isEc = key.privateKey.asymmetricKeyType === 'ec';
  const value = isEc
    ? sign(hash, bytes, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
    : sign(hash, bytes, { key: key.privateKey, padding: 6, saltLength: 32 });
  const der = key.publicKey.export({ format: 'der', type: 'spki' });
  const publicKey = der.toString('base64');
  const signature = { algorithm, kid, publicKey, fingerprint: fingerprintOf(der), value: value.toString('base64') };
  return { ...report, signature };
}

describe('a signature of a vault key', () => {
  it.each([
    ['PS256', 'sha256', rsa],
    ['ES256', 'sha256', p256],
    ['ES384', 'sha384', ec('P-384')],
    ['ES512', 'sha512', ec('P-521')],
    ['ES256K', 'sha256', ec('secp256k1')],
  ] as const)('%s is checked with the public key, and says which key it was', (algorithm, hash, key) => {
    const signed = document(algorithm, hash, key);
    const { fingerprint } = signed.signature;
    expect(checkSignature(signed, fingerprint)).toEqual({ ok: true, fingerprint, kid });
    expect(checkSignature({ ...signed, ok: false }, undefined)).toMatchObject({ ok: false, fingerprint });
    expect(checkSignature(signed, 'f'.repeat(64))).toMatchObject({ ok: false });
  });

  it.each([
    ['another key identifier', { kid: kid.replace('signing', 'other') }],
    ['an algorithm that the key is not of', { algorithm: 'ES384' }],
    ['the algorithm of instances', { algorithm: 'Ed25519' }],
    ['no algorithm', { algorithm: 'none' }],
    ['an algorithm with a name of objects', { algorithm: 'constructor' }],
    ['the public key of somebody else', { publicKey: document('ES256', 'sha256', ec('P-256')).signature.publicKey }],
  ])('is not valid with %s', (_what, change) => {
    const signed = document('ES256', 'sha256', p256);
    const forged = { ...signed, signature: { ...signed.signature, ...change } };
    expect(checkSignature(forged, undefined)).toMatchObject({ ok: false });
  });
});
