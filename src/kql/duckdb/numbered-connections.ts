import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

/** One that knows its own number, by which native functions are called for it. */
export interface NumberedConnection {
  readonly duckdb: DuckDBConnection;
  readonly number: number;
}

/** The connections of an instance, which is closed with the last of them: under a statement it would take the process with it. One is made
 * behind each that ends, for the next: it is a third of what a small query takes. */
export class NumberedConnections {
  readonly #instance: DuckDBInstance;
  readonly #closeInstance: () => void;
  #made = 0;
  #inUse = 0;
  #isClosing = false;
  #spare: NumberedConnection | undefined;
  #isMakingSpare = false;

  constructor(instance: DuckDBInstance, closeInstance: () => void) {
    this.#instance = instance;
    this.#closeInstance = closeInstance;
  }

  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Whoever has it says `left` when it is closed. */
  async take(): Promise<NumberedConnection> {
    const spare = this.#spare;
    this.#spare = undefined;
    this.#inUse += 1;
    if (spare !== undefined) return spare;
    try {
      return await this.#make();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  left(): void {
    if (!this.#isClosing) void this.#makeSpare();
    this.#leave();
  }

  close(): void {
    this.#isClosing = true;
    if (this.#inUse === 0) this.#closeAll();
  }

  async #make(): Promise<NumberedConnection> {
    const duckdb = await this.#instance.connect();
    this.#made += 1;
    const number = this.#made;
    await duckdb.run(`SET VARIABLE connection = ${number}::INTEGER`);
    return { duckdb, number };
  }

  async #makeSpare(): Promise<void> {
    if (this.#isMakingSpare || this.#spare !== undefined) return;
    this.#isMakingSpare = true;
    this.#inUse += 1;
    try {
      this.#spare = await this.#make();
    } catch {
      // Whoever asks next makes one, and hears why there is none.
    } finally {
      this.#isMakingSpare = false;
      this.#leave();
    }
  }

  #leave(): void {
    this.#inUse -= 1;
    if (this.#isClosing && this.#inUse === 0) this.#closeAll();
  }

  #closeAll(): void {
    this.#spare?.duckdb.closeSync();
    this.#spare = undefined;
    this.#closeInstance();
  }
}
