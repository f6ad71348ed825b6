// Ends with 0 when Kustody serves on this machine: asks /readyz over TLS, trusting the root certificate in the data directory.
'use strict';
const { readFileSync } = require('node:fs');
const { request } = require('node:https');
const { join } = require('node:path');

const directory = process.env.KUSTODY_DATA_DIR ?? '/data';
try {
  const { port } = JSON.parse(readFileSync(join(directory, 'control.json'), 'utf8'));
  const ca = readFileSync(join(directory, 'ca.pem'));
  const address = { host: '127.0.0.1', port, servername: 'localhost', headers: { host: 'localhost' }, path: '/readyz' };
  request({ ...address, ca, timeout: 4_000 }, ({ statusCode }) =>
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
