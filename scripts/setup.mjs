// Brings a fresh clone to a state in which kustody runs: dependencies installed as the lock file says, then built.
// Does nothing that is done already.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const stamp = join(root, 'node_modules', '.package-lock.json');
const lock = join(root, 'package-lock.json');

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 18)) {
  console.error(`kustody needs Node.js 20.18 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing dependencies (once; about half a minute) …');
  run('npm', ['ci', '--no-audit', '--no-fund']);
}
console.error('Building …');
run(process.execPath, [join(root, 'scripts', 'build.mjs'), ...process.argv.slice(2)]);

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['inherit', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (status !== 0) {
    console.error(error ? error.message : `'${command} ${args.join(' ')}' ended with code ${status}.`);
    process.exit(1);
  }
}
