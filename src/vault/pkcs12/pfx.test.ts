import * as asn1 from 'asn1js';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { childrenOf, readAsn1, toDer } from './asn1-values.ts';
import { readPfx, writePfx } from './pfx.ts';
import { decryptRc2Cbc } from './rc2.ts';

/** OpenSSL wrote and reads what is compared with: another implementation. */
const directory = mkdtempSync(join(tmpdir(), 'pfx-'));
const path = (name: string): string => join(directory, name);
const openssl = (...parts: readonly string[]): Buffer =>
  execFileSync('openssl', parts, { stdio: ['ignore', 'pipe', 'ignore'] });

beforeAll(() => {
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=pfx test', '-days', '9'],
    ...['-keyout', path('key.pem'), '-out', path('cert.pem')],
  );
});
afterAll(() => rmSync(directory, { recursive: true }));

const keyDer = (): Buffer => createPrivateKey(readFileSync(path('key.pem'))).export({ format: 'der', type: 'pkcs8' });
const certificateDer = (): Buffer => new X509Certificate(readFileSync(path('cert.pem'))).raw;

describe('reading PFX files', () => {
  it.each([
    ['AES-256 with PBES2, MAC SHA-256', []],
    ['triple DES and RC2-40, MAC SHA-1, as Windows writes it', ['-legacy']],
    ['triple DES alone', ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
    ['RC2-128', ['-legacy', '-certpbe', 'PBE-SHA1-RC2-128', '-keypbe', 'PBE-SHA1-2DES']],
    ['AES-128 and another MAC', ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-192-CBC', '-macalg', 'sha512']],
    ['nothing encrypted', ['-keypbe', 'NONE', '-certpbe', 'NONE']],
  ])('opens %s', async (_what, options) => {
    for (const password of ['', 'pass wörd']) {
      const file = openssl(
        ...['pkcs12', '-export', '-inkey', path('key.pem'), '-in', path('cert.pem')],
        ...['-passout', `pass:${password}`, ...options],
      );
      const contents = await readPfx(file, password);
      expect(contents?.certificates).toEqual([certificateDer()]);
      expect(
        contents?.privateKeys.map((key) =>
          createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'der', type: 'pkcs8' }),
        ),
      ).toEqual([keyDer()]);
      expect(await readPfx(file, `${password}x`)).toBeUndefined();
    }
  });

  it('refuses what is no such file, and every change of one', async () => {
    expect(await readPfx(randomBytes(100), '')).toBeUndefined();
    expect(await readPfx(Buffer.alloc(0), '')).toBeUndefined();
    // A UniversalString of one byte, which is no whole character.
    expect(await readPfx(Buffer.from([0x1c, 1, 65]), '')).toBeUndefined();
    const file = writePfx(keyDer(), [certificateDer()], systemRandomBytes);
    for (let at = 0; at < file.length; at += 37) {
      const broken = Buffer.from(file);
      broken[at] = (broken[at] ?? 0) ^ 0x40;
      const contents = await readPfx(broken, '').catch(() => 'thrown');
      expect(contents).not.toBe('thrown');
    }
  });
});

