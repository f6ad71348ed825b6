import type { IdentityUsage } from '../catalog/managed-identity.ts';

/** Data to be ingested, or to be read by a query, where it lies: a blob, a file behind an https address, or something staged before. */
export interface DataSource {
  /** For people, and for mappings that ask for `SourceLocation`: an address without signature and key. Its ending (`.csv`, `.json.gz`)
   * may say what format and compression it has. */
  readonly name: string;
  /** May be called again, as when a commit is tried once more.
   * @throws DataError `SourceNotAllowed` | `SourceFailed` */
  open(signal: AbortSignal | undefined): Promise<OpenedSource>;
  /** The files below it, where it is a folder of storage. Absent: nobody can list what is there.
   * @param prefix of their paths @throws DataError `SourceNotAllowed` | `SourceFailed` */
  below?(prefix: string, signal: AbortSignal | undefined): AsyncIterable<FileBelow>;
  /** A file below it, likewise, whether or not it is there.
   * @param path as people read it, of segments that are none of '', '.' and '..' */
  file?(path: string): DataSource;
}

export interface FileBelow {
  /** Below the folder, as people read it: `2026/01/a.csv`. */
  readonly path: string;
  readonly bytes: number;
  readonly source: DataSource;
}

export interface OpenedSource {
  /** As stored, before anything is unpacked; undefined where nobody says so before the end. */
  readonly bytes: number | undefined;
  /** Must be read to the end or returned from. @throws DataError `SourceFailed` when it breaks off */
  readonly stream: AsyncIterable<Uint8Array>;
}

/** What storage is used for: a managed identity that an address names must be allowed that, in this database or in the whole cluster. */
export interface StorageUse {
  /** Undefined: no managed identity is for that. */
  readonly usage: IdentityUsage | undefined;
  readonly database: string;
  /** A token of whoever sent the request, for addresses that say to ask storage as them (`;impersonate`). Absent: nobody is there whom that could
   * be. @throws DataError `SourceFailed` */
  readonly callerToken?: () => Promise<string>;
}

/** Whether an address says that storage is asked as whoever uses it. */
export const isImpersonated = (address: string): boolean => /;impersonate\s*$/i.test(address);

/** Whether an address says that storage is asked as a managed identity of the cluster. */
export const namesIdentity = (address: string): boolean => /;\s*managed_identity\s*=/i.test(address);

/** Reads an address as clients give it, with what they prove themselves with. @throws DataError `SourceNotAllowed` for what is no address */
export type SourceOf = (address: string, use: StorageUse) => DataSource;

/** Something that is in memory already. */
export const bytesSource = (name: string, bytes: Uint8Array): DataSource => ({
  name,
  open: () => Promise.resolve({ bytes: bytes.byteLength, stream: inOnePiece(bytes) }),
});

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of one piece
async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
