import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { nodeAddressText, parseNodeAddress, readSignedAddress, signAddress } from './advertised-address.ts';

const key = systemRandomBytes(32);

describe('the address of a node', () => {
  it.each(['10.0.0.7:7490', 'node-1.example.org:1', '[2001:db8::7]:65535', 'localhost:0'])(
    'is read from %s',
    (text) => {
      const address = parseNodeAddress(text);
      expect(address && nodeAddressText(address)).toBe(text);
      expect(readSignedAddress(key, signAddress(key, text))).toEqual({ ...address, text });
    },
  );

  it.each([
    '',
    '10.0.0.7',
    ':7490',
    'a:65536',
    'a:1 ',
    'a b:1',
    '2001:db8::7:7490',
    '[10.0.0.7]:1',
    'http://a:1',
    'a:-1',
    'a:1e3',
  ])('is not %j', (text) => expect(parseNodeAddress(text)).toBeUndefined());

  it('counts only from a node of the instance', () => {
    const signed = signAddress(key, 'a:1');
    const [, mac = ''] = signed.split(' ');
    for (const forged of [
      'a:1',
      'a:1 ',
      `b:1 ${mac}`,
      `${signed} b:1`,
      signAddress(systemRandomBytes(32), 'a:1'),
      `a:1 ${mac.slice(2)}`,
    ])
      expect(readSignedAddress(key, forged)).toBeUndefined();
  });
});
