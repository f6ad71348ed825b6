import { build } from 'esbuild';
import { randomBytes } from 'node:crypto';
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { builtScripts } from '../../support/built.ts';
import type { VaultChild } from '../../support/vault-child.ts';
import { pinnedAgent, sendRaw } from '../../support/vault-fixture.ts';

const version = '?api-version=7.4';
let directory = '';
let child: ChildProcess;
let vault: VaultChild;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'kustody-hygiene-'));
  const outfile = join(directory, 'vault-child.mjs');
  await build({
    entryPoints: [new URL('../../support/vault-child.ts', import.meta.url).pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'error',
  });
  child = fork(outfile, [builtScripts.rsaThread], { execArgv: ['--expose-gc'] });
  const [message] = (await once(child, 'message')) as [VaultChild];
  vault = message;
});
afterAll(() => {
  child.kill();
  rmSync(directory, { recursive: true, force: true });
});

/** Every readable page of the process that may hold data of its own. */
function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from = '', to = '', access = ''] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
      if (!access.startsWith('rw') || line.endsWith('[vvar]')) continue;
      const start = parseInt(from, 16);
      const region = Buffer.alloc(parseInt(to, 16) - start);
      try {
        yield region.subarray(0, readSync(memory, region, 0, region.length, start));
      } catch {
        // guard pages
      }
    }
  } finally {
    closeSync(memory);
  }
}

/** @returns which of the needles the memory of the vault holds */
function found(needles: Readonly<Record<string, Buffer>>): string[] {
  const names = new Set<string>();
  for (const region of memoryOf(child.pid ?? 0)) {
    for (const [name, needle] of Object.entries(needles)) if (region.includes(needle)) names.add(name);
  }
  return [...names];
}

describe.runIf(process.platform === 'linux')('after the answer', () => {
  it('WrapKey, UnwrapKey, Encrypt, Decrypt: no copy of a plaintext stays in the memory of the vault', async () => {
    const agent = pinnedAgent(vault);
    const post = async (path: string, body: unknown): Promise<Record<string, string>> => {
      const reply = await sendRaw(agent, 'POST', `${path}${version}`, vault.token, { body });
      expect(reply.status).toBe(200);
      return reply.json as Record<string, string>;
    };
    await post('/keys/kek/create', { kty: 'RSA', tags: { canary: 'the-canary-of-this-test' } });
    const needles: Record<string, Buffer> = {};
    for (const [seal, open] of [
      ['wrapkey', 'unwrapkey'],
      ['encrypt', 'decrypt'],
    ] as const) {
      for (const alg of ['RSA-OAEP-256', 'RSA-OAEP', 'RSA1_5']) {
        const plaintext = randomBytes(32);
        const value = plaintext.toString('base64url');
        const sealed = await post(`/keys/kek/${seal}`, { alg, value });
        const opened = await post(`/keys/kek/${open}`, { alg, value: sealed['value'] });
        expect(opened['value']).toBe(value);
        needles[`${open} ${alg}`] = plaintext;
        needles[`${open} ${alg} as text`] = Buffer.from(value, 'latin1');
        needles[`${open} ${alg} as wide text`] = Buffer.from(value, 'utf16le');
      }
    }
    // The receive buffers of Node and OpenSSL are not ours: they hold what came until something longer comes.
    const filler = { alg: 'none', value: 'A'.repeat(15_000) };
    for (let i = 0; i < 8; i++)
      await sendRaw(agent, 'POST', `/keys/kek/wrapkey${version}`, vault.token, { body: filler });
    // The search does find what is there.
    expect(found({ canary: Buffer.from('the-canary-of-this-test') })).toEqual(['canary']);
    expect(found(needles)).toEqual([]);
    agent.destroy();
  });
});
