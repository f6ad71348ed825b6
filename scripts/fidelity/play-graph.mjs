// Plays what a recording asks of Microsoft Graph into the instance behind HTTPS_PROXY, and adds to its results how the answers compare:
// the player that the recordings bring leaves Graph out. Lines are as that one writes them, so that its summary counts them.
//   node bin/kustody.cjs run -- node scripts/fidelity/play-graph.mjs RECORDING.json.gz RESULTS.jsonl
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { basename } from 'node:path';
import tls from 'node:tls';
import { URLSearchParams } from 'node:url';
import { graphHost, graphPairs } from '../recordings.mjs';
import { compareAnswers } from './compare-answers.mjs';

const domain = /@[a-z0-9-]+\.onmicrosoft\.com/gi;
const guid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

await play(process.argv[2], process.argv[3]);

async function play(recording, results) {
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, KUSTODY_USERNAME = '' } = process.env;
  const form = { grant_type: 'client_credentials', client_id: AZURE_CLIENT_ID, client_secret: AZURE_CLIENT_SECRET };
  const signIn = new URLSearchParams({ ...form, scope: `https://${graphHost}/.default` }).toString();
  const asForm = { 'content-type': 'application/x-www-form-urlencoded' };
  const given = await ask('POST', `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, asForm, signIn);
  const authorization = `Bearer ${JSON.parse(given.body).access_token}`;
  /** What was made here, by what was made when it was recorded. */
  const known = new Map();
  const here = (text) =>
    [...known].reduce(
      (all, [recorded, made]) => all.replaceAll(recorded, made),
      text.replaceAll(domain, KUSTODY_USERNAME.slice(KUSTODY_USERNAME.indexOf('@'))),
    );
  for (const { index, pair } of graphPairs(recording)) {
    const { pathname } = new URL(pair.url);
    const asked = { authorization, 'content-type': 'application/json' };
    const actual = await ask(pair.method, here(pair.url.replaceAll('%40', '@')), asked, here(pair.reqBody));
    learn(known, pair.respBody, actual.body);
    const recorded = { status: pair.status, headers: pair.respHeaders, body: here(pair.respBody) };
    const diffs = compareAnswers(recorded, actual);
    const line = {
      ...{ file: recording, index, service: 'Graph', op: `${pair.method} ${opOf(pathname)}`, api: '' },
      ...{ method: pair.method, url: pair.url, recStatus: pair.status, actStatus: actual.status },
      ...(actual.status === 501
        ? { verdict: 'not built' }
        : { verdict: diffs.length > 0 ? 'differs' : 'equal', diffs }),
    };
    appendFileSync(results, `${JSON.stringify(line)}\n`);
  }
  console.log(`${basename(recording)}: Graph`);
}

/** Words are those of Graph; the others are names. */
function opOf(pathname) {
  const isName = (segment) => !/^(?:|v1\.0|[a-z]+)$/i.test(segment);
  return pathname
    .split('/')
    .map((segment) => (isName(segment) ? '{n}' : segment))
    .join('/');
}

/** Ids that the service made up, as they stand in both answers at the same place. */
function learn(known, recorded, made) {
  const walk = (a, b) => {
    if (typeof a === 'string' && typeof b === 'string' && guid.test(a) && guid.test(b)) known.set(a, b);
    if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return;
    for (const name of Object.keys(a)) walk(a[name], b[name]);
  };
  if (recorded !== '' && made !== '') walk(JSON.parse(recorded), JSON.parse(made));
}

/** One request through the proxy. */
async function ask(method, url, headers, body) {
  const proxy = new URL(process.env.HTTPS_PROXY);
  const { hostname, pathname, search } = new URL(url);
  const tunnel = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: `${hostname}:443` });
  const socket = await new Promise((resolve, reject) => {
    tunnel.on('connect', (answer, raw) =>
      answer.statusCode === 200 ? resolve(raw) : reject(new Error(`the proxy: ${String(answer.statusCode)}`)),
    );
    tunnel.on('error', reject).end();
  });
  const createConnection = () => tls.connect({ socket, servername: hostname });
  return new Promise((resolve, reject) => {
    const request = https.request({ method, hostname, path: `${pathname}${search}`, headers, createConnection });
    request.on('response', async (answer) => {
      const chunks = await answer.toArray();
      socket.destroy();
      resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString() });
    });
    request.on('error', reject).end(body);
  });
}
