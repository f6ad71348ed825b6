import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyUnwrapError, unwrapKeyA256, wrapKeyA256 } from './aes-key-wrap.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** RFC 3394, 4.3, 4.5 and 4.6: the vectors with a 256-bit key encryption key. */
const rfc3394 = [
  ['00112233445566778899AABBCCDDEEFF', '64E8C3F9CE0F5BA2 63E9777905818A2A 93C8191E7D6E8AE7'],
  [
    '00112233445566778899AABBCCDDEEFF0001020304050607',
    'A8F9BC1612C68B3F F6E6F4FBE30E71E4 769C8B80A32CB895 8CD5D17D6B254DA1',
  ],
  [
    '00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F',
    '28C9F404C4B810F4 CBCCB35CFB87F826 3F5786E2D80ED326 CBC7F0E71A99F43B FB988B9B7A02DD21',
  ],
] as const;

interface WycheproofCase {
  readonly tcId: number;
  readonly comment: string;
  readonly key: string;
  readonly msg: string;
  readonly ct: string;
  readonly result: 'valid' | 'acceptable' | 'invalid';
}

describe('A256KW', () => {
  it.each(rfc3394)('wraps and unwraps as RFC 3394 shows: %s', (key, wrapped) => {
    const wrappingKey = hex('000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F');
    expect(wrapKeyA256(wrappingKey, hex(key))).toEqual(hex(wrapped));
    expect(unwrapKeyA256(wrappingKey, hex(wrapped))).toEqual(hex(key));
  });

  it('passes the vectors of Project Wycheproof for 256-bit keys', () => {
    const path = join(import.meta.dirname, '../../../vectors/wycheproof/aes_wrap_test.json');
    const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as {
      testGroups: { keySize: number; tests: WycheproofCase[] }[];
    };
    const cases = testGroups.filter(({ keySize }) => keySize === 256).flatMap(({ tests }) => tests);
    expect(cases.length).toBeGreaterThan(40);
    for (const { tcId, comment, key, msg, ct, result } of cases) {
      const name = `${tcId} ${comment}`;
      const unwrap = (): Buffer => unwrapKeyA256(hex(key), hex(ct));
      if (result === 'invalid' || msg.length < 32) expect(unwrap, name).toThrow(KeyUnwrapError);
      else {
        expect(unwrap(), name).toEqual(hex(msg));
        expect(wrapKeyA256(hex(key), hex(msg)), name).toEqual(hex(ct));
      }
    }
  });
});
