import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemRandomBytes } from '../../src/base/random.ts';
import { scanForCanaries } from '../../src/server/canary-scan.ts';
import { searchArchives } from './archive-search.ts';
import { zipOf } from './zip-writer.ts';

// Whoever finds nothing with this search has to know that it would have found something.

const canary = 'canary-in-an-archive-0c41';
const content = Array.from({ length: 200 }, (_, row) => `${row % 7},${canary}\n`).join('');
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-archives-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Amid bytes of something else, as in a file that is sealed only in part. */
const amid = (bytes: Uint8Array): Buffer => Buffer.concat([systemRandomBytes(5_000), bytes, systemRandomBytes(5_000)]);

let number = 0;
async function found(bytes: Uint8Array): Promise<readonly string[]> {
  const place = join(directory, `${(number += 1)}`);
  mkdirSync(place);
  writeFileSync(join(place, 'file'), bytes);
  const { matches, files } = await searchArchives(place, [canary]);
  expect(files).toBe(1);
  return matches.map(({ way }) => way);
}

it.each<[string, Uint8Array, string]>([
  ['gzip', gzipSync(content), 'gzip@5000 UTF-8'],
  ['zlib', deflateSync(content), 'zlib@5000 UTF-8'],
  ['zip', zipOf({ 'rows.csv': content }), 'zip@5000 UTF-8'],
  ['gzip in gzip', gzipSync(gzipSync(content)), 'gzip@5000 gzip@0 UTF-8'],
  ['base64', Buffer.from(Buffer.from(content).toString('base64')), 'base64'],
])('finds a text in %s', async (what, bytes, way) => {
  if (what !== 'base64') expect(bytes.toString()).not.toContain(canary);
  expect(await found(amid(bytes))).toContain(way);
});

it.each(['zstd', 'snappy', 'gzip', 'lz4', 'uncompressed'])('finds a text in Parquet with %s', async (codec) => {
  const path = join(directory, `${codec}.parquet`);
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const rows = `SELECT range AS n, '${canary}-' || (range % 5) AS t FROM range(3000)`;
  await connection.run(`COPY (${rows}) TO '${path}' (FORMAT parquet, COMPRESSION ${codec})`);
  connection.closeSync();
  instance.closeSync();
  expect(await found(amid(readFileSync(path)))).toContainEqual('parquet@5000 UTF-8');
});

it('finds nothing where nothing is', async () => {
  expect(await found(amid(gzipSync('something else')))).toEqual([]);
  expect(await found(amid(deflateRawSync(content)).subarray(5_100))).toEqual([]);
  expect(await scanForCanaries(join(directory, '1'), [canary])).toMatchObject({ matches: [] });
});
