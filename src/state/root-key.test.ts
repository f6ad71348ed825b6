import { createHmac } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { RootKey, RootKeyError, openRootKeyFile, parseRootKey } from './root-key.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-root-key-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('openRootKeyFile', () => {
  it.skipIf(process.platform === 'win32')(
    'makes a file for the owner alone, once, and reads the same key again',
    () => {
      const path = join(root, 'one');
      const first = openRootKeyFile(path, systemRandomBytes).derive('x');
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(path).nlink).toBe(1);
      const text = readFileSync(path, 'utf8');
      expect(openRootKeyFile(path, systemRandomBytes).derive('x')).toEqual(first);
      expect(readFileSync(path, 'utf8')).toBe(text);
      expect(existsSync(`${path}.new`)).toBe(false);
    },
  );

  it('starts again after a crash that left an unfinished file', () => {
    const path = join(root, 'two');
    writeFileSync(`${path}.new`, 'half');
    openRootKeyFile(path, systemRandomBytes);
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it.skipIf(process.platform === 'win32')('refuses a file that others may read, and a damaged one', () => {
    const path = join(root, 'three');
    openRootKeyFile(path, systemRandomBytes);
    chmodSync(path, 0o640);
    expect(() => openRootKeyFile(path, systemRandomBytes)).toThrow(RootKeyError);
    chmodSync(path, 0o600);
    for (const text of ['', 'short', 'x'.repeat(2000)]) {
      writeFileSync(path, text);
      expect(() => openRootKeyFile(path, systemRandomBytes)).toThrow(RootKeyError);
    }
  });
});

describe('parseRootKey', () => {
  it('takes base64, base64url and hex, and nothing else', () => {
    const bytes = Buffer.alloc(32, 0xfb);
    const key = new RootKey(bytes).derive('x');
    for (const text of [bytes.toString('base64'), `${bytes.toString('base64url')}\n`, bytes.toString('hex')]) {
      expect(parseRootKey(text).derive('x')).toEqual(key);
    }
    for (const text of ['', 'correct horse', bytes.toString('hex').slice(1), `${bytes.toString('base64')}AA`]) {
      expect(() => parseRootKey(text)).toThrow(RootKeyError);
    }
  });
});

describe('RootKey', () => {
  it('derives as RFC 5869 says', () => {
    const bytes = Buffer.from(systemRandomBytes(32));
    const salt = Buffer.from('salt');
    const extracted = createHmac('sha256', salt).update(bytes).digest();
    const expanded = createHmac('sha256', extracted)
      .update('kustody test 1')
      .update(Buffer.from([1]))
      .digest();
    expect(new RootKey(bytes).derive('test 1', salt)).toEqual(expanded);
  });

  it('is not used after it was closed', () => {
    const key = new RootKey(Buffer.alloc(32, 1));
    key.close();
    expect(() => key.derive('x')).toThrow('closed');
  });
});
