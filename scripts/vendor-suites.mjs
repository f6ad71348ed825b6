// Runs the vendor's own suites of the Key Vault clients (azure-sdk-for-js of 2020, the last whose packages bring their tests along), as
// they were published, against an instance of their own.
//   node scripts/vendor-suites.mjs
// They are installed at the versions of tests/clients/javascript-2020/package-lock.json. Exit status 1 when fewer pass than suites.json
// says, or when a test fails, skips itself or passes that suites.json says otherwise of.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { judgeSuite } from './vendor-suites/judge-suite.mjs';

const root = join(import.meta.dirname, '..');
const wanted = join(root, 'tests/clients/javascript-2020');
const there = join(root, '.cache/javascript-2020');
const expected = JSON.parse(readFileSync(join(wanted, 'suites.json'), 'utf8'));

/** @throws Error when it fails */
function run(command, options) {
  const { status, error } = spawnSync(command[0], command.slice(1), { stdio: 'inherit', ...options });
  if (status !== 0) throw new Error(`${command.slice(0, 3).join(' ')} … failed (${status ?? error})`, { cause: error });
}

function install() {
  const [lock, installed] = [join(wanted, 'package-lock.json'), join(there, 'installed.json')];
  if (existsSync(installed) && readFileSync(lock).equals(readFileSync(installed))) return;
  rmSync(there, { recursive: true, force: true });
  mkdirSync(there, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(wanted, name), join(there, name));
  run(['npm', 'ci', '--ignore-scripts', '--silent', '--no-audit', '--no-fund'], { cwd: there });
  copyFileSync(lock, installed);
}

/** Made CommonJS of ES modules, which is what they are run as by their authors, too. What they import is left as it is installed. */
async function bundle(suite) {
  const tests = join(there, 'node_modules/@azure', suite, 'dist-esm/test');
  await build({
    entryPoints: readdirSync(tests).flatMap((name) => (name.endsWith('.test.js') ? [join(tests, name)] : [])),
    outdir: join(there, 'built', suite),
    ...{ bundle: true, platform: 'node', format: 'cjs', packages: 'external', logLevel: 'warning' },
    alias: { '@azure/test-utils-recorder': join(wanted, 'recorder.mjs') },
  });
}

install();
for (const suite of Object.keys(expected)) await bundle(suite);
const out = mkdtempSync(join(tmpdir(), 'kustody-suites-'));
try {
  const inside = ['node', join(root, 'scripts/vendor-suites/run-suites.mjs'), there, out, ...Object.keys(expected)];
  run(['node', join(root, 'bin/kustody.cjs'), 'run', '--seed', join(wanted, 'seed'), '--', ...inside]);
  const problems = Object.entries(expected).flatMap(([suite, rules]) => {
    const seen = JSON.parse(readFileSync(join(out, `${suite}.json`), 'utf8'));
    const count = (outcome) => seen.filter((test) => test.outcome === outcome).length;
    console.log(`${suite}: ${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`);
    return judgeSuite(rules, seen).map((problem) => `${suite}: ${problem}`);
  });
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}
