// Puts right, in a copy, what the recorders did to recordings, and sets apart what is about resources of services that are not here.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { mendRecording } from './fidelity/mend-recordings.mjs';

export const graphHost = 'graph.microsoft.com';

/** What azure-cli's recorder writes for the name of every deployment in requests; answers keep the real one. */
const mockName = 'mock-deployment';
const mocked = /\/deployments\/mock-deployment(?=[/?]|$)/i;

/** Fills `to` with the recordings of `from`.
 * @param {string} from
 * @param {string} to
 * @param {readonly { type: string }[]} notHere resource types, or what their names begin with
 * @returns {Map<string, number>} how many answers were set apart, by resource type */
export function prepareRecordings(from, to, notHere) {
  const apart = new Map();
  for (const name of readdirSync(from).filter((each) => each.endsWith('.json.gz'))) {
    const recording = JSON.parse(gunzipSync(readFileSync(join(from, name))));
    const pairs = mendRecording(withoutForeign(withNames(recording.pairs), notHere, apart));
    writeFileSync(join(to, name), gzipSync(JSON.stringify({ ...recording, pairs }), { level: 1 }));
  }
  return apart;
}

/** What a recording asks of Microsoft Graph.
 * @param {string} recording a file
 * @returns {{ index: number, pair: object }[]} with its place among all pairs */
export function graphPairs(recording) {
  const { pairs } = JSON.parse(gunzipSync(readFileSync(recording)));
  return pairs.flatMap((pair, index) => (new URL(pair.url).hostname === graphHost ? [{ index, pair }] : []));
}

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // relaxed JSON, or none
  }
};

/** Each request under the name that its answer shows; those whose answers show none under that of their operation, or the one before. */
function withNames(pairs) {
  const byOperation = new Map();
  for (const { respHeaders } of pairs) {
    const found = /\/deployments\/([^/?]+)\/operationStatuses\/(\d+)/i.exec(respHeaders['azure-asyncoperation'] ?? '');
    if (found !== null) byOperation.set(found[2], found[1]);
  }
  let last = mockName;
  return pairs.map((pair) => {
    if (!mocked.test(pair.url)) return pair;
    const answer = parsed(pair.respBody);
    const operation = /\/operationStatuses\/(\d+)/i.exec(pair.url)?.[1];
    const shown = answer?.type === 'Microsoft.Resources/deployments' ? answer.name : undefined;
    last = shown ?? byOperation.get(operation) ?? last;
    return { ...pair, url: pair.url.replace(mocked, `/deployments/${last}`) };
  });
}

/** A deployment is about what its template makes. */
function withoutForeign(pairs, notHere, apart) {
  const foreignIn = (text) => notHere.find(({ type }) => text.toLowerCase().includes(type.toLowerCase()))?.type;
  const aboutOf = ({ url }) =>
    /\/providers\/Microsoft\.Resources\/deployments\/[^/?]+/i.exec(url)?.[0] ??
    /\/deployments\/[^/?]+(?=\/operations)/i.exec(url)?.[0].replace(/^/, '/providers/Microsoft.Resources');
  const deployments = new Map();
  for (const pair of pairs) {
    const about = aboutOf(pair);
    const text = `${pair.reqBody}${pair.respBody}`;
    const type =
      foreignIn(text) ??
      foreignIn(text.replaceAll(/"namespace":"([^"]+)","resourceTypes":\[\{"resourceType":"/g, '$1/'));
    if (about !== undefined && type !== undefined) deployments.set(about, type);
  }
  return pairs.filter((pair) => {
    const about = aboutOf(pair);
    const type =
      about === undefined
        ? (foreignIn(decodeURIComponent(pair.url.split('?')[0])) ??
          (/\/operationresults\//i.test(pair.url) ? foreignIn(pair.respBody) : undefined))
        : deployments.get(about);
    if (type !== undefined) apart.set(type, (apart.get(type) ?? 0) + 1);
    return type === undefined;
  });
}
