import { close, fdatasync, open } from 'node:fs';
import { promisify } from 'node:util';

/** The disk did not say that it has what was written: nobody knows what is there, and only a new start reads it again. */
export class StateNotSyncedError extends Error {
  override readonly name = 'StateNotSyncedError';
  constructor(options: ErrorOptions) {
    super(
      'The state could not be made durable. Nothing more is read or written until Kustody is started again.',
      options,
    );
  }
}

const [openFile, syncFile, closeFile] = [promisify(open), promisify(fdatasync), promisify(close)];

/** Makes the log of a database durable, on a thread of its own: whoever answers requests need not wait for the disk. The log is one file
 * from the first commit until the database is closed. Closing a descriptor of it takes no lock away: SQLite has none on its log. */
export class LogSync {
  readonly #path: string;
  #descriptor: Promise<number> | undefined;
  #failed: StateNotSyncedError | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws StateNotSyncedError once a sync has failed: what the system could not write it may have dropped, and the next sync would not say so */
  check(): void {
    if (this.#failed !== undefined) throw this.#failed;
  }

  /** Resolves when all that was written to the log before is on the disk. @throws StateNotSyncedError */
  async sync(): Promise<void> {
    this.check();
    try {
      this.#descriptor ??= openFile(this.#path, 'r+');
      await syncFile(await this.#descriptor);
    } catch (cause) {
      this.#failed ??= new StateNotSyncedError({ cause });
    }
    this.check();
  }

  /** When no sync is under way. */
  async close(): Promise<void> {
    const descriptor = await this.#descriptor?.catch(() => undefined);
    this.#descriptor = undefined;
    if (descriptor !== undefined) await closeFile(descriptor);
  }
}
