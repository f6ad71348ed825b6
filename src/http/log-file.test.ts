import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LogFile } from './log-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'kustody-log-'));
afterAll(() => rmSync(directory, { recursive: true }));

describe('the log file', () => {
  it('keeps the last lines within its bound, for its owner alone', () => {
    const path = join(directory, 'a.log');
    const log = new LogFile(path, 100);
    for (let line = 0; line < 50; line += 1) log.write(`line ${String(line).padStart(3, '0')}\n`);
    log.close();
    const kept = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
    expect(kept.endsWith('line 049\n')).toBe(true);
    expect(kept.length).toBeGreaterThan(100);
    for (const file of [path, `${path}.1`]) {
      expect(statSync(file).size).toBeLessThanOrEqual(100);
      if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });

  it('goes on where it stopped', () => {
    const path = join(directory, 'b.log');
    for (const text of ['one\n', 'two\n']) {
      const log = new LogFile(path);
      log.write(text);
      log.close();
    }
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  });

  it('is not there before the first line', () => {
    const path = join(directory, 'd.log');
    new LogFile(path).close();
    expect(existsSync(path)).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('follows no link', () => {
    const path = join(directory, 'c.log');
    writeFileSync(join(directory, 'victim'), 'x');
    symlinkSync(join(directory, 'victim'), path);
    const log = new LogFile(path);
    log.write('line\n');
    log.close();
    expect(readFileSync(join(directory, 'victim'), 'utf8')).toBe('x');
  });
});
