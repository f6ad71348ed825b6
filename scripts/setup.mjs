// Brings a fresh clone to a state in which kustody runs: dependencies installed as the lock file says, then built.
// Does nothing that is done already. `--only`, for the package, builds always (build.mjs).
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isBuilt } from './built-from.mjs';
import { runWaiting } from './waiting.mjs';

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
  await run('Installing', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error']);
}
const words = process.argv.slice(2);
if (words.includes('--only') || !isBuilt(root)) {
  console.error('Building …');
  await run('Building', process.execPath, [join(root, 'scripts', 'build.mjs'), ...words]);
}

async function run(what, command, args) {
  const shell = process.platform === 'win32' && command === 'npm';
  const { code, error, output } = await runWaiting(what, command, args, { cwd: root, shell });
  if (code === 0) return;
  process.stderr.write(output);
  console.error(error ? error.message : `'${command} ${args.join(' ')}' ended with code ${code}.`);
  process.exit(1);
}
