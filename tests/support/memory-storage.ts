import { sourceFailed } from '../../src/database/catalog/data-error.ts';
import type { ExportNote, ExportPlaces } from '../../src/database/exports/export-places.ts';
import type { ExportTarget } from '../../src/database/exports/export-target.ts';
import type { SourceOf } from '../../src/database/ingest/data-source.ts';
import { bytesSource } from '../../src/database/ingest/data-source.ts';

/** Storage of a user's, in memory: what is read, and what is written. */
export interface MemoryStorage {
  /** By address without signature and key. */
  readonly blobs: Map<string, Buffer>;
  readonly notes: ExportNote[];
  readonly sourceOf: SourceOf;
  readonly exports: ExportPlaces;
  /** The cluster stops to serve. */
  readonly end: (reason: Error) => void;
  /** Called before each piece of a blob; what it throws is what storage says. */
  onWrite: (path: string) => void | Promise<void>;
  onNote: (note: ExportNote) => void;
  /** Called for each blob that is listed. */
  onRead: (path: string) => void | Promise<void>;
  /** Blobs that were opened. */
  readonly read: string[];
}

export const withoutProof = (address: string): string => address.split(/[?;]/)[0] ?? '';

export function memoryStorage(): MemoryStorage {
  const blobs = new Map<string, Buffer>();
  const notes: ExportNote[] = [];
  const ended = new AbortController();
  const targetOf = (address: string): ExportTarget => {
    const name = withoutProof(address).replace(/\/$/, '');
    const container = /^(?:[a-z]+:\/\/)?[^/]+(?:\/[^/]+)?/.exec(name)?.[0] ?? name;
    return {
      name,
      container,
      create: (blob) => {
        const path = `${name}/${blob}`;
        const pieces: Buffer[] = [];
        return Promise.resolve({
          path,
          write: async (piece) => {
            await storage.onWrite(path);
            pieces.push(Buffer.from(piece));
          },
          finish: async () => {
            await storage.onWrite(path);
            if (blobs.has(path)) throw new Error('A blob is written once.');
            blobs.set(path, Buffer.concat(pieces));
          },
        });
      },
    };
  };
  const storage: MemoryStorage = {
    blobs,
    notes,
    sourceOf: (address, use) => {
      const name = withoutProof(address).replace(/\/$/, '');
      return {
        name,
        below: async function* (prefix) {
          for (const [path, bytes] of [...blobs].sort(([left], [right]) => (left < right ? -1 : 1))) {
            if (!path.startsWith(`${name}/${prefix}`)) continue;
            await storage.onRead(path);
            const below = path.slice(name.length + 1);
            yield { path: below, bytes: bytes.byteLength, source: storage.sourceOf(path, use) };
          }
        },
        file: (path) => storage.sourceOf(`${name}/${path}`, use),
        open: async (signal) => {
          storage.read.push(name);
          const found = blobs.get(name);
          if (found === undefined) throw sourceFailed('Download_SourceNotFound', `There is no '${name}'.`);
          return bytesSource(name, found).open(signal);
        },
      };
    },
    exports: {
      targetOf,
      ended: ended.signal,
      tell: (note) => {
        storage.onNote(note);
        notes.push(note);
        return Promise.resolve();
      },
    },
    end: (reason) => ended.abort(reason),
    onWrite: () => undefined,
    onNote: () => undefined,
    onRead: () => undefined,
    read: [],
  };
  return storage;
}
