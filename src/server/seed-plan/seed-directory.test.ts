import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSeedDirectory } from './seed-directory.ts';

const plan = 'clusters:\n  - name: telemetry\n    databases: [{ name: Telemetry }, { name: Reference }]\n';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

describe('a directory with kustody.yaml', () => {
  it('has files for its first database, and for those that its folders name', () => {
    write({
      'kustody.yaml': plan,
      'b.kql': 'print 1',
      'databases/telemetry/Reference/a.kql': 'print 2',
      'databases/telemetry/Telemetry/.ignored': '',
    });
    const { files } = readSeedDirectory(directory);
    const names = files.map(({ at, steps }) => ({ at, files: steps.map(({ file }) => file) }));
    expect(names).toEqual([
      { at: undefined, files: ['b.kql'] },
      { at: { cluster: 'telemetry', database: 'Reference' }, files: ['databases/telemetry/Reference/a.kql'] },
    ]);
  });

  it.each([
    [
      { 'databases/telemetri/Reference/a.kql': '' },
      "databases/telemetri: there is no cluster 'telemetri' in kustody.yaml",
    ],
    [{ 'databases/telemetry/a.kql': '' }, 'databases/telemetry/a.kql: is no folder.'],
    [{ 'databases/telemetry/Reference/a.sql': '' }, 'databases/telemetry/Reference/a.sql: a seed has files'],
    [{ 'kustody.yaml': ' '.repeat(256 * 1024 + 1) }, 'kustody.yaml: has more than 262144 bytes.'],
  ])('is refused with the name of the file: %#', (files, message) => {
    write({ 'kustody.yaml': plan, ...files });
    expect(() => readSeedDirectory(directory)).toThrow(message);
  });

  // Windows lets only administrators make links.
  it.skipIf(process.platform === 'win32')(
    'is refused when a file cannot be read, and when a folder has its name',
    () => {
      symlinkSync(join(directory, 'nowhere'), join(directory, 'a.kql'));
      expect(() => readSeedDirectory(directory)).toThrow('a.kql: cannot be read (ENOENT).');
      rmSync(join(directory, 'a.kql'));
      mkdirSync(join(directory, 'kustody.yaml'));
      expect(() => readSeedDirectory(directory)).toThrow('kustody.yaml: is no file.');
    },
  );
});
