import type { JsonObject } from '../../base/json.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { decodeBase64, secretBuffer } from '../base64url-bytes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { vaultError } from '../vault-error.ts';

/** Body of wrapkey, unwrapkey, encrypt, decrypt, sign and verify. */
export interface KeyOpBody {
  readonly alg: string;
  /** May be a key: the caller overwrites it. */
  readonly value: Buffer;
  /** All members but `value`. */
  readonly others: JsonObject;
}

const quote = 0x22;
const backslash = 0x5c;

/** Reads `{"alg","value"}` without ever making a string of `value`: strings cannot be overwritten.
 * @param body overwritten by the caller when all is done
 * @throws VaultError 400 */
export function parseKeyOpBody(body: Buffer | undefined): KeyOpBody {
  if (body === undefined) throw vaultError('requiredProperty', 'alg');
  const range = findValue(body);
  const value = range === undefined ? undefined : decodeValue(body.subarray(range.start, range.end));
  try {
    const others = range === undefined ? parseBodyObject(body) : readOthers(body, range);
    const { alg } = others;
    if (alg === undefined || alg === null) throw vaultError('requiredProperty', 'alg');
    if (typeof alg !== 'string') throw vaultError('invalidProperty', 'alg');
    if (range === undefined && others['value'] !== undefined && others['value'] !== null) {
      throw vaultError('notBase64Url', 'value');
    }
    if (range === undefined || range.start === range.end) throw vaultError('requiredProperty', 'value');
    if (value === undefined) throw vaultError('notBase64Url', 'value');
    return { alg, value, others };
  } catch (error) {
    if (value !== undefined) zeroBytes(value);
    throw error;
  }
}

const slash = 0x2f;

/** The slashes of plain base64 may be written `\\/`, and some encoders always do. */
function decodeValue(text: Buffer): Buffer | undefined {
  if (!text.includes(backslash)) return decodeBase64(text);
  const plain = secretBuffer(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === backslash && text[at + 1] === slash) at++;
    plain[length++] = text[at] ?? 0;
  }
  try {
    return decodeBase64(plain.subarray(0, length));
  } finally {
    zeroBytes(plain);
  }
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The text between the quotes of the string that is the top-level member `value`. Everything else about the syntax is left
 * to the parser that reads what remains. @throws VaultError when there are two */
function findValue(body: Buffer): Range | undefined {
  let found: Range | undefined;
  let depth = 0;
  let isValueNext = false; // the last thing seen at depth 1 was `"value" :`
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) {
      const range = { start: at + 1, end: endOfString(body, at + 1) };
      at = range.end;
      if (isValueNext) {
        if (found !== undefined) throw vaultError('malformedBody');
        found = range;
        isValueNext = false;
      } else if (depth === 1) {
        const colon = skipSpace(body, at + 1);
        if (body[colon] === 0x3a && isNameValue(body, range)) {
          isValueNext = true;
          at = colon;
        }
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      depth++;
      isValueNext = false;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--;
      isValueNext = false;
    } else if (!isSpace(byte)) isValueNext = false;
  }
  return found;
}

/** @returns the place of the closing quote, or the end of the body */
function endOfString(body: Buffer, start: number): number {
  for (let at = start; at < body.length; at++) {
    if (body[at] === backslash) at++;
    else if (body[at] === quote) return at;
  }
  return body.length;
}

/** Names may be written with escapes. */
function isNameValue(body: Buffer, { start, end }: Range): boolean {
  const escapedLengthMax = 'value'.length * 6;
  if (end - start > escapedLengthMax) return false;
  const raw = body.toString('latin1', start, end);
  return raw.replace(/\\u00([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16))) === 'value';
}

function skipSpace(body: Buffer, start: number): number {
  let at = start;
  while (isSpace(body[at])) at++;
  return at;
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** Of late, bodies with nothing but an algorithm beside the value, as texts without it: clients write the same few. */
const algorithmsRead = new RecentMap<string, JsonObject>(100);
const algorithmCharsMax = 100;

/** The members of the body with an empty string in place of the value. @throws VaultError 400 */
function readOthers(body: Buffer, { start, end }: Range): JsonObject {
  const isShort = body.length - (end - start) <= algorithmCharsMax;
  const text = isShort ? body.toString('latin1', 0, start) + body.toString('latin1', end) : '';
  const known = algorithmsRead.get(text);
  if (known !== undefined) return known;
  const others = parseBodyObject(Buffer.concat([body.subarray(0, start), body.subarray(end)]));
  const isAlgorithm = Object.keys(others).every((name) => name === 'alg' || name === 'value');
  if (isShort && isAlgorithm) algorithmsRead.set(text, Object.freeze(others));
  return others;
}
