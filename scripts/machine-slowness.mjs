import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a process of `work` takes from its start to its end on two cores of 2025 with Node.js 20 and nothing beside it. */
const usualMs = 400;

/** How slow this machine is just now, by work that never changes: starts processes that compile scripts, sign, and build and hash text, as
 * a Kustody does when it starts. Nothing of the product is in it: when that gets slower, this does not.
 * @param {number} [times] processes one after the other
 * @param {number} [atOnce] so many of such rows beside each other
 * @returns {Promise<number>} 1 where all takes the time for which bounds in tests and counts of `.ci/run` were chosen, 2 where it takes twice
 * as long */
export async function machineSlowness(times = 1, atOnce = 1) {
  const started = performance.now();
  const row = async () => {
    for (let done = 0; done < times; done += 1)
      await promisify(execFile)(process.execPath, ['-e', `(${work})(require)`], { env: {} });
  };
  await Promise.all(Array.from({ length: atOnce }, row));
  return (performance.now() - started) / times / usualMs;
}

/** Runs from its text, in a process of its own. */
function work(require) {
  const { createHash, createSign, generateKeyPairSync } = require('node:crypto');
  const { runInThisContext } = require('node:vm');
  const functions = Array.from(
    { length: 1_500 },
    (_, index) =>
      `function f${index}(a, b) { const c = { a, b, n: ${index} }; return c.n % 7 === 0 ? [c.a, ...c.b] : c.b; }`,
  );
  for (let round = 0; round < 4; round += 1) {
    const calls = functions.map((_, index) => `f${index}(${index + round}, [1, 2])`).join(';');
    runInThisContext(`(() => { ${functions.join(' ')} ${calls} })()`);
  }
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (let round = 0; round < 60; round += 1) createSign('sha256').update(String(round)).sign(privateKey);
  const rows = Array.from({ length: 40_000 }, (_, index) => ({
    id: index,
    name: `row ${index % 97}`,
    at: [index, index / 3],
  }));
  createHash('sha256')
    .update(JSON.stringify(JSON.parse(JSON.stringify(rows))))
    .digest();
}
