// Builds the portal into dist/portal, with its packages installed as portal/package-lock.json says. `--check` adds its types.
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { runWaiting } from './waiting.mjs';

const root = join(import.meta.dirname, '..');
const portal = join(root, 'portal');
const built = join(root, 'dist', 'portal');
/** Of all that a browser could ask for, compressed. */
const bytesMax = 6 * 1024 * 1024;

const stamp = join(portal, 'node_modules', '.package-lock.json');
const lock = join(portal, 'package-lock.json');
if (!existsSync(stamp) || statSync(stamp).mtimeMs < statSync(lock).mtimeMs) {
  console.error('Installing what the portal is built with (once; about a minute) …');
  await run('Installing', 'npm', ['ci', '--prefix', portal, '--loglevel', 'error']);
}
if (process.argv.includes('--check')) await run('Checking types', process.execPath, bin('typescript', 'tsc'));
console.error('Building the portal …');
await run('Building', process.execPath, [...bin('vite', 'vite.js'), 'build']);
const total = compress();
console.error(`dist/portal: ${(total / 1024 / 1024).toFixed(2)} MB compressed.`);
if (total > bytesMax) {
  console.error(`That is more than ${bytesMax / 1024 / 1024} MB.`);
  process.exit(1);
}

function bin(name, file) {
  return [join(portal, 'node_modules', name, 'bin', file)];
}

/** Texts are compressed once, here, kept and served so; what is compressed already stays as it is. @returns bytes */
function compress() {
  let bytes = 0;
  for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const content = readFileSync(file);
    if (/\.(?:js|css|html|svg|json)$/.test(entry.name)) {
      const quality = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength };
      const compressed = brotliCompressSync(content, { params: quality });
      writeFileSync(`${file}.br`, compressed);
      rmSync(file);
      bytes += compressed.byteLength;
    } else bytes += content.byteLength;
  }
  return bytes;
}

async function run(what, command, args) {
  const shell = process.platform === 'win32' && command === 'npm';
  const { code, error, output } = await runWaiting(what, command, args, { cwd: portal, shell });
  if (code === 0) return;
  process.stderr.write(output);
  console.error(error ? error.message : `'${command} ${args.join(' ')}' ended with code ${code}.`);
  process.exit(1);
}
