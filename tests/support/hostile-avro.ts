const long = (value: number): Buffer => {
  const bytes: number[] = [];
  let left = BigInt(value) * 2n;
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return Buffer.from([...bytes, Number(left)]);
};
const text = (value: string): Buffer => Buffer.concat([long(value.length), Buffer.from(value)]);
const sync = Buffer.alloc(16);
const begin = (facts: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat([
    ...[Buffer.from('Obj\u0001', 'latin1'), long(facts.length)],
    ...facts.flatMap((fact) => fact.map(text)),
    ...[long(0), sync],
  ]);
const schema = JSON.stringify({
  ...{ type: 'record', name: 'R' },
  fields: [{ name: 'a', type: { type: 'array', items: 'null' } }],
});
const header = begin([['avro.schema', schema]]);

/** Records that are each a list of so many nulls, in a few bytes. */
export function nullLists(records: number, nulls: number): Buffer {
  const block = Buffer.concat(Array.from({ length: records }, () => Buffer.concat([long(nulls), long(0)])));
  return Buffer.concat([header, long(records), long(block.length), block, sync]);
}

export function emptyBlocks(count: number): Buffer {
  const empty = Buffer.concat([long(0), long(0), sync]);
  return Buffer.concat([header, ...Array.from({ length: count }, () => empty)]);
}

/** Things that it says of itself. */
export const manyFacts = (count: number): Buffer => begin(Array.from({ length: count }, () => ['', ''] as const));

/** A block that claims so many bytes. */
export const largeBlock = (bytes: number): Buffer => Buffer.concat([header, long(1), long(bytes)]);
