/** XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), seed 0, as a WebAssembly module: it multiplies numbers of 64 bits in
 * one step, JavaScript does not. Written with the few instructions that it takes
 * (https://webassembly.github.io/spec/core/binary/instructions.html). */
type Code = readonly number[];

/** LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let left = value;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return [...bytes, left];
}

function signed(value: bigint): Code {
  const bytes: number[] = [];
  for (let left = BigInt.asIntN(64, value); ; left >>= 7n) {
    const seven = Number(left & 0x7fn);
    if (left >= -64n && left < 64n) return [...bytes, seven];
    bytes.push(seven | 0x80);
  }
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const section = (id: number, items: readonly Code[]): Code => [id, ...sized(vector(items))];
const named = (name: string): Code => sized([...Buffer.from(name)]);

const i32 = 0x7f;
const i64 = 0x7e;
const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
const int = (value: number): Code => [0x41, ...signed(BigInt(value))];
const long = (value: bigint): Code => [0x42, ...signed(value)];
type Two = (left: Code, right: Code) => Code;
type Six = [Two, Two, Two, Two, Two, Two];
const two =
  (instruction: number): Two =>
  (left, right) => [...left, ...right, instruction];
const [addInt, atMost, atLeast, less, more] = [two(0x6a), two(0x4d), two(0x4f), two(0x49), two(0x4b)];
const [add, subtract, multiply, xor, shift, rotate] = [0x7c, 0x7d, 0x7e, 0x85, 0x88, 0x89].map(two) as Six;
const [lessLong, moreLong, atMostLong] = [two(0x54), two(0x56), two(0x58)];
const loadInt = (at: Code, offset: number): Code => [...at, 0x28, 2, ...unsigned(offset)];
const loadLong = (at: Code, offset = 0): Code => [...at, 0x29, 0, ...unsigned(offset)];
const loadByte = (at: Code): Code => [...at, 0x31, 0, 0];
const loadFour = (at: Code): Code => [...at, 0x35, 0, 0];
const store = (at: Code, value: Code): Code => [...at, ...value, 0x37, 3, 0];
const storeByte = (at: Code, value: Code): Code => [...at, ...value, 0x3a, 0, 0];
const wide = (value: Code): Code => [...value, 0xad];
const narrow = (value: Code): Code => [...value, 0xa7];
const rest = two(0x81);
const and = two(0x83);
const lessSigned = two(0x53);
const select = (condition: Code, then: Code, otherwise: Code): Code => [...then, ...otherwise, ...condition, 0x1b];
const end = 0x0b;
const when = (condition: Code, then: Code, otherwise: Code = []): Code => [
  ...[...condition, 0x04, 0x40, ...then],
  ...(otherwise.length === 0 ? [] : [0x05, ...otherwise]),
  end,
];
const repeat = (condition: Code, body: Code): Code => [
  ...[0x02, 0x40, 0x03, 0x40, ...condition, 0x45, 0x0d, 1],
  ...[...body, 0x0c, 0, end, end],
];

const p1 = 11400714785074694791n;
const p2 = 14029467366897019727n;
const p3 = 1609587929392839161n;
const p4 = 9650029242287828579n;
const p5 = 2870177450012600261n;

const [at, length, stop, acc] = [0, 1, 2, 3];
const lanes = [4, 5, 6, 7];
const laneStarts = [p1 + p2, p2, 0n, -p1];
const laneTurns = [1n, 7n, 12n, 18n];
const round = (lane: Code, input: Code): Code =>
  multiply(rotate(add(lane, multiply(input, long(p2))), long(31n)), long(p1));
const alone = (input: Code): Code => multiply(rotate(multiply(input, long(p2)), long(31n)), long(p1));
const step = (by: number): Code => set(at, addInt(get(at), int(by)));
const left = (bytes: number): Code => atMost(addInt(get(at), int(bytes)), get(stop));
const merged = (own: Code, turn: bigint, by: bigint, plus: bigint): Code =>
  set(acc, add(multiply(rotate(xor(get(acc), own), long(turn)), long(by)), long(plus)));
const mixed = (by: bigint): Code => set(acc, xor(get(acc), shift(get(acc), long(by))));

/** The hash of `length` bytes at `at`. */
const hash: Code = [
  ...set(stop, addInt(get(at), get(length))),
  ...when(
    atLeast(get(length), int(32)),
    [
      ...lanes.flatMap((lane, index) => set(lane, long(laneStarts[index] ?? 0n))),
      ...repeat(left(32), [
        ...lanes.flatMap((lane, index) => set(lane, round(get(lane), loadLong(get(at), index * 8)))),
        ...step(32),
      ]),
      ...set(acc, lanes.map((lane, index) => rotate(get(lane), long(laneTurns[index] ?? 0n))).reduce(add)),
      ...lanes.flatMap((lane) => set(acc, add(multiply(xor(get(acc), alone(get(lane))), long(p1)), long(p4)))),
    ],
    set(acc, long(p5)),
  ),
  ...set(acc, add(get(acc), wide(get(length)))),
  ...repeat(left(8), [...merged(alone(loadLong(get(at))), 27n, p1, p4), ...step(8)]),
  ...when(left(4), [...merged(multiply(loadFour(get(at)), long(p1)), 23n, p2, p3), ...step(4)]),
  ...repeat(left(1), [...merged(multiply(loadByte(get(at)), long(p5)), 11n, p1, 0n), ...step(1)]),
  ...mixed(33n),
  ...set(acc, multiply(get(acc), long(p2))),
  ...mixed(29n),
  ...set(acc, multiply(get(acc), long(p3))),
  ...mixed(32n),
  ...get(acc),
];

