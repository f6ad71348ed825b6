import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitMs } from '../../../tests/support/hang.ts';
import { builtSnapshot } from '../testing/built-snapshot.ts';
import { parserSnapshot } from './parser-snapshot.ts';

let folder: string;
let entry: string;
let cache: string;

/** Any program can be made a snapshot of. */
const writeBuilder = (text: string): void => writeFileSync(join(folder, 'kql-snapshot.cjs'), text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshot-test-'));
  entry = join(folder, 'kql-process.js');
  cache = join(folder, 'cache');
  writeBuilder('globalThis.one = 1;');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('parserSnapshot', () => {
  it('knows its own by what it is made of, never by the time of a file', async () => {
    const first = await builtSnapshot(entry, cache);
    const longAgo = new Date(0);
    utimesSync(first, longAgo, longAgo);
    expect(parserSnapshot(entry, cache)).toBe(first);
    writeBuilder('globalThis.two = 2;');
    utimesSync(join(folder, 'kql-snapshot.cjs'), longAgo, longAgo);
    expect(parserSnapshot(entry, cache)).toBeUndefined();
    expect(readdirSync(folder)).toEqual(['cache', 'kql-snapshot.cjs']);
  });

  it('takes nothing from a directory that others may write to, or that is not one', async () => {
    await builtSnapshot(entry, cache);
    chmodSync(cache, 0o770);
    expect(parserSnapshot(entry, cache)).toBeUndefined();
    chmodSync(cache, 0o700);
    expect(parserSnapshot(entry, cache)).toBeDefined();
    const link = join(folder, 'link');
    symlinkSync(cache, link);
    expect(parserSnapshot(entry, link)).toBeUndefined();
    expect(parserSnapshot(entry, undefined)).toBeUndefined();
  });

  it('keeps four, those that were built last', async () => {
    mkdirSync(cache, { mode: 0o700 });
    const old = Array.from({ length: 6 }, (_, index) => `parser-${String(index).repeat(32)}.blob`);
    for (const [index, name] of old.entries()) {
      writeFileSync(join(cache, name), '');
      utimesSync(join(cache, name), index, index);
    }
    const ended = watch(cache, { signal: AbortSignal.timeout(waitMs) });
    expect(parserSnapshot(entry, cache)).toBeUndefined();
    // The claim goes last of all.
    for await (const { eventType } of ended)
      if (eventType !== 'change' && !readdirSync(cache).some((name) => name.endsWith('.building'))) break;
    const built = parserSnapshot(entry, cache);
    expect(readdirSync(cache).sort()).toEqual([...old.slice(3), basename(built ?? '')].sort());
  });
});
