import type { Address } from '../algorithms/text/ip.ts';
import {
  addressesIn,
  cidrBlocks,
  compareAddresses,
  formatIpv4,
  formatIpv6,
  isInRange,
  isPrivateIpv4,
  masked,
  parseIpv4,
  parseIpv6,
} from '../algorithms/text/ip.ts';
import { jsonItems, jsonToText } from '../values/json-text.ts';
import { cast, jsonArrayOf } from '../sql/convert.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

type Parse = (text: string) => Address | undefined;
const v4: Parse = parseIpv4;
/** Compared with others, `::a.b.c.d` is the IPv4 address in it. */
const v6: Parse = (text) => {
  const address = parseIpv6(text);
  return address && text.includes('.') && address.value >> 32n === 0n
    ? { ...address, value: address.value | (0xffffn << 32n) }
    : address;
};

/** Compares two addresses, of at most `prefix` bits. */
const compared = (
  name: string,
  parse: Parse,
  bits: 32 | 128,
  result: 'long' | 'bool',
  of: (sign: number) => NativeValue,
): FunctionRow =>
  native(
    name,
    ['string', 'string', 'long'],
    result,
    ([left, right, prefix]) => {
      const [a, b] = [parse(String(left)), parse(String(right))];
      const limit = Number(prefix);
      return a && b && limit >= 0 && limit <= bits ? of(compareAddresses(a, b, limit, bits)) : null;
    },
    { defaults: [bits] },
  );

const inRange = (name: string, parse: Parse, bits: 32 | 128): FunctionRow =>
  native(name, ['string', 'string'], 'bool', ([address, range]) => {
    const [a, b] = [parse(String(address)), parse(String(range))];
    return a && b ? isInRange(a, b, bits) : null;
  });

/** The ranges come as arguments, or as one array. */
const inAnyRange = (name: string, parse: Parse, bits: 32 | 128): FunctionRow => {
  const fn = nativeFunction(name, ['string', 'dynamic'], 'bool', ([address, ranges]) => {
    const a = parse(String(address));
    const list = (jsonItems(String(ranges)) ?? [])
      .flatMap((item) => jsonItems(item) ?? [item])
      .map((item) => parse(jsonToText(item)));
    return a ? list.some((range) => range !== undefined && isInRange(a, range, bits)) : null;
  });
  return listed(fn);
};

/** A text, then any number of values or arrays of them. */
const listed = (fn: NativeFunction): FunctionRow => ({
  result: 'bool',
  natives: [fn],
  sql: ([first, ...rest]) => (first ? nativeCall(fn, cast(first, 'string'), jsonArrayOf(rest)) : 'NULL'),
});

const valuesOf = (list: NativeValue | undefined): string[] =>
  (jsonItems(String(list)) ?? []).flatMap((item) => jsonItems(item) ?? [item]).map(jsonToText);

const hasAny = nativeFunction('has_any_ipv4', ['string', 'dynamic'], 'bool', ([text, wanted]) => {
  const found = addressesIn(String(text));
  return valuesOf(wanted).some((address) => found.includes(address));
});
/** A prefix ends in a dot, or is a whole address. */
const hasPrefix = (found: readonly string[], prefix: string): boolean =>
  /^(\d{1,3}\.){1,3}$/.test(prefix)
    ? found.some((address) => address.startsWith(prefix))
    : parseIpv4(prefix) !== undefined && found.includes(prefix);
const hasAnyPrefix = nativeFunction('has_any_ipv4_prefix', ['string', 'dynamic'], 'bool', ([text, wanted]) => {
  const found = addressesIn(String(text));
  return valuesOf(wanted).some((prefix) => hasPrefix(found, prefix));
});

const addressText = nativeFunction('ipv4_text', ['long'], 'string', ([value]) =>
  big(value) >= 0n && big(value) < 1n << 32n ? formatIpv4(big(value)) : '',
);

