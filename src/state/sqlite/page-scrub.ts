import type Database from 'libsql';
import { setImmediate as otherWork } from 'node:timers/promises';
import { invariant } from '../../base/invariant.ts';
import type { PageShape } from './page-gaps.ts';
import { pagesMax, zeroGaps } from './page-gaps.ts';

/** Between two slices others have their turn. A slice writes at most a megabyte, synced once. */
const pagesPerSlice = 256;
/** Of pages at the end of the file that are moved to free ones. */
const freedPerSlice = 64;
/** Fewer free pages are kept for the next records. */
const freePagesKept = 1_024;

/** The store was closed before a pass was complete: it is to be done again. */
export class ScrubEndedError extends Error {
  override readonly name = 'ScrubEndedError';
}

/** Leaves nothing of replaced and deleted values in the file, and gives free pages back, a slice at a time: the server is never held up
 * for as long as the whole file takes. One pass at a time; whoever asks while one is under way waits for the next one. */
export class PageScrub {
  readonly #database: Database.Database;
  readonly #withRoom: (work: () => void) => void;
  readonly #shape: PageShape;
  readonly #read: Database.Statement;
  readonly #write: Database.Statement;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isEnding = false;

  /** @param withRoom does work that writes, on a full disk with the room that is kept for it */
  constructor(database: Database.Database, withRoom: (work: () => void) => void) {
    this.#database = database;
    this.#withRoom = withRoom;
    this.#shape = {
      pageBytes: pragma(database, 'page_size'),
      hasPointerMap: pragma(database, 'auto_vacuum') !== 0,
    };
    this.#read = database.prepare('SELECT data FROM sqlite_dbpage WHERE pgno = ?').raw();
    this.#write = database.prepare('UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?');
  }

  /** Order: every page once, in slices of one commit each → the log is moved into the file and emptied. Each step can be repeated. What
   * was replaced or deleted before the call is in no page and no log afterwards: SQLite copies cells only, and those are live. */
  scrub(): Promise<void> {
    return (this.#next ??= this.#inTurn(() => this.#scrub()));
  }

  /** Shortens the file by its free pages, where it was made so that this can be done. */
  reclaim(): Promise<void> {
    return this.#inTurn(() => this.#reclaim());
  }

  /** Ends the pass under way after its slice; what is left is done when somebody asks again. */
  async settled(): Promise<void> {
    this.#isEnding = true;
    await this.#running?.catch(() => undefined);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = (this.#running ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        if (this.#next === turn) this.#next = undefined;
        return work();
      });
    this.#running = turn;
    return turn;
  }

  async #scrub(): Promise<void> {
    invariant(pragma(this.#database, 'page_count') < pagesMax, 'the state is smaller than 128 GiB');
    for (let page = 1; page <= pragma(this.#database, 'page_count'); page += pagesPerSlice) {
      this.#slice(() =>
        this.#scrubPages(page, Math.min(page + pagesPerSlice - 1, pragma(this.#database, 'page_count'))),
      );
      await otherWork();
      if (this.#isEnding) throw new ScrubEndedError('The state is being closed.');
    }
    this.#emptyLog();
  }

  #emptyLog(): void {
    const [row] = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').raw().all();
    invariant(Array.isArray(row) && row[0] === 0, 'the only connection can always empty its log');
  }

  #scrubPages(first: number, last: number): void {
    for (let number = first; number <= last; number += 1) {
      const [row] = this.#read.all(number);
      const [data] = Array.isArray(row) ? (row as unknown[]) : [];
      if (!(data instanceof Uint8Array)) continue;
      const page = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (zeroGaps(page, number, this.#shape)) this.#write.run(page, number);
    }
  }

  async #reclaim(): Promise<void> {
    if (!this.#shape.hasPointerMap) return;
    while (!this.#isEnding && pragma(this.#database, 'freelist_count') > freePagesKept + freedPerSlice) {
      const before = pragma(this.#database, 'freelist_count');
      this.#database.exec(`PRAGMA incremental_vacuum(${freedPerSlice})`);
      if (pragma(this.#database, 'freelist_count') >= before) break;
      await otherWork();
    }
    this.#emptyLog();
  }

  #slice(work: () => void): void {
    this.#withRoom(() => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        work();
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }
}

function pragma(
  database: Database.Database,
  name: 'page_size' | 'page_count' | 'freelist_count' | 'auto_vacuum',
): number {
  const [value] = database.prepare(`PRAGMA ${name}`).pluck().all();
  return Number(value);
}
