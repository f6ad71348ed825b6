import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kustody } from '../../tests/support/kustody-command.ts';
import { inPlace } from '../kql/testing/built-snapshot.ts';
import { version } from '../server/version.ts';
import { ownCode } from './own-code.ts';

const dist = resolve(import.meta.dirname, '..', '..', 'dist');
/** `// `, a digest, the end of the line; which V8 it is for; the checksum. */
const [lineBytes, codeStart] = [3 + 64 + 1, 3 + 64 + 1 + 8];

let made: string;
let bytes: Buffer;
let restBytes: Buffer;
let home: string;
let cache: string;
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'own-code-'));
  const env = { XDG_CACHE_HOME: made };
  const [path, rest] = await Promise.all([
    inPlace(join(made, 'kustody'), () => ownCode(dist, env, 'kustody-program')),
    inPlace(join(made, 'kustody'), () => ownCode(dist, env, 'kustody-rest')),
    kustody(['run', '--', process.execPath, '--version'], env), // the start of a server has it made
  ]);
  bytes = readFileSync(path);
  restBytes = readFileSync(rest);
  made = path;
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'own-code-'));
  cache = join(home, 'kustody');
  return () => rmSync(home, { recursive: true, force: true });
});
afterAll(() => rmSync(resolve(made, '..', '..'), { recursive: true, force: true }));

/** What the command says, with code that is kept. */
async function startWith(
  code: Buffer,
  { mode = 0o700, flags = '' } = {},
): Promise<{ readonly stays: boolean; readonly said: string }> {
  mkdirSync(cache);
  chmodSync(cache, mode);
  const path = join(cache, basename(made));
  writeFileSync(path, code, { mode: 0o600 });
  const { stdout, stderr } = await kustody(['--version'], { XDG_CACHE_HOME: home, NODE_OPTIONS: flags });
  return { stays: existsSync(path), said: stdout + stderr };
}

/** Code that V8 refuses, rightly headed. */
function strange(): Buffer {
  const code = Buffer.alloc(1_000, 7);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(code));
  return Buffer.concat([bytes.subarray(0, codeStart - 4), sum, code]);
}

const said = `${version}\n`;

describe('the command', () => {
  it('starts with the functions that an earlier start of a server has left', async () => {
    const plain = execFileSync(process.execPath, ['-p', 'v8.cachedDataVersionTag()'], { encoding: 'utf8' });
    for (const code of [bytes, restBytes]) expect(code.readUInt32BE(lineBytes)).toBe(Number(plain));
    expect(restBytes.subarray(codeStart).byteLength).toBeGreaterThan(1_000_000);
    // What commands that start no server read is a small part of it.
    expect(bytes.subarray(codeStart).byteLength).toBeGreaterThan(100_000);
    expect(bytes.byteLength).toBeLessThan(restBytes.byteLength / 3);
    expect(await startWith(bytes)).toEqual({ stays: true, said });
  });

  it('reads nothing of the server, nor of any package outside, for what is said of a server that runs', async () => {
    const alone = join(home, 'alone');
    mkdirSync(alone);
    for (const name of ['main.cjs', 'kustody-program.cjs', 'built-at.txt'])
      copyFileSync(join(dist, name), join(alone, name));
    const lines = [
      ['--version'],
      ['--help'],
      ['version'],
      ['run', '--help'],
      ['status'],
      ['hosts'],
      ['completion', 'bash'],
    ];
    const script = `const { spawnSync } = require('node:child_process');
      for (const line of ${JSON.stringify(lines)}) {
        const { status, stderr } = spawnSync(process.execPath, [process.argv[1], ...line], { encoding: 'utf8' });
        console.log(JSON.stringify([line, status, stderr]));
      }`;
    const { stdout } = await kustody(['run', '--', process.execPath, '-e', script, join(alone, 'main.cjs')]);
    expect(stdout.trimEnd().split('\n')).toEqual(lines.map((line) => JSON.stringify([line, 0, ''])));
  });

  it('leaves nothing behind when it starts no server', async () => {
    const { stdout } = await kustody(['--version'], { XDG_CACHE_HOME: home });
    expect(stdout).toBe(said);
    expect(existsSync(cache)).toBe(false);
  });

  it('takes away code that is damaged', async () => {
    const damaged = Buffer.from(bytes);
    damaged[damaged.byteLength >> 1] = (damaged[damaged.byteLength >> 1] ?? 0) ^ 1;
    expect(await startWith(damaged)).toEqual({ stays: false, said });
  });

  it('takes away code that V8 does not take', async () => {
    expect(await startWith(strange())).toEqual({ stays: false, said });
  });

  it('does not look at code of another program', async () => {
    const other = strange();
    other.write('// 0000', 0, 'latin1');
    expect(await startWith(other)).toEqual({ stays: true, said });
  });

  it('leaves alone what is for a V8 with other flags', async () => {
    expect(await startWith(strange(), { flags: '--max-old-space-size=900' })).toEqual({ stays: true, said });
  });

  it.runIf(process.getuid)('does not look at code where others may write', async () => {
    expect(await startWith(strange(), { mode: 0o770 })).toEqual({ stays: true, said });
  });
});
