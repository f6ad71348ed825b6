import type { ServerName } from './client-hello.ts';
import { parseAbsoluteTarget } from './request-target.ts';

/** Longer lines are left to the HTTP server, which refuses them. */
const lineBytesMax = 16 * 1024;
const methods = /^[A-Z]{1,20} https:\/\//i;
const asFarAsItGoes = /^[A-Z]{0,20}(?: (?:h(?:t(?:t(?:p(?:s(?::(?:\/\/?)?)?)?)?)?)?)?)?$/i;

/** Reads the host of a request for https in absolute form (`POST https://host/path HTTP/1.1`) out of its first line.
 * @returns `unnamed` for every other request, and for other ports than 443 */
export function readAbsoluteHost(bytes: Uint8Array): ServerName {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, lineBytesMax)).toString('latin1');
  const end = text.indexOf('\n');
  const line = end < 0 ? text : text.slice(0, end);
  if (!methods.test(line)) return { outcome: end < 0 && asFarAsItGoes.test(line) ? 'more' : 'unnamed' };
  if (end < 0) return { outcome: text.length < lineBytesMax ? 'more' : 'unnamed' };
  const target = parseAbsoluteTarget(line.split(' ')[1] ?? '');
  return target === undefined || (target.port ?? 443) !== 443
    ? { outcome: 'unnamed' }
    : { outcome: 'named', name: target.host };
}
