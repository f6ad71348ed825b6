import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import type { ClusterProgram } from './main.ts';

// Runs the program of a cluster's process: `cluster-process.cjs [CODE]`. In that file are the functions of the program that an earlier
// run has compiled; nothing of a cluster: `--make CODE` writes it, from a run that has no cluster near.
const [first = '', draft = ''] = process.argv.slice(2);
const makes = first === '--make';

const file = join(import.meta.dirname, 'cluster-program.cjs');
const text = readFileSync(file, 'latin1'); // it is ASCII
/** The line by which the program is known: V8 compares lengths of texts only. */
const head = Buffer.from(text.slice(0, text.indexOf('\n') + 1), 'latin1');
const code = makes || first === '' ? undefined : readCode(first);
const script = new Script(text, { filename: file, ...(code === undefined ? {} : { cachedData: code }) });
if (code !== undefined && script.cachedDataRejected === true) discard(first);

const module = { exports: {} as ClusterProgram };
const run = script.runInThisContext() as (...parts: readonly unknown[]) => void;
run(module.exports, createRequire(file), module, file, import.meta.dirname);
if (makes) {
  void module.exports.warmUp().then(() => {
    const compiled = script.createCachedData();
    writeFileSync(draft, Buffer.concat([head, checksum(compiled), compiled]), { mode: 0o600 });
    process.exit(0);
  });
} else module.exports.start();

/** @returns undefined for a file that is gone, or of another program, or damaged */
function readCode(path: string): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  const end = head.byteLength + 4;
  const compiled = bytes.subarray(end);
  if (!bytes.subarray(0, head.byteLength).equals(head)) return undefined;
  if (bytes.subarray(head.byteLength, end).equals(checksum(compiled))) return compiled;
  discard(path);
  return undefined;
}

function checksum(bytes: Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}

/** It is made anew for the next start. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays, and is passed over each time.
  }
}
