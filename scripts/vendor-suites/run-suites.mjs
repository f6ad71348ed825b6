// Inside `kustody run`: runs suites at once, each in a process of its own, for they wait most of the time.
//   node run-suites.mjs FOLDER OUT SUITE…       one more process for each
//   node run-suites.mjs FOLDER OUT --one SUITE   writes OUT/SUITE.json
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, out, ...rest] = process.argv.slice(2);
if (rest[0] === '--one') runOne(rest[1]);
else {
  const env = {
    ...process.env,
    AZURE_CLIENT_ID: process.env.KUSTODY_PRINCIPAL_SUITES_CLIENT_ID,
    AZURE_CLIENT_SECRET: process.env.KUSTODY_PRINCIPAL_SUITES_CLIENT_SECRET,
    KEYVAULT_NAME: 'kustody-suites',
    TEST_MODE: 'live',
  };
  const ended = rest.map(async (suite) => {
    const one = [import.meta.filename, folder, out, '--one', suite];
    const child = spawn(process.execPath, one, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    const [status] = await once(child, 'exit');
    if (status !== 0) throw new Error(`${suite} could not be run (${status})`);
  });
  await Promise.all(ended);
}

function runOne(suite) {
  const Mocha = createRequire(join(folder, 'package.json'))('mocha');
  const mocha = new Mocha({ reporter: function nothing() {}, timeout: 120_000 });
  const built = join(folder, 'built', suite);
  for (const name of readdirSync(built).toSorted()) mocha.addFile(join(built, name));
  const seen = [];
  const note = (outcome) => (test, error) => {
    const message = error === undefined ? {} : { message: String(error.message).slice(0, 300) };
    seen.push({ title: test.fullTitle(), outcome, ...message });
  };
  // What fails before or after a test is told under a title of its own.
  const runner = mocha.run(() => {
    writeFileSync(join(out, `${suite}.json`), JSON.stringify(seen));
    process.exit(); // what the clients keep open does not hold it
  });
  runner.on('pass', note('passed')).on('fail', note('failed')).on('pending', note('skipped'));
}
