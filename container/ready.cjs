// Ends with 0 when Kustody serves on this machine, or passes connections on to a node that does: asks /readyz over TLS, trusting the root
// certificate in the data directory. A node that stands by has none before it has served: it is asked without, and told nothing.
'use strict';
const { existsSync, readFileSync } = require('node:fs');
const { request } = require('node:https');
const { join } = require('node:path');

const directory = process.env.KUSTODY_DATA_DIR ?? '/data';
try {
  const [file, ca] = ['control.json', 'ca.pem'].map((name) => join(directory, name));
  const serves = existsSync(file) || !existsSync(join(directory, 'standby.json'));
  const { port } = JSON.parse(readFileSync(serves ? file : join(directory, 'standby.json'), 'utf8'));
  const trust = serves || existsSync(ca) ? { ca: readFileSync(ca) } : { rejectUnauthorized: false };
  const address = { host: '127.0.0.1', port, servername: 'localhost', headers: { host: 'localhost' }, path: '/readyz' };
  request({ ...address, ...trust, timeout: 4_000 }, ({ statusCode }) =>
    end(statusCode === 200 ? undefined : `/readyz answers ${statusCode}`),
  )
    .on('timeout', () => end('/readyz does not answer'))
    .on('error', ({ message }) => end(message))
    .end();
} catch (error) {
  end(error.message);
}

function end(problem) {
  if (problem !== undefined) console.error(problem);
  process.exit(problem === undefined ? 0 : 1);
}
