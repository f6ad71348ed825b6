import type { KqlType } from '../../plan/types.ts';
import type { NativeValue } from '../../sql/native.ts';
import { jsTermPattern } from '../../functions/terms.ts';
import { toType } from '../convert-value.ts';
import { foldedText, lowerText, reversedText, upperText } from '../../values/letters.ts';
import { compareTexts } from '../numbers.ts';
import type { Evaluated, RowFunction, RowFunctionTable } from '../row-function.ts';
import { allAsJson, as, callNative, fixed, refused, textAs, viaNative } from '../row-function.ts';
import { negated } from './compare.ts';

const folded =
  (test: (text: string, needle: string) => boolean) =>
  (text: string, needle: string): boolean =>
    test(foldedText(text), foldedText(needle));
const contains = (text: string, needle: string): boolean => text.includes(needle);
const starts = (text: string, needle: string): boolean => text.startsWith(needle);
const ends = (text: string, needle: string): boolean => text.endsWith(needle);
const same = (text: string, needle: string): boolean => text === needle;
const term =
  (match: 'has' | 'hasprefix' | 'hassuffix', caseSensitive: boolean) =>
  (text: string, needle: string): boolean =>
    needle === '' || jsTermPattern(needle, match, caseSensitive).test(text);

/** Two operators: the test of two texts, and with `!` before its name the opposite. */
const tests: Readonly<Record<string, (text: string, needle: string) => boolean>> = {
  has: term('has', false),
  has_cs: term('has', true),
  hasprefix: term('hasprefix', false),
  hasprefix_cs: term('hasprefix', true),
  hassuffix: term('hassuffix', false),
  hassuffix_cs: term('hassuffix', true),
  contains: folded(contains),
  contains_cs: contains,
  startswith: folded(starts),
  startswith_cs: starts,
  endswith: folded(ends),
  endswith_cs: ends,
};
const textTest = (test: (text: string, needle: string) => boolean): RowFunction => ({
  run: ([a, b]) => test(textAs(a), textAs(b)),
});

/** `has_any (…)`, `has_all (…)`: values, arrays of them. */
const several = (mode: 'OR' | 'AND'): RowFunction => ({
  run: ([left, ...needles], call) => {
    const text = textAs(left);
    const results = needles.map((needle): NativeValue => {
      if (needle.expression.k === 'table') throw refused(call, ' over a table');
      if (needle.type === 'dynamic') return callNative('terms', [text, needle.value, mode]);
      return term('has', false)(text, textAs(needle));
    });
    const decisive = mode === 'OR';
    if (results.includes(decisive)) return decisive;
    return results.length === 0 ? false : results.includes(null) ? null : !decisive;
  },
});

const bytesOf = (text: string): bigint => BigInt(Buffer.byteLength(text, 'utf8'));

const ofText = (run: (text: string) => string): RowFunction => fixed(['string'], 'string', run);
const regexMatches = viaNative('matches_regex', 'bool', ['string', 'string']);
const replaceRegex = viaNative('replace_regex', 'string', ['string', 'string', 'string']);
const present = (...args: readonly (Evaluated | undefined)[]): Evaluated[] =>
  args.filter((argument) => argument !== undefined);
const extractAll: RowFunction = {
  result: 'dynamic',
  run: ([pattern, second, third]) =>
    callNative('extract_all', [textAs(pattern), third ? as(second, 'dynamic') : null, textAs(third ?? second)]),
};
const extractJson = viaNative('extract_json', 'string', ['string', 'string']);
/** A text found somewhere, as the type that a call asks for with `typeof(…)`: a dynamic is what the text describes. */
const typedText = (found: RowFunction): RowFunction => ({
  run: (args, call) => {
    const text = found.run(args, call);
    return call.type === 'dynamic' ? callNative('parse_json', [text]) : toType(text, 'string', call.type);
  },
});
const codePointsToText: RowFunction = {
  result: 'string',
  run: (args) => callNative('codepoints', [allAsJson(args)]),
};
const anyIpv4: RowFunction = listed('has_any_ipv4');
const anyIpv4Prefix: RowFunction = listed('has_any_ipv4_prefix');
/** A text, then any number of values or arrays of them. */
function listed(name: string): RowFunction {
  return {
    result: 'bool',
    run: ([first, ...rest]) => callNative(name, [textAs(first), allAsJson(rest)]),
  };
}
const formatIpv4 = (name: string): RowFunction => ({
  result: 'string',
  run: ([address, prefix]) => {
    if (!address) return '';
    const text =
      address.type === 'string' || address.type === 'dynamic'
        ? textAs(address)
        : callNative('ipv4_text', [as(address, 'long')]);
    return callNative(name, [text, prefix ? as(prefix, 'long') : 32n]);
  },
});