const [row, rowsEnd, out] = [0, 1, 2];
const hashed = (where: Code, size: Code): Code => [...where, ...size, 0x10, 0];
const eachRow = (bytes: number, code: Code): Code =>
  repeat(less(get(row), get(rowsEnd)), [...code, ...set(row, addInt(get(row), int(bytes)))]);
const put = (value: Code): Code => [...store(get(out), value), ...set(out, addInt(get(out), int(8)))];

/** Of rows of two numbers, where and how long, from `row` to `rowsEnd`: the hashes go to `out`. */
const hashRows: Code = eachRow(8, put(hashed(loadInt(get(row), 0), loadInt(get(row), 4))));

/** Of numbers of eight bytes, the first `width` of each. */
const hashNumbers: Code = eachRow(8, put(hashed(get(row), get(3))));

/** Of numbers, what is left of each by `modulus`, which is positive, and so is that. */
const [modulus, remainder] = [3, 4];
const reduceNumbers: Code = eachRow(8, [
  ...set(remainder, rest(loadLong(get(row)), get(modulus))),
  ...store(get(row), select(lessSigned(get(remainder), long(0n)), add(get(remainder), get(modulus)), get(remainder))),
]);

/** Of numbers, the bits that `mask` has: what is left of each by a power of two, for a tenth of what a division takes. */
const mask = 3;
const maskNumbers: Code = eachRow(8, store(get(row), and(loadLong(get(row)), get(mask))));

/** Texts as DuckDB has them: a length, then up to 12 bytes, or four of them and where all stand. */
const textLength = loadInt(get(row), 0);
const address = loadLong(get(row), 8);
const isElsewhere = more(textLength, int(12));

/** Of texts that stand elsewhere: the least address, the end of the last and how many bytes they have in all, to `out`. */
const [least, greatest, sum, textEnd] = [3, 4, 5, 6];
const findTexts: Code = [
  ...set(least, long(-1n)),
  ...eachRow(
    16,
    when(isElsewhere, [
      ...set(textEnd, add(address, wide(textLength))),
      ...set(least, select(lessLong(address, get(least)), address, get(least))),
      ...set(greatest, select(moreLong(get(textEnd), get(greatest)), get(textEnd), get(greatest))),
      ...set(sum, add(get(sum), wide(textLength))),
    ]),
  ),
  ...[least, greatest, sum].flatMap((one) => put(get(one))),
];

/** Sets a byte of `out` for each page that such a text is in, counted from `firstPage`. */
const [firstPage, page, lastPage] = [3, 4, 5];
const markPages: Code = eachRow(
  16,
  when(isElsewhere, [
    ...set(page, subtract(shift(address, long(12n)), get(firstPage))),
    ...set(lastPage, subtract(shift(subtract(add(address, wide(textLength)), long(1n)), long(12n)), get(firstPage))),
    ...repeat(atMostLong(get(page), get(lastPage)), [
      ...storeByte(addInt(get(out), narrow(get(page))), int(1)),
      ...set(page, add(get(page), long(1n))),
    ]),
  ]),
);

/** Of texts, those elsewhere `distance` before their addresses. */
const distance = 3;
const hashTexts: Code = eachRow(
  16,
  put(hashed(select(isElsewhere, narrow(subtract(address, get(distance))), addInt(get(row), int(4))), textLength)),
);

const body = (locals: readonly Code[], code: Code): Code => sized([...vector(locals), ...code, end]);
const kindOf = (parameters: readonly number[], results: readonly number[]): Code => [
  ...[0x60, ...vector(parameters.map((type) => [type]))],
  ...vector(results.map((type) => [type])),
];
const rowParameters = [i32, i32, i32];
const kinds = [
  kindOf([i32, i32], [i64]),
  kindOf(rowParameters, []),
  kindOf([...rowParameters, i32], []),
  kindOf([...rowParameters, i64], []),
];
/** Name, kind and code. */
const functions: readonly (readonly [name: string, kind: number, code: Code])[] = [
  [
    'hash',
    0,
    body(
      [
        [1, i32],
        [5, i64],
      ],
      hash,
    ),
  ],
  ['hashRows', 1, body([], hashRows)],
  ['hashNumbers', 2, body([], hashNumbers)],
  ['findTexts', 1, body([[4, i64]], findTexts)],
  ['markPages', 3, body([[2, i64]], markPages)],
  ['hashTexts', 3, body([], hashTexts)],
  ['reduceNumbers', 3, body([[1, i64]], reduceNumbers)],
  ['maskNumbers', 3, body([], maskNumbers)],
];

/** Exports `memory` and the functions over rows. @param pages of 64 KiB */
export const xxhash64Module = (pages: number): Uint8Array =>
  Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, kinds),
    ...section(
      3,
      functions.map(([, kind]) => [kind]),
    ),
    ...section(5, [[1, ...unsigned(pages), ...unsigned(pages)]]),
    ...section(7, [[...named('memory'), 2, 0], ...functions.map(([name], index) => [...named(name), 0, index])]),
    ...section(
      10,
      functions.map(([, , code]) => code),
    ),
  ]);