const format = (name: string, withMask: boolean): FunctionRow => {
  const fn = nativeFunction(name, ['string', 'long'], 'string', ([text, prefix]) => {
    const address = parseIpv4(String(text));
    const limit = Number(prefix);
    if (!address || limit < 0 || limit > 32) return null;
    const bits = Math.min(address.prefix, limit);
    const shown = formatIpv4(masked(address.value, bits, 32));
    return withMask ? `${shown}/${bits}` : shown;
  });
  return {
    result: 'string',
    natives: [addressText, fn],
    sql: ([address, prefix]) => {
      if (!address) return "''";
      const text =
        address.type === 'string' || address.type === 'dynamic'
          ? cast(address, 'string')
          : nativeCall(addressText, cast(address, 'long'));
      return nativeCall(fn, text, prefix ? cast(prefix, 'long') : '32');
    },
  };
};

export const ipFunctions: FunctionRows = {
  parse_ipv4: native('parse_ipv4', ['string'], 'long', ([text]) => {
    const address = parseIpv4(String(text));
    return address ? masked(address.value, address.prefix, 32) : null;
  }),
  parse_ipv4_mask: native('parse_ipv4_mask', ['string', 'long'], 'long', ([text, prefix]) => {
    const address = parseIpv4(String(text));
    return address && Number(prefix) >= 0 && Number(prefix) <= 32
      ? masked(address.value, Math.min(address.prefix, Number(prefix)), 32)
      : null;
  }),
  parse_ipv6: native('parse_ipv6', ['string'], 'string', ([text]) => {
    const address = parseIpv6(String(text));
    return address ? formatIpv6(masked(address.value, address.prefix, 128)) : null;
  }),
  parse_ipv6_mask: native('parse_ipv6_mask', ['string', 'long'], 'string', ([text, prefix]) => {
    const address = parseIpv6(String(text));
    return address && Number(prefix) >= 0 && Number(prefix) <= 128
      ? formatIpv6(masked(address.value, Math.min(address.prefix, Number(prefix)), 128))
      : null;
  }),
  ipv4_compare: compared('ipv4_compare', v4, 32, 'long', (sign) => BigInt(sign)),
  ipv4_is_match: compared('ipv4_is_match', v4, 32, 'bool', (sign) => sign === 0),
  ipv6_compare: compared('ipv6_compare', v6, 128, 'long', (sign) => BigInt(sign)),
  ipv6_is_match: compared('ipv6_is_match', v6, 128, 'bool', (sign) => sign === 0),
  ipv4_is_in_range: inRange('ipv4_is_in_range', v4, 32),
  ipv6_is_in_range: inRange('ipv6_is_in_range', v6, 128),
  ipv4_is_in_any_range: inAnyRange('ipv4_is_in_any_range', v4, 32),
  ipv6_is_in_any_range: inAnyRange('ipv6_is_in_any_range', v6, 128),
  ipv4_is_private: native('ipv4_is_private', ['string'], 'bool', ([text]) => {
    const address = parseIpv4(String(text));
    return address ? isPrivateIpv4(address) : null;
  }),
  ipv4_netmask_suffix: native('ipv4_netmask_suffix', ['string'], 'long', ([text]) => {
    const address = parseIpv4(String(text));
    return address ? BigInt(address.prefix) : null;
  }),
  ipv4_range_to_cidr_list: native('ipv4_range_to_cidr_list', ['string', 'string'], 'dynamic', ([from, to]) => {
    const [a, b] = [parseIpv4(String(from)), parseIpv4(String(to))];
    return a && b ? JSON.stringify(cidrBlocks(a.value, b.value)) : null;
  }),
  format_ipv4: format('format_ipv4', false),
  // The binder wants the prefix, which may be left out as it may of format_ipv4().
  format_ipv4_mask: { ...format('format_ipv4_mask', true), type: 'string', parameters: 'format_ipv4' },
  has_ipv4: listed(hasAny),
  has_any_ipv4: listed(hasAny),
  has_ipv4_prefix: listed(hasAnyPrefix),
  has_any_ipv4_prefix: listed(hasAnyPrefix),
};
