import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { hangMs } from './support/hang.ts';

const root = resolve(import.meta.dirname, '..');
/** A limit of a test or hook at its end, and one among its options. */
const limits =
  /^ *\}, ([\d_]+)\);$|^ +(?=[\d_]{5,},\n *\);$)([\d_]+),$|^.*(?:\b(?:it|describe)\b.*|^ *)\{ timeout: ([\d_]+)/gm;

it('no test has a limit of its own that is shorter than that of all: it makes nothing sooner, and fails where the machine is busy', () => {
  const paths = ['src', 'tests']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
    )
    .filter((path) => path.endsWith('.ts'));
  expect(paths.length).toBeGreaterThan(1_000);
  const shorter = paths.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(limits)]
      .map(([line, last, below, option]) => ({ line, ms: Number((last ?? below ?? option ?? '').replaceAll('_', '')) }))
      .filter(({ ms }) => ms > 20_000 && ms < hangMs)
      .map(({ line }) => `${path}: ${line.trim()}`),
  );
  expect(shorter).toEqual([]);
});
