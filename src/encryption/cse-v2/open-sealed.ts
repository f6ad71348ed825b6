import type { KeyObject } from 'node:crypto';
import type { SealedShape } from './format.ts';
import { regionAt, regionCount, regionOverheadBytes } from './format.ts';
import type { RegionBuffers } from './region-buffers.ts';
import { bufferBytes } from './region-buffers.ts';
import { SealedBytesError, openRegion } from './region-cipher.ts';
import type { ReadInto } from './seal-stream.ts';
import { quietly } from './seal-stream.ts';

/** Opens a sealed blob whole. Nothing is handed to `write` that has not been authenticated; but only when this resolves is it
 * certain that the blob is complete and has nothing after its end, so what was written is not used before.
 * @param shape from the catalog, never from the blob: the format itself does not notice a cut between two regions
 * @param write gets plaintext in order; done with each piece when it resolves
 * @throws SealedBytesError, or what `readSealed` and `write` throw */
export async function openSealed(
  dek: KeyObject,
  shape: SealedShape,
  readSealed: ReadInto,
  write: (plaintext: Uint8Array, offset: number) => Promise<void>,
  buffers: RegionBuffers,
): Promise<void> {
  const regions = regionCount(shape);
  const pair = [buffers.take(), buffers.take()] as const;
  const read = async (index: number): Promise<Uint8Array> => {
    const { sealedOffset, length } = regionAt(shape, index);
    const expected = length + regionOverheadBytes;
    // The last read asks for one byte more, which must not be there.
    const asked = index + 1 === regions ? expected + 1 : expected;
    const buffer = index % 2 === 0 ? pair[0] : pair[1];
    if ((await readSealed(sealedOffset, buffer.subarray(0, asked))) !== expected) throw new SealedBytesError('length');
    return buffer.subarray(0, expected);
  };
  let next: Promise<Uint8Array> | undefined;
  try {
    if (regions === 0 && (await readSealed(0, pair[0].subarray(0, 1))) !== 0) throw new SealedBytesError('length');
    if (regions > 0) next = quietly(read(0));
    for (let index = 0; next !== undefined; index += 1) {
      const sealed = await next;
      next = index + 1 < regions ? quietly(read(index + 1)) : undefined;
      await write(openRegion(dek, index, sealed), regionAt(shape, index).offset);
    }
  } finally {
    await next?.catch(() => undefined);
    buffers.giveBack(bufferBytes(shape), ...pair);
  }
}
