import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocksOf, typed } from '../../scripts/page-script.mjs';
import { hangMs } from '../support/hang.ts';
import { writeLauncher } from '../support/kustody-command.ts';
import { sample } from '../support/sample.ts';

const root = join(import.meta.dirname, '..', '..');

type Blocks = ReturnType<typeof blocksOf>;

/** Types blocks into a shell, in a folder of its own below the repository, where packages are found. Waits as promises do: a thread that
 * stood still for all pages, one after the other, would be taken to hang. */
async function play(blocks: Blocks): Promise<readonly [number | null, string]> {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const directory = mkdtempSync(join(root, '.cache', 'played-'));
  try {
    writeLauncher(join(directory, 'kustody'));
    const input = ['set -o pipefail', typed(blocks, 'kustody'), 'exit', ''];
    const env = { ...process.env, PATH: `${directory}:${process.env['PATH'] ?? ''}` };
    const child = spawn('bash', { cwd: directory, env, timeout: hangMs });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => (said[name] += text));
    child.stdin.on('error', () => undefined); // a shell that ends early reads no more
    child.stdin.end(input.join('\n'));
    await once(child, 'close');
    return [child.exitCode, `${said.stdout}${said.stderr}`];
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

  it.each(sample(pages, 1))('docs/%s work as they are written', async (page) => {
    const blocks = blocksOf(readFileSync(join(root, 'docs', page), 'utf8'));
    const [status, output] = await play([{ code: 'kustody run --seed -- bash', exit: 0 }, ...blocks]);
    expect([status, output.split('\n').slice(-30).join('\n')]).toEqual([0, expect.anything()]);
  });

  it('are read with the exit code that the page tells', () => {
    expect(blocksOf('```sh\na\n```\n\n```sh exit=3\nb\nc\n```\n\n```\nd\n```\n')).toEqual([
      { code: 'a\n', exit: 0 },
      { code: 'b\nc\n', exit: 3 },
    ]);
  });

  it('fail when a command fails, when one does not, and inside of a shell that another opened', async () => {
    const opening = { code: 'env -- bash', exit: 0 };
    const status = async (code: string, exit: number) => (await play([opening, { code, exit }]))[0];
    expect(await status('false\ntrue\n', 0)).not.toBe(0);
    expect(await status('kustody query --no-such-option\n', 0)).not.toBe(0);
    expect(await status('kustody version\n', 1)).toBe(90);
    expect(await status('kustody query --no-such-option\n', 1)).toBe(0);
  });
});
