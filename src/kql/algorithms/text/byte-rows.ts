/** The bytes of a value of each of many rows. */
export interface ByteRows {
  readonly rowCount: number;
  isNull(row: number): boolean;
  /** Of a row that is not null: its bytes are those of `bytes`, `from` up to but not including `to`, until the next one is looked for. */
  find(row: number): void;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** All of them as they lie in memory, where they lie as the engine has them. */
  readonly kept?: KeptValues;
}

export interface KeptValues {
  /** Numbers of eight bytes each; or 16 bytes a text: its length, then itself where it has at most 12 bytes, else its first four and its
   * address. What stands there for null means nothing. */
  readonly of: 'numbers' | 'texts';
  readonly bytes: Uint8Array;
  readonly hasNulls: boolean;
  /** What stands at an address, where each page of memory has some of a text. */
  bytesAt(address: number, length: number): Uint8Array;
}
