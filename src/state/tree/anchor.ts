import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, constants, fdatasyncSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { syncDirectory } from '../../base/sync-directory.ts';
import { pointOf } from './tree-records.ts';
import type { Point, Top } from './tree-records.ts';

/** The anchor cannot be used, or the state is not one that it allows. */
export class AnchorError extends Error {
  override readonly name = 'AnchorError';
}

/** Two slots, written in turn: one is whole whatever happens. */
const slotBytes = 128;
/** Those before are standard input, output and error. */
const firstDescriptor = 3;

/** A few bytes outside the data directory that say which state was the last. The state may be one commit ahead of them, as a crash
 * leaves it, never behind. */
export class StateAnchor {
  readonly #descriptor: number;
  readonly #name: string;
  /** What is durable in the state and not yet here. */
  #owed: Point | undefined;
  #closed = false;

  /** @param target a file (made when it is missing, 0600), or the number of an open descriptor that can be read and written
   * @throws AnchorError */
  static open(target: string): StateAnchor {
    try {
      const isDescriptor = /^\d{1,4}$/.test(target);
      if (isDescriptor && Number(target) < firstDescriptor) throw new Error('It is standard input or output.');
      const descriptor = isDescriptor ? Number(target) : openSync(target, constants.O_RDWR | constants.O_CREAT, 0o600);
      const status = fstatSync(descriptor);
      // Another number than the one that was meant may be a pipe of Node's own, which must not be written, nor closed.
      if (!status.isFile() && !status.isBlockDevice()) throw new Error('It is no file.');
      // Before a state says that it has an anchor: a new name that goes with the power would leave an empty one, which is refused.
      if (status.size === 0 && !isDescriptor) syncDirectory(dirname(target));
      return new StateAnchor(descriptor, target);
    } catch (error) {
      throw new AnchorError(`The anchor of the state (${target}) cannot be opened.`, { cause: error });
    }
  }

  private constructor(descriptor: number, name: string) {
    this.#descriptor = descriptor;
    this.#name = name;
  }

  read(): Point | undefined {
    const bytes = Buffer.alloc(2 * slotBytes);
    try {
      readSync(this.#descriptor, bytes, 0, bytes.length, 0);
    } catch (error) {
      throw new AnchorError(`The anchor of the state (${this.#name}) cannot be read.`, { cause: error });
    }
    const points = [bytes.subarray(0, slotBytes), bytes.subarray(slotBytes)].flatMap((slot) => readSlot(slot) ?? []);
    return points.toSorted((left, right) => right.counter - left.counter)[0];
  }

  /** Accepts a state that is the anchored one or descends from it; the first state that an empty anchor sees is its first.
   * @throws AnchorError for any other */
  check(top: Top): void {
    const point = this.read();
    if (point === undefined) {
      if (top.anchored || top.lineage.length > 0)
        throw new AnchorError(`The anchor of the state (${this.#name}) is empty, and this state had one. ${wayOut}`);
    } else {
      const allowed = [pointOf(top), ...top.lineage];
      if (!allowed.some(({ counter, digest }) => counter === point.counter && digest === point.digest))
        throw new AnchorError(
          `The state is older than its anchor (${this.#name}), or another one: it was put back. State ${top.version}, anchor ${point.counter}. ${wayOut}`,
        );
    }
    this.#write(pointOf(top));
  }

  /** Before anything more is committed: a state is never two commits ahead. @throws AnchorError */
  ready(): Promise<void> {
    if (this.#owed !== undefined) this.#write(this.#owed);
    return Promise.resolve();
  }

  /** Durable when it resolves. @throws AnchorError */
  advance(point: Point): Promise<void> {
    this.#owed = point;
    return this.ready();
  }

  /** Whatever stands there: the user has accepted this state. */
  accept(point: Point): void {
    this.#write(point);
  }

  close(): void {
    if (!this.#closed) closeSync(this.#descriptor);
    this.#closed = true;
  }

  #write(point: Point): void {
    const text = Buffer.from(JSON.stringify(point));
    const slot = Buffer.alloc(slotBytes, ' ');
    Buffer.concat([digestOf(text), text]).copy(slot);
    slot[slotBytes - 1] = 0x0a;
    try {
      writeSync(this.#descriptor, slot, 0, slotBytes, (point.counter % 2) * slotBytes);
      fdatasyncSync(this.#descriptor);
    } catch (error) {
      throw new AnchorError(`The anchor of the state (${this.#name}) cannot be written.`, { cause: error });
    }
    this.#owed = undefined;
  }
}

const wayOut = "If that is right, run 'kustody state accept' with the same anchor.";
const digestLength = 24;

/** Against half a write, not against anybody. */
const digestOf = (text: Uint8Array): Buffer =>
  Buffer.from(createHash('sha256').update(text).digest('base64').slice(0, digestLength));

function readSlot(slot: Buffer): Point | undefined {
  const end = slot.indexOf('}');
  if (end < digestLength) return undefined;
  const text = slot.subarray(digestLength, end + 1);
  if (!timingSafeEqual(slot.subarray(0, digestLength), digestOf(text))) return undefined;
  const { counter, digest } = JSON.parse(text.toString()) as Partial<Point>;
  return typeof counter === 'number' && typeof digest === 'string' ? { counter, digest } : undefined;
}
