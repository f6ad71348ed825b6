import { keptText } from './kept-target.ts';

/** What may be seen of a plane's bodies, once somebody asks for bodies: rows, and what no row names is hidden. */
export interface BodyRules {
  /** Members whose texts and numbers are shown; of a list those of its items. */
  readonly shown: ReadonlySet<string>;
  /** Members below which nothing is shown, whatever it is called there. */
  readonly closed?: ReadonlySet<string>;
  /** Texts that are shown in a form of their own. */
  readonly changed?: Readonly<Record<string, (text: string) => string>>;
  /** `errors`: of answers only those from status 400 on. Default: all. */
  readonly answers?: 'all' | 'errors';
}

/** A body as it is shown. */
export interface SeenBody {
  readonly bytes: number;
  /** JSON, or a form, with `…` for what is hidden. Missing: too long to be kept, or neither. */
  readonly text?: string;
}

/** Of a body that is longer nothing is kept. */
export const seenBytesMax = 32 * 1024;
const depthMax = 40;
const hidden = '…';
/** What a member is called in an API, or the id of a resource, which dictionaries have for names. */
const plainName = /^(?:[$@A-Za-z_][\w.@-]{0,63}|\/subscriptions\/[\w./-]{1,300})$/;

/** @param contentType of the request or answer */
export function seenBody(bytes: Uint8Array, contentType: string, rules: BodyRules): SeenBody {
  const text = bytes.byteLength > seenBytesMax ? undefined : shownText(bytes, contentType, rules);
  return { bytes: bytes.byteLength, ...(text === undefined ? {} : { text }) };
}

function shownText(bytes: Uint8Array, contentType: string, rules: BodyRules): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return shownForm(text, rules);
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  return JSON.stringify(shown(value, undefined, rules, depthMax));
}

/** JSON within a text of JSON, by the same rows. */
export function shownJson(text: string, rules: BodyRules): string {
  return shownText(Buffer.from(text), '', rules) ?? hidden;
}

const shownForm = (text: string, rules: BodyRules): string =>
  [...new URLSearchParams(text)]
    .map(([name, value]) => `${nameShown(name)}=${String(shown(value, name, rules, depthMax))}`)
    .join('&');

/** @param name of the member that holds it */
function shown(value: unknown, name: string | undefined, rules: BodyRules, depth: number): unknown {
  // They tell no secret, and much of what was meant.
  if (value === null || typeof value === 'boolean') return value;
  if (depth === 0) return hidden;
  if (Array.isArray(value)) return value.map((item: unknown) => shown(item, name, rules, depth - 1));
  if (typeof value === 'object') {
    const isClosed = name !== undefined && rules.closed?.has(name) === true;
    return isClosed ? hidden : Object.fromEntries(membersOf(value, rules, depth));
  }
  if (name === undefined) return hidden;
  const change = rules.changed !== undefined && Object.hasOwn(rules.changed, name) ? rules.changed[name] : undefined;
  if (typeof value === 'string' && change !== undefined) return keptText(change(value));
  if (!rules.shown.has(name)) return hidden;
  return typeof value === 'string' ? keptText(value) : value;
}

function* membersOf(value: object, rules: BodyRules, depth: number): Generator<readonly [string, unknown]> {
  let unnamed = 0;
  for (const [name, member] of Object.entries(value)) {
    const told = nameShown(name);
    if (told === hidden) unnamed += 1;
    yield [told === hidden && unnamed > 1 ? `${hidden}${unnamed}` : told, shown(member, name, rules, depth - 1)];
  }
}

const nameShown = (name: string): string => (plainName.test(name) && keptText(name) === name ? name : hidden);
