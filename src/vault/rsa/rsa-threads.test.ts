import type { KeyObject } from 'node:crypto';
import { constants, createPrivateKey, publicEncrypt, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateRsaKey } from './rsa-keys.ts';
import { RsaThreads } from './rsa-threads.ts';

const script = join(import.meta.dirname, '..', '..', '..', 'dist', 'rsa-thread.js');

let der: Buffer;
let folder: string;
beforeAll(async () => {
  const { privateKey } = await generateRsaKey(2048);
  der = Buffer.from(privateKey, 'base64url');
  folder = mkdtempSync(join(tmpdir(), 'kustody-rsa-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Another one each time, as far as anybody can tell. */
const newKey = (): KeyObject => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });

function wrapped(key: KeyObject, plaintext: Buffer): Buffer {
  return publicEncrypt({ key, oaepHash: 'sha256', padding: constants.RSA_PKCS1_OAEP_PADDING }, plaintext);
}

describe('threads that decrypt', () => {
  it('open each with its own key: more than there are places, and more keys than a thread has', async () => {
    const threads = new RsaThreads(script, 2);
    const keys = Array.from({ length: 70 }, newKey);
    const [first = newKey()] = keys;
    for (let round = 0; round < 2; round += 1) {
      const plain = Array.from({ length: 150 }, () => randomBytes(32));
      const opened = plain.map((one, at) => threads.decrypt(keys[at % 70] ?? first, 'sha256', wrapped(first, one)));
      expect(threads.count).toBe(round === 0 ? 149 : 150);
      expect(await Promise.all(opened)).toEqual(plain);
    }
    expect(threads.count).toBe(0);
    threads.close();
  });

  it('tell of what does not open, and go on', async () => {
    const threads = new RsaThreads(script, 1);
    const key = newKey();
    await Promise.all([1, 2].map(() => threads.decrypt(key, 'sha1', Buffer.alloc(256))));
    expect(await threads.decrypt(key, 'sha1', wrapped(key, Buffer.from('other hash')))).toBeUndefined();
    expect(await threads.decrypt(key, 'sha256', Buffer.alloc(256, 0xff))).toBeUndefined();
    expect(await threads.decrypt(key, 'sha256', wrapped(key, Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
    threads.close();
  });

  it('forget keys by ending, after what they were asked', async () => {
    const threads = new RsaThreads(script, 1);
    const key = newKey();
    const open = async (text: string): Promise<string> =>
      String(await threads.decrypt(key, 'sha256', wrapped(key, Buffer.from(text))));
    const asked = ['done here', 'before'].map(open);
    expect(threads.count).toBe(1);
    threads.forgetKeys();
    expect(threads.count).toBe(0);
    const after = open('after');
    expect(threads.count).toBe(1);
    expect(await Promise.all([...asked, after])).toEqual(['done here', 'before', 'after']);
    threads.close();
  });

  it('that fail, or are closed, fail what they were asked; the next one is begun anew', async () => {
    const failing = join(folder, 'thread.mjs');
    writeFileSync(failing, `throw new Error('out of order');`);
    const threads = new RsaThreads(failing, 1);
    const key = newKey();
    const ask = (): Promise<unknown> => threads.decrypt(key, 'sha256', wrapped(key, Buffer.from('x')));
    const told = threads.oneEnded();
    await ask(); // here
    await expect(ask()).rejects.toThrow('A thread that decrypts failed.');
    await told;
    const [here, again] = [ask(), ask()];
    threads.close();
    await here;
    await expect(again).rejects.toThrow('The vault is closed.');
    expect(threads.count).toBe(0);
  });
});
