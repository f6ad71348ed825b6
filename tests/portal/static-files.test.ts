import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readStatic } from '../../src/portal/static-files.ts';

describe('files of the portal', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-portal-'));
  const text = 'console.log(1)';
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'assets', 'index-AbC_1-.js.br'), brotliCompressSync(text));
  writeFileSync(join(directory, 'assets', 'icon-1.ttf'), 'font');
  writeFileSync(join(directory, 'index.html.br'), brotliCompressSync('<html>'));
  afterAll(() => rmSync(directory, { recursive: true }));

  it('go out as the build has compressed them, or in the clear, and stay in caches by their hash', async () => {
    const script = await readStatic(directory, 'assets/index-AbC_1-.js', 'gzip, br');
    expect(script?.headers).toMatchObject({
      'content-encoding': 'br',
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const plain = await readStatic(directory, 'assets/index-AbC_1-.js', undefined);
    expect(plain?.content.toString()).toBe(text);
    expect(plain?.headers).not.toHaveProperty('content-encoding');
    expect((await readStatic(directory, 'index.html', 'br'))?.headers['cache-control']).toBe('no-cache');
    expect((await readStatic(directory, 'assets/icon-1.ttf', 'br'))?.content.toString()).toBe('font');
  });

  it('are those of the build alone', async () => {
    for (const name of [
      'assets/../index.html',
      '../x.js',
      '/etc/passwd',
      'assets/',
      'index.html.br',
      'absent.js',
      `${'a'.repeat(300)}.js`,
    ])
      expect(await readStatic(directory, name, 'br')).toBeUndefined();
  });

  it('render nothing as HTML, and run no text', () => {
    const sources = resolve(import.meta.dirname, '..', '..', 'portal', 'src');
    const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
    expect(files.length).toBeGreaterThan(20);
    const wrong = files.filter((name) =>
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/i.test(
        readFileSync(join(sources, name), 'utf8'),
      ),
    );
    expect(wrong).toEqual([]);
  });
});
