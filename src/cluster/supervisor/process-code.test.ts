import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtScripts } from '../../../tests/support/built.ts';
import { processCode } from './process-code.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-code-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** `// `, a digest, the end of the line; which V8 it is for. */
const headBytes = 3 + 64 + 1 + 4;
const { clusterProcess, startUpFiles } = builtScripts;

function keptCode(): { readonly path: string; readonly bytes: Buffer } {
  const path = processCode(clusterProcess, startUpFiles); // made before the first test
  if (path === undefined) throw new Error('No code is kept.');
  return { path, bytes: readFileSync(path) };
}

/** Starts the process with code that is kept in a file, and has it answer. */
async function answerWith(code: Buffer): Promise<{ readonly stays: boolean; readonly outcome: unknown }> {
  const path = join(folder, 'cluster.code');
  writeFileSync(path, code);
  const child = fork(clusterProcess, [path], { execArgv: [], env: {}, serialization: 'advanced' });
  try {
    const answered = once(child, 'message');
    const edge = { address: '127.0.0.1', port: 1, ca: '' };
    const body = { clusterId: undefined, visitsKeys: false, edge, vaultTimeoutMs: 1, blobs: undefined };
    child.send({ kind: 'call', id: 1, operation: 'configure', body });
    const [outcome] = (await answered) as [unknown];
    return { stays: existsSync(path), outcome };
  } finally {
    child.kill('SIGKILL');
  }
}

const answered = { kind: 'reply', id: 1, body: { outcome: 'ready' } };

describe('a cluster process', () => {
  it('starts with the functions that were compiled before', async () => {
    const { path, bytes } = keptCode();
    expect(path).toMatch(/cluster-[0-9a-f]{32}\.code$/);
    expect(await answerWith(bytes)).toEqual({ stays: true, outcome: answered });
  });

  it('has them from a run that was asked what clusters are asked first', async () => {
    const draft = join(folder, 'made.code');
    const made = promisify(execFile)(process.execPath, [clusterProcess, '--make', draft]);
    expect(await made).toEqual({ stdout: '', stderr: '' });
    expect(existsSync(draft)).toBe(true);
  });

  it('takes away code that is damaged or that V8 does not take, and starts plain', async () => {
    const damaged = Buffer.from(keptCode().bytes);
    damaged[damaged.byteLength >> 1] = (damaged[damaged.byteLength >> 1] ?? 0) ^ 1;
    expect(await answerWith(damaged)).toEqual({ stays: false, outcome: answered });
    const code = Buffer.alloc(1_000, 7);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(code));
    const ofAnotherV8 = Buffer.concat([keptCode().bytes.subarray(0, headBytes), sum, code]);
    expect(await answerWith(ofAnotherV8)).toEqual({ stays: false, outcome: answered });
  });

  it('starts with no code of another program', async () => {
    const { bytes } = keptCode();
    const other = Buffer.from(bytes);
    other.write('// 0000', 0, 'latin1');
    other.fill(7, headBytes); // which would be taken away if it were looked at
    expect(await answerWith(other)).toEqual({ stays: true, outcome: answered });
  });
});
