import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, typed } from '../../scripts/page-script.mjs';
import { writeLauncher } from '../support/kustody-command.ts';
import { sample } from '../support/sample.ts';

const root = join(import.meta.dirname, '..', '..');

type Blocks = ReturnType<typeof blocksOf>;

/** Types blocks into a shell, in a folder of its own below the repository, where packages are found. */
function play(blocks: Blocks): readonly [number | null, string] {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const directory = mkdtempSync(join(root, '.cache', 'played-'));
  try {
    writeLauncher(join(directory, 'kustody'));
    const input = ['set -o pipefail', typed(blocks, 'kustody'), 'exit', ''];
    const { status, stdout, stderr } = spawnSync('bash', {
      ...{ cwd: directory, input: input.join('\n') },
      env: { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` },
    });
    return [status, `${stdout.toString()}${stderr.toString()}`];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('the commands of a page', () => {
  const pages = [
    'database-keys.md',
    'howto-audit.md',
    'howto-ci.md',
    'howto-revocation.md',
    'howto-rotation.md',
    'howto-seed.md',
    'moving.md',
  ];

  it.each(sample(pages, 1))('docs/%s work as they are written', (page) => {
    const blocks = blocksOf(readFileSync(join(root, 'docs', page), 'utf8'));
    const [status, output] = play([{ code: 'kustody run --seed -- bash', exit: 0 }, ...blocks]);
    expect([status, output.split('\n').slice(-30).join('\n')]).toEqual([0, expect.anything()]);
  });

  it('are read with the exit code that the page tells', () => {
    expect(blocksOf('```sh\na\n```\n\n```sh exit=3\nb\nc\n```\n\n```\nd\n```\n')).toEqual([
      { code: 'a\n', exit: 0 },
      { code: 'b\nc\n', exit: 3 },
    ]);
  });

  it('fail when a command fails, when one does not, and inside of a shell that another opened', () => {
    const opening = { code: 'env -- bash', exit: 0 };
    const status = (code: string, exit: number) => play([opening, { code, exit }])[0];
    expect(status('false\ntrue\n', 0)).not.toBe(0);
    expect(status('kustody query --no-such-option\n', 0)).not.toBe(0);
    expect(status('kustody version\n', 1)).toBe(90);
    expect(status('kustody query --no-such-option\n', 1)).toBe(0);
  });
});
