import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64UrlLength, decodeBase64, writeBase64Url } from './base64url-bytes.ts';

describe('base64url from bytes to bytes', () => {
  it('writes what Node writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        const expected = Buffer.from(bytes).toString('base64url');
        const target = Buffer.alloc(base64UrlLength(bytes.length) + 2, '.');
        expect(writeBase64Url(bytes, target, 1)).toBe(expected.length + 1);
        expect(target.toString('latin1')).toBe(`.${expected}.`);
        expect(decodeBase64(Buffer.from(expected))).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('reads both alphabets, with padding and without, and nothing else', () => {
    const readable = /^(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?$/;
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('AQgw09-_+/= \u0000\u007f')), maxLength: 9 }),
        (text) => {
          const expected = readable.test(text) ? Buffer.from(text, 'base64') : undefined;
          expect(decodeBase64(Buffer.from(text, 'latin1'))).toEqual(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['c29tZS1zZWNyZXQ=', 'some-secret'],
    ['c29tZS1zZWNyZXQ', 'some-secret'],
    ['c29tZS1zZWNyZXR', 'some-secret'], // bits left over
    ['+/+/', Buffer.from([0xfb, 0xff, 0xbf]).toString('latin1')],
    ['-_-_', Buffer.from([0xfb, 0xff, 0xbf]).toString('latin1')],
  ])('reads %s', (text, bytes) => {
    expect(decodeBase64(Buffer.from(text))?.toString('latin1')).toBe(bytes);
  });
});
