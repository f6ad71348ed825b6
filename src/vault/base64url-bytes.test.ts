import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64UrlLength, decodeBase64Url, writeBase64Url } from './base64url-bytes.ts';

describe('base64url from bytes to bytes', () => {
  it('writes what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const expected = Buffer.from(bytes).toString('base64url');
        const target = Buffer.alloc(base64UrlLength(bytes.length) + 2, '.');
        expect(writeBase64Url(bytes, target, 1)).toBe(expected.length + 1);
        expect(target.toString('latin1')).toBe(`.${expected}.`);
        expect(decodeBase64Url(Buffer.from(expected))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('reads only what Node would write for the same bytes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('AQgw09-_+/= \u0000\u007f')), maxLength: 9 }),
        (text) => {
          const bytes = Buffer.from(text, 'base64url');
          const canonical = bytes.toString('base64url') === text;
          expect(decodeBase64Url(Buffer.from(text, 'latin1'))).toEqual(canonical ? bytes : undefined);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
