// Plays what a new user does first, as the pages say it, as a user without rights: README.md, docs/tutorial.md and docs/clients.md in a fresh
// clone; docs/tutorial.md, docs/testing.md and docs/clients.md in an empty folder, from the packed tarball. Names what failed, and how long it took.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readmeScript } from './first-hour/readme.mjs';
import { machineSlowness } from './machine-slowness.mjs';
import { blocksOf, filesShown, typed } from './page-script.mjs';

/** Without what installing packages takes, which is the registry's time. On a machine that is slower just now as many times as that. */
const secondsMax = 140;
const root = join(import.meta.dirname, '..');
/** Whom nothing belongs to, on Debian and elsewhere. */
const nobody = 65534;
const isRoot = process.getuid?.() === 0;

const directory = mkdtempSync(join(tmpdir(), 'kustody-first-hour-'));
const [home, clone, folder, commands] = ['home', 'kustody', 'empty', 'bin'].map((name) => join(directory, name));
/** Seconds that installations took, a line each. */
const installations = join(home, 'installations');

/** Of the environment only what a new user has, and where packages come from. */
const kept = /^(LANG|LC_.*|TERM|CI|https?_proxy|HTTPS?_PROXY|NODE_EXTRA_CA_CERTS)$/;
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name))),
  npm_config_registry: run('npm', ['config', 'get', 'registry']).trim(),
  npm_config_update_notifier: 'false',
  PATH: `${commands}:${process.env.PATH}`,
  HOME: home,
  TMPDIR: home,
};

const start = performance.now();
const seconds = () => Math.round((performance.now() - start) / 1000);
const failures = [];
/** Measured between the parts, so that it is that of the same time; measuring takes no time of theirs. */
const slowness = [];
let measuringMs = 0;
let ownSeconds;
let installing;

try {
  prepare();
  const inClone = (page) => readFileSync(join(clone, page), 'utf8');
  const ofClone = 'node bin/kustody.cjs';
  await part('docs/tutorial.md, in a clone', clone, () => typed(blocksOf(inClone('docs/tutorial.md')), ofClone));
  await part('README.md, in a clone', clone, () => readmeScript(inClone('README.md'), ofClone));
  await part('docs/clients.md, in a clone', clone, () => inside(blocksOf(inClone('docs/clients.md')), ofClone));

  pack();
  const installed = (page) => readFileSync(join(folder, 'node_modules', 'kustody', page), 'utf8');
  const ofTarball = 'npx --no-install kustody';
  const [install, ...examples] = blocksOf(inClone('docs/testing.md'));
  await part('docs/testing.md: the tarball into an empty folder', folder, () =>
    typed([withVersions(install)], ofTarball),
  );
  for (const [name, text] of filesShown(inClone('docs/testing.md'))) writeFileSync(join(folder, name), text);
  for (const example of examples)
    await part(`docs/testing.md: ${example.code.trim()}`, folder, () => typed([example], ofTarball));
  await part('docs/tutorial.md, from the tarball', folder, () =>
    typed(withoutClone(installed('docs/tutorial.md')), ofTarball),
  );
  await part('docs/clients.md, from the tarball', folder, () =>
    inside(blocksOf(installed('docs/clients.md')), ofTarball),
  );
  // Before everything is deleted, which is no user's first hour.
  await measure();
  installing = installingSeconds();
  ownSeconds = Math.round(seconds() - measuringMs / 1000) - installing;
} finally {
  for (const command of leftRunning()) failures.push(`left running: ${command}`);
  rmSync(directory, { recursive: true, force: true });
}
const mean = slowness.reduce((sum, one) => sum + one, 0) / slowness.length;
const allowed = Math.round(secondsMax * Math.max(1, mean));
if (ownSeconds > allowed)
  failures.push(`It took ${ownSeconds} s; ${allowed} are allowed where all takes ${mean.toFixed(2)} of its time.`);
