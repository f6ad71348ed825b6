import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import Database from 'libsql';

/** Counts what a process does to its files and its database, one durable step after the other, and ends the process by SIGKILL
 * before the step `killAt`. A write to a file at which it ends is half done. Replaces functions of Node and of the database
 * driver, so everything above them is as it always is. */
export class DurableSteps {
  /** What each step was, in their order. */
  readonly kinds: string[] = [];
  readonly #directory: string;
  readonly #killAt: number;
  #armed = 0;

  /** @param directory only files below it count
   * @param killAt counts from 1; 0: never */
  constructor(directory: string, killAt: number) {
    this.#directory = directory;
    this.#killAt = killAt;
    this.#watchFiles();
    this.#watchDatabase();
  }

  /** Steps count while `work` runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#armed += 1;
    try {
      return await work();
    } finally {
      this.#armed -= 1;
    }
  }

  /** @param half does a part of the step, when the process is to end in it */
  #pass(kind: string, half: () => void = () => undefined): void {
    if (this.#armed === 0) return;
    this.kinds.push(kind);
    if (this.kinds.length !== this.#killAt) return;
    half();
    process.kill(process.pid, 'SIGKILL');
    for (;;); // nothing more is done
  }

  #watchFiles(): void {
    const isOurs = (path: unknown): boolean => typeof path === 'string' && path.startsWith(this.#directory);
    const { O_CREAT } = fs.constants;
    around(fs.promises, 'open', async (call, path, flags) => {
      const isMade = isOurs(path) && (Number(flags) & O_CREAT) !== 0;
      if (isMade) this.#pass('file made');
      const handle = await call();
      if (isMade) this.#watchHandle(handle);
      return handle;
    });
    around(fs.promises, 'link', async (call) => {
      this.#pass('name given');
      await call();
      this.#pass('name given, done');
    });
    const counted = (target: object, name: string, kind: string): void =>
      around(target, name, (call, path) => {
        if (isOurs(path)) this.#pass(kind);
        return call();
      });
    around(fs.promises, 'rename', async (call, _from, to) => {
      if (isOurs(to)) this.#pass('name given to another');
      await call();
      if (isOurs(to)) this.#pass('name given to another, done');
    });
    counted(fs.promises, 'unlink', 'name taken');
    counted(fs, 'writeFileSync', 'vault file written');
    around(fs, 'renameSync', (call, _from, to) => {
      if (isOurs(to)) this.#pass('vault file renamed');
      return call();
    });
    around(fs, 'fsyncSync', (call) => {
      this.#pass('directory synced');
      return call();
    });
    syncBuiltinESMExports();
  }

  #watchHandle(handle: unknown): void {
    if (typeof handle !== 'object' || handle === null || !('fd' in handle)) throw new Error('open gives a handle');
    const { fd } = handle;
    around(handle, 'write', (call, bytes, offset, length, position) => {
      this.#pass('file written', () => {
        if (bytes instanceof Uint8Array)
          fs.writeSync(Number(fd), bytes, Number(offset), Number(length) >> 1, Number(position));
      });
      return call();
    });
    around(handle, 'sync', (call) => {
      this.#pass('file synced');
      return call();
    });
  }

  #watchDatabase(): void {
    around(Database.prototype, 'exec', (call, sql) => {
      const text = typeof sql === 'string' ? sql : '';
      const kind = sqlKinds.get(text) ?? (text.includes('; PRAGMA user_version = ') ? 'format written' : undefined);
      if (kind !== undefined) this.#pass(kind);
      const result = call();
      if (sql === 'COMMIT') this.#pass('commit done');
      return result;
    });
    around(Database.prototype, 'prepare', (call, sql) => {
      if (sql === 'PRAGMA wal_checkpoint(TRUNCATE)') this.#pass('log emptied');
      const statement = call();
      if (typeof statement !== 'object' || statement === null) throw new Error('prepare gives a statement');
      around(statement, 'run', (run) => {
        this.#pass('record written');
        return run();
      });
      return statement;
    });
  }
}

const sqlKinds: ReadonlyMap<string, string> = new Map([
  ['BEGIN IMMEDIATE', 'commit begun'],
  ['COMMIT', 'commit'],
]);

/** Puts `act` in the place of a method; `call` does what the method did. */
function around(target: object, name: string, act: (call: () => unknown, ...values: unknown[]) => unknown): void {
  const real: unknown = Reflect.get(target, name);
  if (typeof real !== 'function') throw new Error(`There is no ${name}.`);
  Reflect.set(target, name, function (this: unknown, ...values: unknown[]): unknown {
    return act(() => Reflect.apply(real, this, values), ...values);
  });
}
