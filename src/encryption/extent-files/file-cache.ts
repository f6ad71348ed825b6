import { invariant } from '../../base/invariant.ts';
import type { MemoryFile } from './memory-file.ts';
import { MemoryFilesFullError } from './memory-file.ts';

export interface OpenFile {
  readonly path: string;
  /** To be called once the file is no longer read; harmless when called again. */
  release(): void;
}

interface Entry {
  readonly bytes: number;
  readonly file: Promise<MemoryFile>;
  pins: number;
  /** Closed when the last reader lets go. */
  isDoomed: boolean;
}

/** Plaintext files by id. A file in use stays; the others go, least recently used first, when there are too many bytes. */
export class FileCache {
  readonly #cacheBytesMax: number;
  readonly #openBytesMax: number;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #closing = new Set<Promise<void>>();
  #bytes = 0;
  #isDisposed = false;

  constructor(cacheBytesMax: number, openBytesMax: number) {
    this.#cacheBytesMax = cacheBytesMax;
    this.#openBytesMax = openBytesMax;
  }

  /** @param load makes the file; called once for all who ask at the same time, and again after a failure */
  async open(id: string, bytes: number, load: () => Promise<MemoryFile>): Promise<OpenFile> {
    invariant(!this.#isDisposed, 'nothing is opened after dispose');
    const entry = this.#entries.get(id) ?? this.#add(id, bytes, load);
    invariant(entry.bytes === bytes, 'an id names one plaintext');
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    entry.pins += 1;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      entry.pins -= 1;
      if (entry.isDoomed) this.#closeUnused(entry);
      this.#evict();
    };
    try {
      return { path: (await entry.file).path, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Takes over a file that is there already; closes it if it does not fit. */
  async adopt(id: string, bytes: number, file: MemoryFile): Promise<void> {
    this.#evict(bytes);
    const fits = bytes <= this.#cacheBytesMax && this.#bytes + bytes <= this.#openBytesMax;
    if (this.#isDisposed || this.#entries.has(id) || !fits) return file.close();
    this.#add(id, bytes, () => Promise.resolve(file));
    this.#evict();
    await this.#settled();
  }

  async forget(id: string): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) this.#remove(id, entry);
    await this.#settled();
  }

  async dispose(): Promise<void> {
    this.#isDisposed = true;
    for (const [id, entry] of this.#entries) {
      entry.pins = 0;
      this.#remove(id, entry);
    }
    await this.#settled();
  }

  #add(id: string, bytes: number, load: () => Promise<MemoryFile>): Entry {
    this.#evict(bytes);
    // One by itself is tried in any case: what could be written can be read.
    if (this.#bytes > 0 && this.#bytes + bytes > this.#openBytesMax) throw new MemoryFilesFullError(bytes);
    const entry: Entry = { bytes, file: load(), pins: 0, isDoomed: false };
    this.#entries.set(id, entry);
    this.#bytes += bytes;
    entry.file.catch(() => {
      if (this.#entries.get(id) === entry) this.#remove(id, entry);
    });
    return entry;
  }

  /** Makes room for `more` bytes, as far as files are not in use. */
  #evict(more = 0): void {
    for (const [id, entry] of this.#entries) {
      if (this.#bytes + more <= this.#cacheBytesMax) return;
      if (entry.pins === 0) this.#remove(id, entry);
    }
  }

  #remove(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#bytes -= entry.bytes;
    entry.isDoomed = true;
    this.#closeUnused(entry);
  }

  #closeUnused(entry: Entry): void {
    if (entry.pins > 0) return;
    const closing = entry.file
      .then((file) => file.close())
      .catch(() => undefined) // it was never opened
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#closing);
  }
}
