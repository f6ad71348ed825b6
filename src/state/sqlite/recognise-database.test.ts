import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import { StateFormatError } from './open-database.ts';
import { applicationId, isKustodyDatabase } from './recognise-database.ts';
import { SqliteStateStore, stateFileName } from './sqlite-state-store.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-recognise-'));
afterAll(() => rmSync(root, { recursive: true }));
const fresh = (): string => mkdtempSync(join(root, 'd'));

/** As it lies there when its process is killed: with its log. */
function killed(directory: string, from: string): string {
  for (const suffix of ['', '-wal']) copyFileSync(`${from}${suffix}`, join(directory, `${stateFileName}${suffix}`));
  return join(directory, stateFileName);
}

describe('isKustodyDatabase', () => {
  it('knows a state that was closed, and one whose process was killed right after its first start', async () => {
    const directory = fresh();
    const store = SqliteStateStore.open(directory);
    const alone = join(fresh(), stateFileName); // without a log
    copyFileSync(join(directory, stateFileName), alone);
    expect(isKustodyDatabase(alone)).toBe(true);
    await store.close();
    expect(isKustodyDatabase(join(directory, stateFileName))).toBe(true);
  });

  it('knows one whose header is in its log only, as older versions left it', () => {
    const file = join(fresh(), stateFileName);
    const database = new Database(file);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(`BEGIN; PRAGMA application_id = ${applicationId}; CREATE TABLE record (tab TEXT); COMMIT`);
    expect(readFileSync(file).readUInt32BE(68)).toBe(0);
    expect(isKustodyDatabase(killed(fresh(), file))).toBe(true);
    database.close();
  });

  it("leaves other people's databases as they are, and so does a store", () => {
    for (const journal of ['WAL', 'DELETE']) {
      const directory = fresh();
      const file = join(directory, stateFileName);
      const database = new Database(file);
      database.exec(`PRAGMA journal_mode = ${journal}`);
      database.exec('CREATE TABLE record (tab TEXT); INSERT INTO record VALUES (1)');
      database.close();
      const before = [readFileSync(file), statSync(file).mode, statSync(directory).mode];
      expect(isKustodyDatabase(file)).toBe(false);
      expect(() => SqliteStateStore.open(directory)).toThrow(StateFormatError);
      expect([readFileSync(file), statSync(file).mode, statSync(directory).mode]).toEqual(before);
    }
  });

  it.each(['', 'SQLite format 3', 'a text of somebody '.repeat(20)])('is false for a file with %j', (text) => {
    const file = join(fresh(), stateFileName);
    writeFileSync(file, text);
    expect(isKustodyDatabase(file)).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('is false for what is no file, and follows no link', async () => {
    const directory = fresh();
    await SqliteStateStore.open(directory).close();
    const link = join(root, 'link');
    symlinkSync(join(directory, stateFileName), link);
    for (const path of [link, directory, '/dev/null', join(root, 'absent')])
      expect(isKustodyDatabase(path)).toBe(false);
  });
});
