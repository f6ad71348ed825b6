import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VaultError } from '../vault-error.ts';
import { parseKeyOpBody } from './key-op-body.ts';

const parse = (text: string) => {
  try {
    const { alg, value } = parseKeyOpBody(Buffer.from(text));
    return { alg, value: value.toString('base64url') };
  } catch (error) {
    if (error instanceof VaultError) return error.message;
    throw error;
  }
};
const malformed = 'The request body is not a valid JSON object.';

describe('parseKeyOpBody', () => {
  it('finds alg and value in any order, spacing and company', () => {
    const good = { alg: 'RSA-OAEP', value: 'c2VjcmV0' };
    for (const text of [
      '{"alg":"RSA-OAEP","value":"c2VjcmV0"}',
      ' {\r\n\t"value" : "c2VjcmV0" , "alg" : "RSA-OAEP" } ',
      '{"x":{"value":"inner"},"y":["value",":"],"z":"value","alg":"RSA-OAEP","value":"c2VjcmV0"}',
      '{"\\u0076alue":"c2VjcmV0","alg":"RSA\\u002dOAEP","iv":"AA"}',
      '{"a\\"value":"no","alg":"RSA-OAEP","value":"c2VjcmV0"}',
      '\uFEFF{"alg":"RSA-OAEP","value":"c2VjcmV0"}',
    ]) {
      expect(parse(text)).toEqual(good);
    }
  });

  it.each([
    '',
    '{',
    '{"alg":"RSA-OAEP","value":"c2VjcmV0"',
    '{"alg":"RSA-OAEP","value":"c2VjcmV0',
    '{"alg":"RSA-OAEP","value" "c2VjcmV0"}',
    '{"alg":"RSA-OAEP","value":1"c2VjcmV0"}',
    '{"alg":"RSA-OAEP","value":"c2VjcmV0""x"}',
    '{"alg":"RSA-OAEP","value":"c2VjcmV0","value":"c2VjcmV0"}',
    '["alg","RSA-OAEP","value","c2VjcmV0"]',
    '"value"',
    '{"alg":"RSA-OAEP","value":"c2VjcmV0"}{}',
    `{"alg":"RSA-OAEP","value":"c2VjcmV0","x":${'['.repeat(200)}${']'.repeat(200)}}`,
  ])('refuses %s', (text) => {
    expect(parse(text)).toBe(malformed);
  });

  it.each(['c2Vjc=', 'c2Vjc', 'c2Vj=', 'c2Vjcg=', 'c2Vj====', 'c2Vj cm', 'c2Vj\\u0063mV0', 'c2Vj\\\\mV0', 'ü'])(
    'refuses the value %s',
    (value) => {
      expect(parse(`{"alg":"RSA-OAEP","value":"${value}"}`)).toMatch(/^Content of 'value' is not base64url\./);
    },
  );

  it.each([
    ['c2VjcmV0Kw==', 'c2VjcmV0Kw'],
    ['+/+/', '-_-_'],
    ['+\\/+\\/', '-_-_'],
  ])('reads the value %s, as Key Vault does', (sent, value) => {
    expect(parse(`{"alg":"RSA-OAEP","value":"${sent}"}`)).toEqual({ alg: 'RSA-OAEP', value });
  });

  it('reads what JSON.parse reads, whatever the bytes and the other members', () => {
    const other = fc.dictionary(
      fc.string().filter((name) => !['value', 'alg', '__proto__'].includes(name)),
      fc.jsonValue({ maxDepth: 3 }),
    );
    fc.assert(
      fc.property(other, fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.boolean(), (others, bytes, first) => {
        const mine = { alg: 'RSA-OAEP-256', value: Buffer.from(bytes).toString('base64url') };
        const text = JSON.stringify(first ? { ...mine, ...others } : { ...others, ...mine });
        expect(parse(text)).toEqual(mine);
      }),
    );
  });

  it('reads an algorithm that was read before with another value, and keeps nothing that stands beside it', () => {
    const othersOf = (text: string) => parseKeyOpBody(Buffer.from(text)).others;
    const first = othersOf('{"alg":"RSA-OAEP","value":"c2VjcmV0"}');
    expect(othersOf('{"alg":"RSA-OAEP","value":"b3RoZXI"}')).toBe(first);
    expect(parse('{"alg":"RSA-OAEP","value":"b3RoZXI"}')).toEqual({ alg: 'RSA-OAEP', value: 'b3RoZXI' });
    expect(Object.isFrozen(first)).toBe(true);
    for (const text of [
      '{"alg":"RS256","digest":"AA","value":"AA"}',
      `{"alg":"${'R'.repeat(100)}","value":"AA"}`,
      '{"alg":"RSA-OAEP","value":"AA","value2":{}}',
    ]) {
      expect(othersOf(text)).toEqual({ ...(JSON.parse(text) as object), value: '' });
      expect(othersOf(text)).not.toBe(othersOf(text));
    }
  });

  it('never throws anything but an error for the client', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('{}[]":,\\valueg01 ')), maxLength: 40 }), (text) => {
        parse(text);
      }),
      { numRuns: 3000 },
    );
  });
});
