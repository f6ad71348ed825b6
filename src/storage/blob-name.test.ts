import { expect, it } from 'vitest';
import { parseBlobName } from './blob-store.ts';

it('parseBlobName takes lower-case segments and nothing that could leave a directory', () => {
  for (const text of ['a', 'a/b-c/0', 'x'.repeat(200)]) expect(parseBlobName(text)).toBe(text);
  for (const text of [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/..',
    'a.b',
    'A',
    'a\\b',
    'a b',
    'a\0',
    'é',
    'x'.repeat(201),
  ]) {
    expect(parseBlobName(text)).toBeUndefined();
  }
});
