/** The bytes of a value of each of many rows. */
export interface ByteRows {
  readonly rowCount: number;
  isNull(row: number): boolean;
  /** Of a row that is not null: its bytes are those of `bytes`, `from` up to but not including `to`, until the next one is looked for. */
  find(row: number): void;
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}
