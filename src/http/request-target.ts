import type { HostName } from '../base/names.ts';
import { parseHostName } from '../base/names.ts';
import { RecentMap } from '../base/recent-map.ts';

export interface Authority {
  readonly host: HostName;
  readonly port: number | undefined;
}

export interface AbsoluteTarget extends Authority {
  readonly scheme: 'http' | 'https';
  /** Path and query exactly as sent. */
  readonly path: string;
}

/** All names of this machine are one: `localhost`. */
const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]', '::1']);

export function parseHost(text: string): HostName | undefined {
  return parseHostName(loopbackNames.has(text.toLowerCase()) ? 'localhost' : text);
}

const readAuthorities = new RecentMap<string, Authority>(1_000);
const authorityCharsMax = 300;

/** As `parseAuthority`, which most requests would ask the same again. */
function knownAuthority(text: string): Authority | undefined {
  if (text.length > authorityCharsMax) return undefined;
  const known = readAuthorities.get(text);
  if (known !== undefined) return known;
  const read = parseAuthority(text);
  if (read !== undefined) readAuthorities.set(text, read);
  return read;
}

/** Reads `host[:port]`, the form of a Host header and of a CONNECT target. User names, empty ports and the like are refused. */
export function parseAuthority(text: string): Authority | undefined {
  const match = /^(\[[0-9a-f:]+\]|[^:@[\]]+)(?::(\d{1,5}))?$/i.exec(text);
  const host = parseHost(match?.[1] ?? '');
  if (host === undefined) return undefined;
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  return port === undefined || (port > 0 && port < 65_536) ? { host, port } : undefined;
}

/** Reads the absolute form of a request target (RFC 9112, 3.2.2). */
export function parseAbsoluteTarget(target: string): AbsoluteTarget | undefined {
  const match = /^(https?):\/\/([^/?#]+)([/?][^#]*)?$/i.exec(target);
  const authority = parseAuthority(match?.[2] ?? '');
  if (match === null || authority === undefined) return undefined;
  const rest = match[3] ?? '/';
  return {
    ...authority,
    scheme: match[1]?.toLowerCase() === 'https' ? 'https' : 'http',
    path: rest.startsWith('/') ? rest : `/${rest}`,
  };
}

export type HostAgreement =
  | { readonly agreed: true; readonly host: HostName; readonly path: string }
  | { readonly agreed: false; readonly status: 400 | 421; readonly text: string };

/** Brings together every place where a request names its host. More than one answer means that somebody in between, or
 * the sender, wants two readers to see two hosts: refused.
 * @param names.connection what the connection was made for: SNI, the CONNECT target, the absolute form's host
 * @param names.rawHeaders as Node keeps them: name, value, name, value … (its parsed headers hide a second Host, and a second
 * Authorization, which is refused here too: two readers could see two senders) */
export function agreeOnHost(names: {
  readonly connection: readonly HostName[];
  readonly rawHeaders: readonly string[];
  readonly target: string;
}): HostAgreement {
  const host = placeOf(names.rawHeaders, 'host');
  if (host < 0) return refusal(400, 'A request names its host in exactly one Host header.');
  if (placeOf(names.rawHeaders, 'authorization') === several)
    return refusal(400, 'A request has at most one Authorization header.');
  const header = knownAuthority(names.rawHeaders[host] ?? '');
  if (header === undefined) return refusal(400, 'The Host header is malformed.');
  let path = names.target;
  if (!path.startsWith('/')) {
    const absolute = parseAbsoluteTarget(path);
    if (absolute === undefined) return refusal(400, 'The request target is malformed.');
    if (absolute.host !== header.host)
      return refusal(400, 'The request target and the Host header name different hosts.');
    path = absolute.path;
  }
  if (names.connection.some((name) => name !== header.host)) {
    return refusal(421, 'The connection (server name, CONNECT target) and the Host header name different hosts.');
  }
  return { agreed: true, host: header.host, path };
}

const [missing, several] = [-1, -2];

/** @returns where the value of the only header of that name stands, or `missing`, or `several` */
function placeOf(rawHeaders: readonly string[], name: string): number {
  let place: number = missing;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const found = rawHeaders[at] ?? '';
    if (found.length !== name.length || found.toLowerCase() !== name) continue;
    if (place !== missing) return several;
    place = at + 1;
  }
  return place;
}

const refusal = (status: 400 | 421, text: string): HostAgreement => ({ agreed: false, status, text });
