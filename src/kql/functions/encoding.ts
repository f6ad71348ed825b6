import { gunzipSync, inflateSync } from 'node:zlib';
import { gzip, zlib } from '../algorithms/text/compress.ts';
import { decodePunycode, encodePunycode } from '../algorithms/text/punycode.ts';
import { jsonItems } from '../values/json-text.ts';
import { jsonArrayOf } from '../sql/convert.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

/** Text in, text out; whatever cannot be decoded is null, which strings show as ''. */
const text = (name: string, run: (text: string) => string | null): FunctionRow =>
  native(name, ['string'], 'string', ([value]) => {
    try {
      return run(String(value));
    } catch {
      return null;
    }
  });

/** Of each label of a domain name; what stands for a dot elsewhere becomes one. */
const labels = (name: string, run: (label: string) => string | null): FunctionRow =>
  text(name, (value) => {
    const done = value.split(/[.\u3002\uff0e\uff61]/).map(run);
    return done.includes(null) ? null : done.join('.');
  });

const base64Bytes = (value: string): Buffer | undefined =>
  /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0 ? Buffer.from(value, 'base64') : undefined;
const utf8 = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
const bytesOf = (array: NativeValue | undefined): Buffer | undefined => {
  const items = jsonItems(String(array))?.map(Number);
  return items?.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256) ? Buffer.from(items) : undefined;
};
const guidBytes = (guid: string): Buffer => {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
};
const guidOfBytes = (bytes: Buffer): string => {
  const hex = guidBytes(bytes.toString('hex')).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** Percent encoding as the service writes it: lower-case hex. */
const percent = (value: string, keep: RegExp, space: string): string =>
  [...Buffer.from(value, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return byte < 128 && keep.test(character)
        ? character
        : character === ' '
          ? space
          : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');

const decompressed = (value: string, unpack: (bytes: Buffer) => Buffer | undefined): string | null => {
  const bytes = base64Bytes(value);
  const unpacked = bytes && unpack(bytes);
  return unpacked ? utf8(unpacked) : null;
};
const limits = { maxOutputLength: 64 * 1024 * 1024 };

const codepoints = nativeFunction('codepoints', ['dynamic'], 'string', ([list]) => {
  const points = (jsonItems(String(list)) ?? []).flatMap((item) => jsonItems(item) ?? [item]).map(Number);
  // Halves of a pair of UTF-16 are no code points of their own.
  const isValid = (point: number): boolean =>
    Number.isInteger(point) && point >= 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
  return points.every(isValid) ? String.fromCodePoint(...points) : null;
});

const textOfCodepoints: FunctionRow = {
  result: 'string',
  natives: [codepoints],
  sql: (args) => nativeCall(codepoints, jsonArrayOf(args)),
};

export const encodingFunctions: FunctionRows = {
  base64_encode_tostring: text('base64_encode_tostring', (value) => Buffer.from(value, 'utf8').toString('base64')),
  base64_encodestring: text('base64_encodestring', (value) => Buffer.from(value, 'utf8').toString('base64')),
  base64_decode_tostring: text('base64_decode_tostring', (value) => {
    const bytes = base64Bytes(value);
    return bytes ? utf8(bytes) : null;
  }),
  base64_decodestring: text('base64_decodestring', (value) => {
    const bytes = base64Bytes(value);
    return bytes ? utf8(bytes) : null;
  }),
  base64_decode_toarray: native('base64_decode_toarray', ['string'], 'dynamic', ([value]) => {
    const bytes = base64Bytes(String(value));
    return bytes ? JSON.stringify([...bytes]) : null;
  }),
  base64_encode_fromarray: native(
    'base64_encode_fromarray',
    ['dynamic'],
    'string',
    ([array]) => bytesOf(array)?.toString('base64') ?? null,
  ),
  base64_encode_fromguid: native('base64_encode_fromguid', ['guid'], 'string', ([guid]) =>
    guidBytes(String(guid)).toString('base64'),
  ),
  base64_decode_toguid: native('base64_decode_toguid', ['string'], 'guid', ([value]) => {
    const bytes = base64Bytes(String(value));
    return bytes?.byteLength === 16 ? guidOfBytes(bytes) : null;
  }),
  url_encode: text('url_encode', (value) => percent(value, /[A-Za-z0-9_.!*()-]/, '+')),
  url_encode_component: text('url_encode_component', (value) => percent(value, /[A-Za-z0-9_.~-]/, '%20')),
  url_decode: text('url_decode', (value) => decodeURIComponent(value.replaceAll('+', ' '))),
  gzip_compress_to_base64_string: text('gzip_compress_to_base64_string', (value) =>
    gzip(Buffer.from(value, 'utf8')).toString('base64'),
  ),
  // The service knows no header with optional fields, such as the name of a file.
  gzip_decompress_from_base64_string: text('gzip_decompress_from_base64_string', (value) =>
    decompressed(value, (bytes) => (bytes[3] === 0 ? gunzipSync(bytes, limits) : undefined)),
  ),
  zlib_compress_to_base64_string: text('zlib_compress_to_base64_string', (value) =>
    zlib(Buffer.from(value, 'utf8')).toString('base64'),
  ),
  zlib_decompress_from_base64_string: text('zlib_decompress_from_base64_string', (value) =>
    decompressed(value, (bytes) => inflateSync(bytes, limits)),
  ),
  unicode_codepoints_from_string: {
    aliases: ['to_utf8'],
    ...native('unicode_codepoints_from_string', ['string'], 'dynamic', ([value]) =>
      JSON.stringify(Array.from(String(value)).map((character) => character.codePointAt(0))),
    ),
  },
  unicode_codepoints_to_string: { ...textOfCodepoints, aliases: ['make_string'] },
  punycode_from_string: text('punycode_from_string', encodePunycode),
  punycode_to_string: text('punycode_to_string', decodePunycode),
  punycode_domain_to_string: labels('punycode_domain_to_string', (label) =>
    /[^\0-\x7f]/.test(label) ? `xn--${encodePunycode(label)}` : label,
  ),
  punycode_domain_from_string: labels('punycode_domain_from_string', (label) =>
    /^xn--/i.test(label) ? decodePunycode(label.slice(4)) : label,
  ),
};
