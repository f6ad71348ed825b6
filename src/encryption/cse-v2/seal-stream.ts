import type { KeyObject } from 'node:crypto';
import { invariant } from '../../base/invariant.ts';
import type { SealedShape } from './format.ts';
import { regionAt, regionCount } from './format.ts';
import type { RegionBuffers } from './region-buffers.ts';
import { bufferBytes } from './region-buffers.ts';
import { sealRegion } from './region-cipher.ts';

/** Fills the target from `offset` on; fewer bytes only at the end. */
export type ReadInto = (offset: number, target: Uint8Array) => Promise<number>;

/** Seals a plaintext of known length; hands over one region at a time, valid until the next is asked for.
 * The next region is read while the one before is on its way.
 * @param dek a key that has sealed nothing yet
 * @param buffers for regions of at least `shape.regionBytes` */
export async function* sealStream(
  dek: KeyObject,
  shape: SealedShape,
  readPlaintext: ReadInto,
  buffers: RegionBuffers,
): AsyncGenerator<Uint8Array, void, undefined> {
  const plaintext = buffers.take();
  const targets = [buffers.take(), buffers.take()] as const;
  const prepare = async (index: number): Promise<Uint8Array> => {
    const { offset, length } = regionAt(shape, index);
    const region = plaintext.subarray(0, length);
    invariant((await readPlaintext(offset, region)) === length, 'the plaintext keeps its length while it is sealed');
    return sealRegion(dek, index, region, index % 2 === 0 ? targets[0] : targets[1]);
  };
  const regions = regionCount(shape);
  let next: Promise<Uint8Array> | undefined;
  try {
    if (regions > 0) next = quietly(prepare(0));
    for (let index = 0; next !== undefined; index += 1) {
      const sealed = await next;
      next = index + 1 < regions ? quietly(prepare(index + 1)) : undefined;
      yield sealed;
    }
  } finally {
    await next?.catch(() => undefined);
    buffers.giveBack(bufferBytes(shape), plaintext, ...targets);
  }
}

/** Its error is met when it is awaited, which may be late or never. */
export function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
