/** How values stand in a pack: a byte of these, then what it says. Numbers of items and bytes are varints. */
export const tags = {
  ...{ null: 0, false: 1, true: 2 },
  /** Whole, not negative: a varint. */
  count: 3,
  /** Any other number: 8 bytes. */
  number: 4,
  text: 5,
  /** A text that is a guid: 16 bytes. */
  guid: 6,
  /** A text that is unpadded base64url of some bytes: these. */
  bytes: 7,
  /** A text that is a whole number as `BigInt` writes it, of 64 bits with its sign. */
  digits: 8,
  /** A text that ends with a guid: what is before it, by its place among what is shared, and 16 bytes. */
  named: 9,
  /** Any value, by its place among what is shared. */
  shared: 10,
  list: 11,
  /** Its names, by their place among what is shared, and a value for each. */
  object: 12,
  /** A list of two values that are alike. */
  pair: 13,
} as const;

export const guidBytes = (guid: string): Buffer => Buffer.from(guid.replaceAll('-', ''), 'hex');

export function guidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
