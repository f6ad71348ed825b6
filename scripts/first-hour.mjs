// Plays README.md and docs/tutorial.md as written, in a fresh clone and as a user without rights, and says how long it took.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blocksOf, typed } from './page-script.mjs';

const secondsMax = 180;
const root = join(import.meta.dirname, '..');
/** Whom nothing belongs to, on Debian and elsewhere. */
const nobody = 65534;

const directory = mkdtempSync(join(tmpdir(), 'kustody-first-hour-'));
const [home, clone] = [join(directory, 'home'), join(directory, 'kustody')];
const isRoot = process.getuid?.() === 0;

/** Of the environment only what a new user has, and where packages come from. */
const kept =
  /^(PATH|LANG|LC_.*|TERM|CI|npm_config_registry|NPM_CONFIG_REGISTRY|https?_proxy|HTTPS?_PROXY|NODE_EXTRA_CA_CERTS)$/;
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name))),
  HOME: home,
  TMPDIR: home,
};

/** README.md, by what its blocks begin with. A block that is not named here fails: nobody would know whether it works. */
const readme = [
  ['npm run quickstart', 'played'],
  ['npm test', 'a step of its own in .ci/run'],
  ['node bin/kustody.cjs run -- npm test', 'played'],
  ['kustody status', 'played'],
  ['import { startKustody }', 'a test of kustody/testing'],
];

try {
  mkdirSync(home);
  git('clone', '--quiet', root, clone);
  if (isRoot) {
    chmodSync(directory, 0o755);
    chownSync(home, nobody, nobody);
    must('chown', ['-R', `${nobody}:${nobody}`, clone]);
  }
  const start = performance.now();
  const seconds = () => Math.round((performance.now() - start) / 1000);
  play('docs/tutorial.md', typed(blocksOf(read('docs/tutorial.md')), 'node bin/kustody.cjs'));
  console.log(`\n== docs/tutorial.md: ${seconds()} s`);
  play('README.md', readmeScript());
  console.log(`\n== README.md: ${seconds()} s in all`);
  if (seconds() > secondsMax) throw new Error(`It took ${seconds()} s; ${secondsMax} are allowed.`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function read(name) {
  return readFileSync(join(clone, name), 'utf8');
}

function git(...args) {
  must('git', ['-c', 'safe.directory=*', ...args]);
}

function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', ...options });
  if (status !== 0) throw new Error(error?.message ?? `'${command} ${args[0]}' ended with ${status}.`);
}

/** Types into a shell in the clone. */
function play(name, input) {
  console.log(`\n== ${name}`);
  const user = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : [];
  const [command, ...args] = [...user, 'bash'];
  must(command, args, { cwd: clone, env: environment, input: `${input}\n`, stdio: ['pipe', 'inherit', 'inherit'] });
}

function readmeScript() {
  const blocks = [...read('README.md').matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, code]) => code);
  const begins = blocks.map((code) => readme.find(([begin]) => code.startsWith(begin)));
  const strange = blocks.filter((_, index) => begins[index] === undefined);
  if (strange.length > 0) throw new Error(`README.md has a block that nobody plays:\n${strange[0]}`);
  if (blocks.length !== readme.length) throw new Error('README.md has fewer blocks than are played.');
  const [, , ways = '', inside = ''] = blocks;
  const [one = '', shell = '', up = '', env = ''] = ways
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''));
  // `npm test` stands for the user's own tests: these are two.
  const own = one.replace('npm test', 'npm run --silent types -- --version');
  const steps = [`${own}\n`, `${shell}\n`, inside, 'exit\n', `${up} &\n`, `${env}\nkill %1\n`];
  return typed(
    steps.map((code) => ({ code, exit: 0 })),
    'node bin/kustody.cjs',
  );
}