/** What a file asks for is done on the thread that answers everybody. */
describe('PFX files that ask for too much', () => {
  const sequence = (...value: asn1.BaseBlock[]): asn1.Sequence => new asn1.Sequence({ value });
  const octets = (valueHex: Buffer): asn1.OctetString => new asn1.OctetString({ valueHex });
  const oid = (value: string): asn1.ObjectIdentifier => new asn1.ObjectIdentifier({ value });
  const data = (content: Buffer): asn1.Sequence =>
    sequence(
      oid('1.2.840.113549.1.7.1'),
      new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [octets(content)] }),
    );
  const fileOf = (safe: asn1.BaseBlock, ...mac: asn1.BaseBlock[]): Buffer =>
    toDer(sequence(new asn1.Integer({ value: 3 }), data(toDer(safe)), ...mac));

  it('a MAC of another length than its hash has', async () => {
    const info = sequence(sequence(oid('1.3.14.3.2.26')), octets(Buffer.alloc(20_000)));
    const mac = sequence(info, octets(Buffer.alloc(8)), new asn1.Integer({ value: 20_000 }));
    expect(await readPfx(fileOf(sequence(), mac), '')).toBeUndefined();
  });

  it('many bags, each within bounds', async () => {
    const file = openssl(
      ...['pkcs12', '-export', '-inkey', path('key.pem'), '-nocerts', '-nomac', '-iter', '100000', '-passout', 'pass:'],
    );
    const safe = (childrenOf(childrenOf(childrenOf(readAsn1(file))[1])[1])[0] as asn1.OctetString).getValue();
    const [part] = childrenOf(readAsn1(new Uint8Array(safe)));
    if (part === undefined) throw new Error('the file has a part');
    const times = (count: number): Buffer => fileOf(sequence(...Array.from({ length: count }, () => part)));
    expect((await readPfx(times(3), ''))?.privateKeys).toHaveLength(3);
    expect(await readPfx(times(41), '')).toBeUndefined();
  });

  it('many rounds of hashing, in turns with everybody else, however many files there are at once', async () => {
    const scheme = 'PBE-SHA1-3DES';
    const file = openssl(
      ...['pkcs12', '-export', '-inkey', path('key.pem'), '-in', path('cert.pem'), '-passout', 'pass:x'],
      ...['-keypbe', scheme, '-certpbe', scheme, '-macalg', 'sha1', '-iter', '20000'],
    );
    let turns = 0;
    const count = (): void => {
      turns += 1;
      next = setImmediate(count);
    };
    let next = setImmediate(count);
    const files = await Promise.all(Array.from({ length: 4 }, () => readPfx(file, 'x')));
    clearImmediate(next);
    expect(files.map((contents) => contents?.privateKeys)).toEqual(Array.from({ length: 4 }, () => [keyDer()]));
    // One for the MAC, and two and one for each of two parts: 140,000 rounds a file, at most a thousand in a turn.
    expect(turns).toBeGreaterThan(4 * 7 * 18);
  });

  it('values within values within values', async () => {
    for (const depth of [1000, 100_000]) {
      const nested = Buffer.concat([Buffer.alloc(2 * depth, Buffer.from([0x30, 0x80])), Buffer.alloc(2 * depth)]);
      expect(await readPfx(nested, '')).toBeUndefined();
    }
  });
});

describe('writing PFX files', () => {
  it('writes what OpenSSL and TLS of Node open without a password', async () => {
    const file = writePfx(keyDer(), [certificateDer()], systemRandomBytes);
    writeFileSync(path('written.pfx'), file);
    const shown = openssl('pkcs12', '-in', path('written.pfx'), '-passin', 'pass:', '-nodes').toString();
    expect(createPrivateKey(shown).export({ format: 'der', type: 'pkcs8' })).toEqual(keyDer());
    expect(new X509Certificate(shown.slice(shown.indexOf('-----BEGIN CERTIFICATE'))).raw).toEqual(certificateDer());
    expect(() => createSecureContext({ pfx: file, passphrase: '' })).not.toThrow();
    expect(await readPfx(file, '')).toMatchObject({ certificates: [certificateDer()], privateKeys: [keyDer()] });
  });

  it('leaves a key out that may not leave', async () => {
    const file = writePfx(undefined, [certificateDer()], systemRandomBytes);
    expect(await readPfx(file, '')).toEqual({ certificates: [certificateDer()], privateKeys: [] });
  });
});

describe('RC2', () => {
  it('gives what OpenSSL encrypted, by 40 and by 128 bits', () => {
    for (const bits of [40, 128]) {
      const key = randomBytes(bits / 8);
      const iv = randomBytes(8);
      const plain = randomBytes(21);
      writeFileSync(path('plain'), plain);
      const cipher = bits === 40 ? '-rc2-40-cbc' : '-rc2-cbc';
      const encrypted = openssl(
        ...['enc', cipher, '-K', key.toString('hex'), '-iv', iv.toString('hex'), '-in', path('plain')],
        ...['-provider', 'legacy', '-provider', 'default'],
      );
      expect(decryptRc2Cbc(key, iv, encrypted)).toEqual(plain);
    }
  });
});
