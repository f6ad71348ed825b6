/** RC2 (RFC 2268) in CBC mode, decryption only: OpenSSL keeps it out of its default provider, and Windows protects the certificates of a
 * PFX file with it. Nothing is ever written with it. */

/** The permutation of section 2: digits of π. */
const piTable = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
);
const pi = (index: number): number => piTable[index & 0xff] ?? 0;

const blockBytes = 8;

/** @param key as many bytes as the effective key has bits / 8 (5 or 16)
 * @returns undefined when the padding is not that of PKCS #7: the key is wrong */
export function decryptRc2Cbc(key: Uint8Array, iv: Uint8Array, ciphertext: Uint8Array): Buffer | undefined {
  if (ciphertext.length === 0 || ciphertext.length % blockBytes !== 0) return undefined;
  const schedule = expandedKey(key);
  const plain = Buffer.alloc(ciphertext.length);
  let previous = iv;
  for (let at = 0; at < ciphertext.length; at += blockBytes) {
    const block = ciphertext.subarray(at, at + blockBytes);
    decryptBlock(schedule, block, plain.subarray(at, at + blockBytes));
    for (let index = 0; index < blockBytes; index++)
      plain[at + index] = (plain[at + index] ?? 0) ^ (previous[index] ?? 0);
    previous = block;
  }
  const padding = plain.at(-1) ?? 0;
  if (padding < 1 || padding > blockBytes) return undefined;
  return plain.subarray(-padding).every((byte) => byte === padding) ? plain.subarray(0, -padding) : undefined;
}

/** 64 words of 16 bits. */
function expandedKey(key: Uint8Array): Uint16Array {
  const bytes = Buffer.alloc(128);
  bytes.set(key);
  const { length } = key;
  for (let index = length; index < 128; index++) {
    bytes[index] = pi((bytes[index - 1] ?? 0) + (bytes[index - length] ?? 0));
  }
  // The effective key is as long as the key: no bits are masked in its first byte.
  bytes[128 - length] = pi(bytes[128 - length] ?? 0);
  for (let index = 127 - length; index >= 0; index--) {
    bytes[index] = pi((bytes[index + 1] ?? 0) ^ (bytes[index + length] ?? 0));
  }
  return Uint16Array.from({ length: 64 }, (_, word) => bytes.readUInt16LE(2 * word));
}

const rotations = [1, 2, 3, 5];

function decryptBlock(schedule: Uint16Array, block: Uint8Array, target: Buffer): void {
  const source = Buffer.from(block);
  const words = Uint16Array.from({ length: 4 }, (_, word) => source.readUInt16LE(2 * word));
  const at = (index: number): number => words[index & 3] ?? 0;
  let next = 63;
  const unmix = (): void => {
    for (let index = 3; index >= 0; index--) {
      const turn = rotations[index] ?? 0;
      const rotated = ((at(index) >>> turn) | (at(index) << (16 - turn))) & 0xffff;
      const chosen = (at(index + 3) & at(index + 2)) + (~at(index + 3) & 0xffff & at(index + 1));
      words[index] = rotated - (schedule[next--] ?? 0) - chosen;
    }
  };
  const unmash = (): void => {
    for (let index = 3; index >= 0; index--) words[index] = at(index) - (schedule[at(index + 3) & 63] ?? 0);
  };
  for (const rounds of [5, 6, 5]) {
    for (let round = 0; round < rounds; round++) unmix();
    if (next >= 0) unmash();
  }
  words.forEach((word, index) => target.writeUInt16LE(word, 2 * index));
}
