import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { defaultRegionBytes, encryptionAlgorithm, nonceBytes, protocolVersion } from './format.ts';
import { wrappedDekBytes } from './wrapped-dek.ts';

/** The value of a blob's `encryptiondata` metadata. */
export interface EncryptionData {
  /** Names the key that unwraps; whoever opens the blob compares it with the name of the key at hand. */
  readonly keyId: string;
  /** `A256KW` for what Kustody writes. */
  readonly wrapAlgorithm: string;
  /** Version and CEK, wrapped. */
  readonly wrappedKey: Buffer;
  readonly regionBytes: number;
}

/** What is wrong with the `encryptiondata` of an import; `member` says where. */
export class EncryptionDataError extends Error {
  override readonly name = 'EncryptionDataError';
  constructor(
    readonly member: string,
    problem: string,
  ) {
    super(`encryptiondata cannot be used: ${member} ${problem}.`);
  }
}

export const wrapAlgorithm = 'A256KW';
const textLengthMax = 8 * 1024;

/** Members in the order in which the Azure Storage SDKs write them. */
export function writeEncryptionData(data: EncryptionData, library: string): string {
  return JSON.stringify({
    WrappedContentKey: {
      KeyId: data.keyId,
      EncryptedKey: data.wrappedKey.toString('base64'),
      Algorithm: data.wrapAlgorithm,
    },
    EncryptionAgent: { Protocol: protocolVersion, EncryptionAlgorithm: encryptionAlgorithm },
    EncryptedRegionInfo: { DataLength: data.regionBytes, NonceLength: nonceBytes },
    KeyWrappingMetadata: { EncryptionLibrary: library },
    EncryptionMode: 'FullBlob',
  });
}

/** Takes version 2.0 with 4 MiB regions and a key wrapped with A256KW, as the SDKs write it; refuses the rest by name.
 * @throws EncryptionDataError */
export function parseEncryptionData(text: string): EncryptionData {
  if (text.length > textLengthMax) throw new EncryptionDataError('The text', 'is longer than 8 KiB');
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    throw new EncryptionDataError('The text', 'is not JSON');
  }
  const member = (...path: readonly string[]): Json | undefined =>
    path.reduce<Json | undefined>(
      (value, name) => (isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
      json,
    );
  const demand = (path: readonly string[], wanted: string | number): void => {
    const found = member(...path);
    if (found !== wanted)
      throw new EncryptionDataError(path.join('.'), `is ${describe(found)}, where ${wanted} is supported`);
  };
  demand(['EncryptionAgent', 'Protocol'], protocolVersion);
  demand(['EncryptionAgent', 'EncryptionAlgorithm'], encryptionAlgorithm);
  demand(['EncryptedRegionInfo', 'DataLength'], defaultRegionBytes);
  demand(['EncryptedRegionInfo', 'NonceLength'], nonceBytes);
  demand(['WrappedContentKey', 'Algorithm'], wrapAlgorithm);
  const keyId = member('WrappedContentKey', 'KeyId');
  if (typeof keyId !== 'string') throw new EncryptionDataError('WrappedContentKey.KeyId', 'is missing');
  const encryptedKey = member('WrappedContentKey', 'EncryptedKey');
  const wrappedKey = Buffer.from(typeof encryptedKey === 'string' ? encryptedKey : '', 'base64');
  if (wrappedKey.length !== wrappedDekBytes) {
    throw new EncryptionDataError('WrappedContentKey.EncryptedKey', `is not ${wrappedDekBytes} bytes in base64`);
  }
  return { keyId, wrapAlgorithm, wrappedKey, regionBytes: defaultRegionBytes };
}

const describe = (value: Json | undefined): string =>
  value === undefined ? 'missing' : JSON.stringify(value).slice(0, 50);
