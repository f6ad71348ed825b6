import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../program/program.ts';
import { RootKeySource } from '../root-key-source.ts';
import { bashCompletion } from './bash.ts';
import { allCommands, commandTree } from './command-tree.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

const root = commandTree(createProgram(new RootKeySource({})));
const nodes = allCommands(root);

/** What a real bash offers after these words, the last of which is not finished. One whose input is a socket takes itself for a remote one and
 * reads the machine's `bash.bashrc`, unless it is told not to. */
function offered(...words: readonly string[]): readonly string[] {
  const script = `${bashCompletion(root)}
    shift; COMP_WORDS=(kustody "$@"); COMP_CWORD=$#
    [[ $(complete -p kustody) == 'complete -F _kustody kustody' ]] || exit 9
    _kustody
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-u', '-c', script, 'bash', '_', ...words]);
  if (status !== 0 || stderr.length > 0) throw new Error(`bash ended with ${String(status)}: ${stderr.toString()}`);
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}

describe('completion in bash', () => {
  it.each(nodes.map((node) => [node.path.join(' '), node] as const))(
    "offers all commands and options after 'kustody %s'",
    (_, node) => {
      const expected = [...node.children.map(({ path }) => path.at(-1)), ...node.options.map(({ long }) => long)];
      expect(expected.length).toBeGreaterThan(0);
      const choices = node.arguments.flatMap((argument) => argument.choices);
      expect(offered(...node.path, '').toSorted()).toEqual([...expected, ...choices].toSorted());
    },
  );

  it('narrows down to what was begun', () => {
    expect(offered('che')).toEqual(['check-keys']);
    expect(offered('clock', 'a')).toEqual(['accept', 'advance']);
    expect(offered('up', '--se')).toEqual(['--second-subscription', '--seed']);
    expect(offered('nothing-of-ours')).toEqual([]);
  });

  it('knows the values of options, with and without a sign', () => {
    expect(offered('query', '--format', '')).toEqual(['table', 'csv', 'json']);
    expect(offered('query', '--format', 'c')).toEqual(['csv']);
    expect(offered('query', '--format', '=', 'j')).toEqual(['json']);
    expect(offered('query', '--format', '=')).toEqual(['table', 'csv', 'json']);
    expect(offered('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
  });

  it('takes the value of an option for no command', () => {
    expect(offered('query', '--database', 'clock', '--fo')).toEqual(['--format']);
    expect(offered('up', '--data', 'x', '--see')).toEqual(['--seed']);
  });

  it('offers directories, files, nothing where only the user knows, and commands after --', () => {
    expect(offered('up', '--data', '/usr/')).toContain('/usr/bin');
    expect(offered('proof', '--html', '/etc/pass')).toContain('/etc/passwd');
    expect(offered('up', '--port', '')).toEqual([]);
    expect(offered('run', '--seed', '--', 'bas')).toContain('bash');
    expect(offered('run', '--seed', '/usr', '--', 'bas')).toContain('bash');
    expect(offered('up', '--seed', '/usr/')).toContain('/usr/bin');
    expect(offered('up', '--seed', '--virt')).toEqual(['--virtual-time']);
    expect(offered('up', '--seed', '=', '/usr/')).toContain('/usr/bin');
    expect(offered('run', '--', 'cat', '/etc/pass')).toContain('/etc/passwd');
  });
});

describe('completion in zsh and fish', () => {
  const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;

  it('names every command and option', () => {
    const [zsh, fish] = [zshCompletion(root), fishCompletion(root)];
    for (const { path, options } of nodes) {
      const name = path.at(-1);
      if (name !== undefined) {
        expect(zsh).toContain(`'${name}:`);
        expect(fish).toContain(` -a ${name} `);
      }
      for (const { long } of options) {
        expect(zsh).toContain(`'${long}`);
        expect(fish).toContain(` -l ${long.slice(2)} `);
      }
    }
  });

  it.skipIf(!isThere('zsh'))('is read by zsh', () => {
    expect(spawnSync('zsh', ['-n'], { input: zshCompletion(root) })).toMatchObject({ status: 0 });
  });

  it.skipIf(!isThere('fish')).each(nodes.filter(({ children }) => children.length > 0).map((node) => [node]))(
    'is used by fish for $path',
    ({ path, children }) => {
      const line = ['kustody', ...path, ''].join(' ');
      const script = `${fishCompletion(root)}\ncomplete -C '${line}'`;
      const { status, stdout } = spawnSync('fish', ['--no-config', '-c', script]);
      const offers = stdout
        .toString()
        .split('\n')
        .map((offer) => offer.split('\t')[0]);
      expect(status).toBe(0);
      expect(offers).toEqual(expect.arrayContaining(children.map((child) => child.path.at(-1))));
    },
  );
});