/** Bytes of a value by its type; texts have their own length. */
const typeBytes: Readonly<Partial<Record<KqlType, bigint>>> = {
  bool: 1n,
  int: 4n,
  long: 8n,
  real: 8n,
  datetime: 8n,
  timespan: 8n,
};
const estimateDataSize: RowFunction = {
  result: 'long',
  run: (args, call) => {
    const sizes = args.map((argument) =>
      argument.type === 'string' ? bytesOf(textAs(argument)) : typeBytes[argument.type],
    );
    if (sizes.includes(undefined)) throw refused(call);
    return sizes.reduce((sum: bigint, size) => sum + (size ?? 0n), 0n);
  },
};

export const textRows: RowFunctionTable = {
  ...Object.fromEntries(Object.entries(tests).map(([name, test]) => [name, textTest(test)])),
  ...Object.fromEntries(Object.entries(tests).map(([name, test]) => [`!${name}`, negated(textTest(test))])),
  ':': textTest(term('has', false)),
  '=~': textTest(folded(same)),
  '!~': negated(textTest(folded(same))),
  'matches regex': regexMatches,
  has_any: several('OR'),
  has_all: several('AND'),
  strcat: { result: 'string', run: (args) => args.map(textAs).join('') },
  strcat_delim: {
    result: 'string',
    run: ([delimiter, ...args]) => args.map(textAs).join(textAs(delimiter)),
  },
  strlen: fixed(['string'], 'long', (text) => BigInt(Array.from(text).length)),
  string_size: fixed(['string'], 'long', (text) => bytesOf(text)),
  tolower: ofText(lowerText),
  toupper: ofText(upperText),
  reverse: ofText(reversedText),
  strcmp: {
    result: 'int',
    run: ([a, b]) => BigInt(Math.sign(compareTexts(textAs(a), textAs(b)))),
  },
  replace_string: {
    result: 'string',
    run: ([text, from, to]) =>
      textAs(from) === '' ? textAs(text) : textAs(text).replaceAll(textAs(from), () => textAs(to)),
  },
  replace_regex: replaceRegex,
  replace: {
    result: 'string',
    run: ([pattern, rewrite, text], call) => replaceRegex.run(present(text, pattern, rewrite), call),
  },
  extract: typedText(viaNative('extract', 'string', ['string', 'long', 'string'])),
  extract_json: typedText(extractJson),
  extractjson: typedText(extractJson),
  extract_all: extractAll,
  extractall: extractAll,
  isascii: fixed(['string'], 'bool', (text) => /^[\0-\x7f]*$/.test(text)),
  isutf8: { result: 'bool', run: () => true },
  unicode_codepoints_to_string: codePointsToText,
  make_string: codePointsToText,
  has_ipv4: anyIpv4,
  has_any_ipv4: anyIpv4,
  has_ipv4_prefix: anyIpv4Prefix,
  has_any_ipv4_prefix: anyIpv4Prefix,
  ipv4_is_in_any_range: listed('ipv4_is_in_any_range'),
  ipv6_is_in_any_range: listed('ipv6_is_in_any_range'),
  format_ipv4: formatIpv4('format_ipv4'),
  format_ipv4_mask: formatIpv4('format_ipv4_mask'),
  parse_version: viaNative('parse_version', 'decimal', ['string']),
  estimate_data_size: estimateDataSize,
  tohex: {
    result: 'string',
    run: ([value, width]) =>
      callNative('tohex', [as(value, 'long'), width ? as(width, 'long') : 0n, value?.type === 'int' ? 32n : 64n]),
  },
};
