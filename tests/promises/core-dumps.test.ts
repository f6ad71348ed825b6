import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const launcher = resolve(import.meta.dirname, '..', '..', 'bin', 'kustody.cjs');

/** What the command under `run` sees of itself, and of the process that runs it with all its others. */
const look = `
const { readFileSync, readdirSync } = require('node:fs');
require('node:child_process').execFileSync('kustody', ['query', 'print 1']); // starts the parser
const threadChildren = (path) => {
  try {
    return readFileSync(path, 'latin1').split(' ').filter(Boolean);
  } catch {
    return []; // a thread that has ended meanwhile
  }
};
const children = (pid) => readdirSync('/proc/' + pid + '/task').flatMap((task) =>
  threadChildren('/proc/' + pid + '/task/' + task + '/children'));
const below = (pid) => [pid, ...children(pid).filter((child) => child !== String(process.pid)).flatMap(below)];
const of = (pid) => ({
  name: readFileSync('/proc/' + pid + '/cmdline', 'latin1').split('\\0').join(' '),
  limit: /^Max core file size +(\\S+)/m.exec(readFileSync('/proc/' + pid + '/limits', 'latin1'))[1],
  filter: Number('0x' + readFileSync('/proc/' + pid + '/coredump_filter', 'latin1')),
});
console.log(JSON.stringify({ own: of(process.pid), kustody: below(process.ppid).map(of) }));
`;

interface Seen {
  readonly name: string;
  readonly limit: string;
  readonly filter: number;
}

describe.runIf(process.platform === 'linux')('core dumps', () => {
  it('are off in every process that holds keys, and as before in the command of the user', async () => {
    const args = [process.execPath, launcher, 'run', '--seed', '--', process.execPath, '-e', look];
    const child = spawn('sh', ['-c', 'ulimit -S -c unlimited; exec "$@"', 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (piece: Buffer) => (text += piece.toString()));
    await once(child, 'close');
    const { own, kustody } = JSON.parse(text) as { readonly own: Seen; readonly kustody: readonly Seen[] };
    expect(own).toMatchObject({ limit: 'unlimited', filter: expect.any(Number) as number });
    expect(own.filter).not.toBe(0);
    const names = kustody.map(({ name }) => name).join('\n');
    for (const script of [join('bin', 'kustody.cjs'), 'cluster-process.cjs', 'kql-process.js'])
      expect(names).toContain(script);
    for (const process of kustody) expect(process).toMatchObject({ limit: '0', filter: 0 });
  });
});
