import { describe, expect, it } from 'vitest';
import { EncryptionDataError, parseEncryptionData, wrapAlgorithm, writeEncryptionData } from './encryption-data.ts';
import { defaultRegionBytes } from './format.ts';

/** Shape and member order as azure-storage-blob 12.26.0 for Python writes them. */
const written = (change: (parts: Record<string, Record<string, unknown>>) => void = () => undefined): string => {
  const parts = {
    WrappedContentKey: { KeyId: 'local:1', EncryptedKey: Buffer.alloc(48, 7).toString('base64'), Algorithm: 'A256KW' },
    EncryptionAgent: { Protocol: '2.0', EncryptionAlgorithm: 'AES_GCM_256' },
    EncryptedRegionInfo: { DataLength: 4194304, NonceLength: 12 },
    KeyWrappingMetadata: { EncryptionLibrary: 'Python 12.26.0' },
  };
  change(parts);
  return JSON.stringify({ ...parts, EncryptionMode: 'FullBlob' });
};

describe('encryptiondata', () => {
  it('is written as the SDKs write it, and read', () => {
    const data = { keyId: 'local:1', wrapAlgorithm, wrappedKey: Buffer.alloc(48, 7), regionBytes: defaultRegionBytes };
    expect(writeEncryptionData(data, 'Python 12.26.0')).toBe(written());
    expect(parseEncryptionData(written())).toEqual(data);
  });

  it.each([
    [
      'EncryptionAgent.Protocol',
      written((parts) => (parts['EncryptionAgent'] = { Protocol: '1.0', EncryptionAlgorithm: 'AES_CBC_256' })),
    ],
    ['EncryptionAgent.Protocol', written((parts) => (parts['EncryptionAgent'] = { Protocol: '2.1' }))],
    [
      'EncryptionAgent.EncryptionAlgorithm',
      written((parts) => (parts['EncryptionAgent'] = { Protocol: '2.0', EncryptionAlgorithm: 'AES_CBC_256' })),
    ],
    [
      'EncryptedRegionInfo.DataLength',
      written((parts) => (parts['EncryptedRegionInfo'] = { DataLength: 1, NonceLength: 12 })),
    ],
    [
      'EncryptedRegionInfo.NonceLength',
      written((parts) => (parts['EncryptedRegionInfo'] = { DataLength: 4194304, NonceLength: 16 })),
    ],
    [
      'WrappedContentKey.Algorithm',
      written((parts) => (parts['WrappedContentKey'] = { KeyId: 'x', EncryptedKey: '', Algorithm: 'RSA-OAEP' })),
    ],
    [
      'WrappedContentKey.KeyId',
      written((parts) => (parts['WrappedContentKey'] = { EncryptedKey: '', Algorithm: 'A256KW' })),
    ],
    [
      'WrappedContentKey.EncryptedKey',
      written((parts) => (parts['WrappedContentKey'] = { KeyId: 'x', EncryptedKey: 'AA==', Algorithm: 'A256KW' })),
    ],
    ['The text', '{'],
    ['The text', `"${'x'.repeat(9000)}"`],
    ['EncryptionAgent.Protocol', 'null'],
  ])('is refused by the name of the member: %s', (member, text) => {
    expect(() => parseEncryptionData(text)).toThrow(EncryptionDataError);
    expect(() => parseEncryptionData(text)).toThrow(member);
  });
});
