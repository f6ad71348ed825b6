import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { cachedDataVersionTag } from 'node:v8';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import type { StartUpFile } from './start-up-file.ts';

/** `// ` and a digest in hexadecimal digits: how a program begins that is known by it. */
const headBytes = 3 + 64;
const lineBytes = headBytes + 1;
/** After that line: which V8 has compiled the functions, with which flags, and a checksum of them. */
const codeStart = lineBytes + 4 + 4;

export interface LoadedProgram<Exports> {
  readonly exports: Exports;
  /** Writes the functions that are compiled by now, for later starts. */
  writeCode(draft: string): void;
}

/** The compiled functions of a program, as a file that is kept.
 * @param program a script that is a function of what each CommonJS module has, begun by its digest (`scripts/build.mjs`)
 * @param make arguments of Node.js that make it write the code at `draft`
 * @returns undefined without such a program: nothing is built */
export function programCode(kind: string, program: string, make: StartUpFile['make']): StartUpFile | undefined {
  const head = headOf(program);
  return head === undefined ? undefined : { kind, extension: 'code', of: [head], make };
}

function headOf(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const head = Buffer.alloc(headBytes);
    return readSync(file, head, 0, headBytes, 0) === headBytes ? head.toString('latin1') : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Runs a program, with the functions that an earlier run has compiled.
 * @param code where those are; a file that is damaged, or that V8 does not take, is taken away */
export function loadProgram<Exports>(program: string, code: string | undefined): LoadedProgram<Exports> {
  const text = readFileSync(program, 'latin1'); // it is ASCII
  /** V8 itself compares lengths of texts only. */
  const line = Buffer.from(text.slice(0, lineBytes), 'latin1');
  const cachedData = code === undefined ? undefined : readCode(code, line);
  const script = new Script(text, { filename: program, ...(cachedData === undefined ? {} : { cachedData }) });
  if (code !== undefined && script.cachedDataRejected === true) discard(code);

  const module = { exports: {} as Exports };
  const run = script.runInThisContext() as (...parts: readonly unknown[]) => void;
  run(module.exports, createRequire(program), module, program, dirname(program));
  return {
    exports: module.exports,
    writeCode: (draft) => {
      const compiled = script.createCachedData();
      const parts = [line, numberBytes(cachedDataVersionTag()), numberBytes(crc32(compiled)), compiled];
      writeFileSync(draft, Buffer.concat(parts), { mode: 0o600 });
    },
  };
}

/** @returns undefined for a file that is gone, of another program, for V8 with other flags, or damaged */
function readCode(path: string, line: Buffer): Buffer | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  const before = Buffer.concat([line, numberBytes(cachedDataVersionTag())]);
  // It is right for whoever starts without such flags.
  if (!bytes.subarray(0, before.byteLength).equals(before)) return undefined;
  const compiled = bytes.subarray(codeStart);
  if (bytes.subarray(before.byteLength, codeStart).equals(numberBytes(crc32(compiled)))) return compiled;
  discard(path);
  return undefined;
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** It is made anew for the next start. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays, and is passed over each time.
  }
}