console.log(
  `\n== The first hour: ${ownSeconds} s of ${allowed} where all takes ${mean.toFixed(2)} of its time, and ${installing} s of installing; ${failures.length} failed`,
);
for (const failure of failures) console.log(`failed: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Everything there before the user comes: a clone, a folder with the tarball, and the clients that Python brings. */
function prepare() {
  for (const path of [home, folder, commands]) mkdirSync(path);
  run('git', ['-c', 'safe.directory=*', 'clone', '--quiet', root, clone]);
  client('az', 'azure-cli', '-m azure.cli');
  client('python3', 'python', '');
  timedInstaller();
  if (!isRoot) return;
  chmodSync(directory, 0o755);
  run('chown', ['-R', `${nobody}:${nobody}`, home, folder, clone]);
}

/** The tarball that docs/install.md speaks of, of what the first page built in the clone. scripts/packed.sh has one that builds itself. */
function pack() {
  const packed = run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: clone });
  if (isRoot) chmodSync(join(folder, packed.trim()), 0o644);
}

/** A command of an environment that scripts/python-clients.sh makes. Where its Python lies in a home that the user may not enter, the
 * machine's own takes its packages. */
function client(name, environmentName, args) {
  const venv = join(root, '.cache', environmentName);
  if (!existsSync(join(venv, 'bin', 'python')))
    throw new Error(`There is no '${name}': scripts/python-clients.sh ${environmentName} installs it.`);
  const [version] = readdirSync(join(venv, 'lib'));
  const script = [
    '#!/bin/sh',
    `python='${join(venv, 'bin', 'python')}'`,
    `[ -x "$python" ] || { python=/usr/bin/python3; export PYTHONPATH='${join(venv, 'lib', version, 'site-packages')}'; }`,
    `exec "$python" ${args} "$@"`,
  ];
  writeFileSync(join(commands, name), `${script.join('\n')}\n`, { mode: 0o755 });
}

/** `npm` as it is, which notes how long it installs. */
function timedInstaller() {
  const npm = run('which', ['npm']).trim();
  const script = [
    '#!/bin/sh',
    `case "$1" in ci|install) ;; *) exec '${npm}' "$@" ;; esac`,
    'began=$(date +%s)',
    `'${npm}' "$@"; code=$?`,
    `echo $(($(date +%s) - began)) >> '${installations}'`,
    'exit $code',
  ];
  writeFileSync(join(commands, 'npm'), `${script.join('\n')}\n`, { mode: 0o755 });
}

/** @throws Error when nothing was installed: then it was not measured */
function installingSeconds() {
  const lines = readFileSync(installations, 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + Number(line), 0);
}

async function measure() {
  const began = performance.now();
  // Of two processors, as a server and what asks it take them.
  slowness.push(await machineSlowness(1, 2));
  measuringMs += performance.now() - began;
}

/** Types into a shell, and goes on whether it went well or not. */
async function part(name, cwd, input) {
  await measure();
  const began = seconds();
  console.log(`\n== ${name} (${began} s)`);
  try {
    const user = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : [];
    const [command, ...args] = [...user, 'bash'];
    run(command, args, { cwd, env: environment, input: `${input()}\n`, stdio: ['pipe', 'inherit', 'inherit'] });
    console.log(`== ${name}: ${seconds() - began} s`);
  } catch (error) {
    failures.push(`${name}: ${error.message}`);
  }
}

/** A page whose commands are typed inside of an instance with a cluster. */
function inside(blocks, kustody) {
  return typed([{ code: `${kustody} run --seed -- bash`, exit: 0 }, ...blocks, { code: 'exit', exit: 0 }], kustody);
}

/** What the page says for those without a clone. A shell's `kill %1` ends npx, and not what it has started. */
function withoutClone(page) {
  const said = page.replaceAll('npm run quickstart', 'npx --no-install kustody article');
  return blocksOf(said.replaceAll('node bin/kustody.cjs', 'node_modules/.bin/kustody'));
}

/** Ends what is still started from here. @returns its command lines */
function leftRunning() {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const command = readFileSync(join('/proc', entry, 'cmdline'), 'utf8').replaceAll('\0', ' ');
      if (!command.includes(`${directory}/`)) return [];
      process.kill(Number(entry), 'SIGKILL');
      return [command.trim()];
    } catch {
      return []; // It has gone by now.
    }
  });
}

/** The packages that the page names, at the versions that are tested here: what others publish today must not fail a change of ours. */
function withVersions({ code, exit }) {
  const { devDependencies } = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8'));
  const word = (name) => (name in devDependencies ? `${name}@${devDependencies[name]}` : name);
  return { code: code.replaceAll(/(?<=^npm install .*)(?<= )[@\w/-]+(?=\s)/gm, word), exit };
}

function run(command, args, options = {}) {
  const { status, error, stdout } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  });
  if (status !== 0)
    throw new Error(error?.message ?? `'${[command, ...args].slice(0, 2).join(' ')}' ended with ${status}`);
  return stdout ?? '';
}
