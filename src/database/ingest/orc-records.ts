import { dataError } from '../catalog/data-error.ts';
import type { RowCounter } from './orc-columns.ts';
import { columnReader } from './orc-columns.ts';
import { openOrc } from './orc-file.ts';
import type { SourceRecord } from './value-reader.ts';

/** What an ORC file says of itself stands at its end, so it is read as a whole. */
const fileBytesMax = 256 * 1024 * 1024;

/** Records of an ORC file, a stripe at a time. Numbers of records stand for lines.
 * @throws DataError `MalformedData`, `PayloadTooLarge`, `FormatNotSupported` for what is not read here */
export async function* orcWindows(
  pieces: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Iterable<SourceRecord>> {
  const { type, stripes } = await openOrc(await whole(pieces), signal);
  let line = 0;
  for await (const stripe of stripes()) {
    const counter: RowCounter = { values: 0, units: 0 };
    const next = await columnReader(stripe, type, counter);
    const before = line;
    line += stripe.rows;
    yield (function* () {
      for (let index = 1; index <= stripe.rows; index += 1) {
        counter.values = 0;
        const json = next();
        yield { line: before + index, json, end: counter.units };
      }
    })();
  }
}

async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.byteLength;
    if (bytes > fileBytesMax)
      throw dataError('PayloadTooLarge', `The ORC file has more than ${fileBytesMax / 1024 ** 2} MiB.`);
    parts.push(Uint8Array.from(piece));
  }
  return Buffer.concat(parts);
}
