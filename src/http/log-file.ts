import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Where log lines go; pino's own interface. */
export interface LogDestination {
  write(line: string): void;
}

/** A log of this many bytes is put aside, as `{path}.1`, and the one that was there before is dropped. */
export const logFileBytesMax = 8 * 1024 * 1024;

export const logFileName = 'kustody.log';

/** A log in a file of its owner alone, with a bound. A full disk must not stop whoever logs: lines that cannot be written are lost.
 * @param bytesMax of each of the two files */
export class LogFile implements LogDestination {
  readonly #path: string;
  readonly #bytesMax: number;
  /** Undefined until the first line: a start that fails leaves no file behind. */
  #descriptor: number | undefined;
  #bytes = 0;

  constructor(path: string, bytesMax = logFileBytesMax) {
    this.#path = path;
    this.#bytesMax = bytesMax;
  }

  write(line: string): void {
    try {
      const bytes = Buffer.from(line);
      this.#descriptor ??= this.#open();
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#bytesMax) this.#descriptor = this.#putAside();
      this.#bytes += writeSync(this.#descriptor, bytes);
    } catch {
      // Nobody is left to tell.
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #open(): number {
    const descriptor = openLog(this.#path);
    this.#bytes = fstatSync(descriptor).size;
    return descriptor;
  }

  #putAside(): number {
    this.close();
    renameSync(this.#path, `${this.#path}.1`);
    return this.#open();
  }
}

const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/** Does not follow a link that somebody put there. */
const openLog = (path: string): number =>
  openSync(path, constants.O_CREAT | constants.O_WRONLY | constants.O_APPEND | noFollow, 0o600);
