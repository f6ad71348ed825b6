import { RecentMap } from '../base/recent-map.ts';

/** Names of query parameters whose values are kept: they choose an operation, and are nobody's data and no proof of access. */
const keptParameters: ReadonlySet<string> = new Set(['api-version', 'comp', 'restype', 'maxresults', '$top']);
/** A version, an operation or a number. */
const keptValue = /^[a-z\d][a-z\d.-]{0,31}$/i;
const parameterName = /^[$\w.-]{1,24}$/;
/** A parameter put into the path (also percent-encoded), what is in front of an `@`, a signed token, or one too long for a name. */
const hiddenSegment = /[=;]|%3[bdf]|eyJ[\w-]{8}|[\w.~+-]{100}|:.*@|%3a.*(?:@|%40)/i;

const segmentIsLong = 100;

const charsRead = 2_000;
const pathCharsMax = 500;
const parametersMax = 12;

/** Of late, those that are kept as they were sent: nothing that must be hidden is in here. */
const keptAsSent = new RecentMap<string, string>(256);

/** What is kept of a request's target (path and query as sent): the path, names of parameters, and of few parameters the values; `…` stands for
 * what is not. `/keys/k?api-version=7.4&sig=abc` is `/keys/k?api-version=7.4&sig=…`. */
export function keptTarget(url: string): string {
  const known = keptAsSent.get(url);
  if (known !== undefined) return known;
  const kept = keptOf(url);
  if (kept === url) keptAsSent.set(url, kept);
  return kept;
}

function keptOf(url: string): string {
  const read = url.slice(0, charsRead);
  const sent = read.startsWith('/') ? read : read.replace(/^[^/?#]*(?:\/\/[^/?#]*)?/, '');
  const [target = ''] = sent.split('#', 1);
  const end = target.indexOf('?');
  if (end < 0) return keptPath(target);
  const parameters = target.slice(end + 1).split('&', parametersMax + 1);
  const kept = parameters.slice(0, parametersMax).map(keptParameter);
  return `${keptPath(target.slice(0, end))}?${kept.join('&')}${parameters.length > parametersMax ? '&…' : ''}`;
}

/** Most paths are, and cost no more than one look. */
const isPlain = (path: string): boolean => path.length < segmentIsLong && !/[=;@%]/.test(path) && !path.includes('eyJ');

function keptPath(path: string): string {
  if (isPlain(path)) return path;
  const kept = path
    .split('/')
    .map((segment) => (isPlain(segment) || !hiddenSegment.test(segment) ? segment : '…'))
    .join('/');
  return kept.length > pathCharsMax ? `${kept.slice(0, pathCharsMax)}…` : kept;
}

function keptParameter(parameter: string): string {
  const at = parameter.indexOf('=');
  // What has no name may be a value.
  if (at < 0) return parameter === '' || keptParameters.has(parameter.toLowerCase()) ? parameter : '…';
  const [name, value] = [plainName(parameter.slice(0, at)), parameter.slice(at + 1)];
  const isKept = keptParameters.has(name.toLowerCase()) && keptValue.test(value);
  return `${parameterName.test(name) ? name : '…'}=${isKept ? value : '…'}`;
}

/** Some of Azure's own SDKs send `api%2Dversion`. */
const plainName = (name: string): string =>
  name.replace(/%([2-7][\da-f])/gi, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));

const messageCharsMax = 500;
const secretInText = /eyJ[\w-]{8,}[\w.-]*|\b(?:sig|code|token|secret|password|client_secret|accountkey)=[^\s&'";,]+/gi;

/** @returns the text with `…` for what looks like a secret */
export const keptText = (text: string): string => text.replace(secretInText, '…');

/** @param text of an error that was answered */
export const keptMessage = (text: string): string => {
  const hidden = keptText(text.slice(0, charsRead));
  return hidden.length > messageCharsMax ? `${hidden.slice(0, messageCharsMax)}…` : hidden;
};
