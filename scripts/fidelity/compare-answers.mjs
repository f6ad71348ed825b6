// How an answer of Microsoft Graph differs from the recorded one. Ids and times are compared by their form.

const guid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?/g;
/** What clients read; the others are about the connection and the caches between. */
const headers = ['content-type', 'location', 'retry-after', 'www-authenticate', 'cache-control'];
/** Of an error: these are of the one request. */
const ofTheRequest = new Set(['request-id', 'client-request-id', 'date']);

const formOf = (text) => text.replaceAll(guid, '<guid>').replaceAll(time, '<time>');
const isObject = (value) => typeof value === 'object' && value !== null;
const kindOf = (value) => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

/** @typedef {{ status: number, headers: Record<string, string>, body: string }} Answer
 * @param {Answer} recorded with this instance's names in the place of the recorded ones
 * @param {Answer} actual
 * @returns {{ kind: string, at: string, rec: string, act: string }[]} nothing when a client sees no difference */
export function compareAnswers(recorded, actual) {
  const found = [];
  if (recorded.status !== actual.status) add('status', 'status', recorded.status, actual.status);
  for (const name of headers) {
    const [rec = '', act = ''] = [recorded.headers[name], actual.headers[name]].map((text) => formOf(text ?? ''));
    if (rec !== act) add(act === '' ? 'header-missing' : 'header-value', name, rec, act);
  }
  compare(parsed(recorded.body), parsed(actual.body), '');
  return found;

  function add(kind, at, rec, act) {
    found.push({ kind, at, rec: textOf(rec), act: textOf(act) });
  }

  function compare(rec, act, at) {
    if (kindOf(rec) !== kindOf(act)) {
      add(act === undefined ? 'missing' : rec === undefined ? 'more' : 'type', at, rec, act);
    } else if (Array.isArray(rec)) {
      if (rec.length !== act.length) add('array-length', at, rec.length, act.length);
      rec.slice(0, act.length).forEach((item, index) => compare(item, act[index], `${at}[]`));
    } else if (isObject(rec)) {
      const names = new Set([...Object.keys(rec), ...Object.keys(act)].filter((name) => !ofTheRequest.has(name)));
      for (const name of names) compare(rec[name], act[name], `${at}.${name}`);
    } else if (textOf(rec) !== textOf(act)) {
      add('value', at, rec, act);
    }
  }
}

const textOf = (value) => formOf(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

/** @returns {unknown} the text itself where it is no JSON, undefined where it is empty */
function parsed(text) {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
