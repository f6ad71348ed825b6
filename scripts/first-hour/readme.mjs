import { typed } from '../page-script.mjs';

/** README.md, by what its blocks begin with. A block that is not named here fails: nobody would know whether it works. */
const blocksKnown = [
  ['npm run quickstart', 'played'],
  ['npm test', 'a step of its own in .ci/run'],
  ['node bin/kustody.cjs run -- npm test', 'played'],
  ['kustody status', 'played'],
  ['import { startKustody }', 'a test of kustody/testing'],
];

/** What somebody types who goes through README.md from top to bottom in a clone.
 * @param {string} readme
 * @param {string} kustody the command
 * @returns {string} */
export function readmeScript(readme, kustody) {
  const blocks = [...readme.matchAll(/^```\w*\n(.*?)^```$/gms)].map(([, code]) => code);
  const strange = blocks.filter((code) => !blocksKnown.some(([begin]) => code.startsWith(begin)));
  if (strange.length > 0) throw new Error(`README.md has a block that nobody plays:\n${strange[0]}`);
  if (blocks.length !== blocksKnown.length) throw new Error('README.md has fewer blocks than are played.');
  const [, , ways = '', within = ''] = blocks;
  const [one = '', shell = '', up = '', env = ''] = ways
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s+#.*$/, ''));
  // `npm test` stands for the user's own tests: these are two.
  const own = one.replace('npm test', 'npm run --silent types -- --version');
  const steps = [`${own}\n`, `${shell}\n`, within, 'exit\n', `${up} &\n`, `${env}\nkill %1\n`];
  return typed(
    steps.map((code) => ({ code, exit: 0 })),
    kustody,
  );
}
