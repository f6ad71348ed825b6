// Recorders and the tools that read their files leave out or change what was on the wire. What can be told for sure is put right
// before a recording is played; how answers are compared stays as it is. docs/fidelity.md lists these with their reasons.

/** Longer values cannot be looked for by the comparison, which makes a regular expression of what it has learned. */
const longestValue = 32_000;
const shortenedTo = 1_000;
/** How far apart two requests were at least for the client to have waited in between. Times are whole seconds. */
const apartMs = 2_000;

/** What is put right, for people. */
export const mendings = [
  [
    'Requests about deployments have the names that their answers show.',
    'The Azure CLI’s recorder replaced them in requests and left them in answers.',
  ],
  [
    'A body of a 204 is left out.',
    'No answer of status 204 has a body (RFC 9110, 15.3.5); recorders write an empty one as `[]`.',
  ],
  [
    `Of a value longer than ${String(longestValue)} characters, in requests and answers alike, the first ${String(shortenedTo)} are kept.`,
    'Backups of certificates: the comparison cannot look for values as long as these, and compares them by their form in any case.',
  ],
  [
    'Of requests within one second, one that finds a deleted object goes before the one that purges or recovers it.',
    'One recorder kept answers by request; the times by which they were ordered again are whole seconds.',
  ],
  [
    'Before a request that succeeded two seconds or later after a deletion, recovery or purge, a moment passes too.',
    'In Azure these take seconds, and here one. Most of the looks in between are not played, so that the last one would come at once.',
  ],
];

/** @param pairs [{ method, url, reqHeaders, reqBody, status, respHeaders, respBody }], as recorded
 * @returns the same, put right; a request before which time passes has the header `prefer: wait` */
export function mendRecording(pairs) {
  return withWaits(inOrder(pairs.map((pair) => withoutBodyOf204(shortened(pair)))));
}

const withoutBodyOf204 = (pair) => (pair.status === 204 && pair.respBody === '[]' ? { ...pair, respBody: '' } : pair);

function shortened(pair) {
  const cut = (text) =>
    text.replaceAll(/[\w\-+/=]+/g, (value) => (value.length > longestValue ? value.slice(0, shortenedTo) : value));
  const isLong = (text) => typeof text === 'string' && text.length > longestValue;
  if (!isLong(pair.reqBody) && !isLong(pair.respBody)) return pair;
  return { ...pair, reqBody: cut(pair.reqBody), respBody: cut(pair.respBody) };
}

const timeOf = (pair) => Date.parse(pair.respHeaders.date ?? '');

/** Which object of a vault a request is about. @returns `{ deleted, collection, id }`; undefined for others */
function objectOf({ url }) {
  const found = /^https:\/\/([^/]+\.vault[^/]*)\/+(deleted)?(keys|secrets|certificates)\/([^/?]+)(\/[^?]*)?/i.exec(url);
  if (found === null) return undefined;
  const [, host, deleted, collection, name, rest = ''] = found;
  if (name.toLowerCase() === 'restore') return { isRestore: true, id: `${host}/${collection}`.toLowerCase() };
  return {
    isDeleted: deleted !== undefined,
    isRecovery: deleted !== undefined && /^\/recover$/i.test(rest),
    id: `${host}/${collection}/${name}`.toLowerCase(),
  };
}

function inOrder(pairs) {
  const ordered = [];
  for (const pair of pairs) {
    const object = objectOf(pair);
    let at = ordered.length;
    if (object?.isDeleted && pair.method === 'GET' && pair.status === 200) {
      for (let before = at - 1; before >= 0 && timeOf(ordered[before]) === timeOf(pair); before -= 1) {
        const other = objectOf(ordered[before]);
        const ends = other?.isDeleted && (ordered[before].method === 'DELETE' || other.isRecovery);
        if (ends && other.id === object.id && ordered[before].status < 300) at = before;
      }
    }
    ordered.splice(at, 0, pair);
  }
  return ordered;
}

function withWaits(pairs) {
  const begun = new Map();
  return pairs.map((pair) => {
    const object = objectOf(pair);
    if (object === undefined) return pair;
    const ids = object.isRestore ? [...begun.keys()].filter((id) => id.startsWith(`${object.id}/`)) : [object.id];
    const isLater = pair.status < 300 && ids.some((id) => timeOf(pair) - begun.get(id) >= apartMs);
    if (pair.status < 300 && (pair.method === 'DELETE' || object.isRecovery)) begun.set(object.id, timeOf(pair));
    return !isLater ? pair : { ...pair, reqHeaders: { ...pair.reqHeaders, prefer: 'wait' } };
  });
}
