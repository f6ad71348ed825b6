import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromBase64Url, isBase64Url, toBase64Url } from './base64url.ts';

const digit = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split(''));
const likely = fc.string({
  unit: fc.oneof({ weight: 30, arbitrary: digit }, fc.constantFrom('=', '+', '/', '\n', 'é')),
});

it('takes exactly what some bytes are written as', () => {
  fc.assert(
    fc.property(fc.oneof(likely, fc.string({ unit: digit, maxLength: 6 }), fc.string()), (text) => {
      const bytes = Buffer.from(text, 'base64url');
      expect(isBase64Url(text)).toBe(bytes.toString('base64url') === text);
      expect(fromBase64Url(text)?.toString('base64url')).toBe(isBase64Url(text) ? text : undefined);
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(Buffer.from(bytes));
    }),
  );
});

it('looks at every end that there is', () => {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (const start of ['', 'A', '_w', 'abc'])
    for (const last of digits) {
      const text = `${start}${last}`;
      expect([text, isBase64Url(text)]).toEqual([text, Buffer.from(text, 'base64url').toString('base64url') === text]);
    }
});

it('takes long texts as it takes short ones', () => {
  for (const length of [1_021, 1_022, 1_023, 1_024, 1_025, 1_026, 1_027, 1_028, 5_000]) {
    const text = 'A'.repeat(length);
    expect([length, isBase64Url(text)]).toEqual([length, length % 4 !== 1]);
    for (const wrong of ['=', '+', '/', '\n', 'é'])
      for (const at of [0, length - 40, length - 1])
        expect(isBase64Url(`${text.slice(0, at)}${wrong}${text.slice(at + 1)}`)).toBe(false);
  }
});
