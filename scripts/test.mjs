// npm test: of the test files that take long some, drawn anew each time. KUSTODY_CASES=all has all of them, as in CI, and so has whoever
// names what is to be run.
import { randomInt } from 'node:crypto';

const words = process.argv.slice(2);
if (words.every((word) => word.startsWith('-'))) process.env.KUSTODY_CASES ??= 'few';
process.env.KUSTODY_SEED ??= String(randomInt(2 ** 31)); // before Vitest reads which files there are
process.argv.splice(2, words.length, 'run', ...words);
await import('../node_modules/vitest/vitest.mjs');
