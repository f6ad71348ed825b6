import { isIP } from 'node:net';
import type { BlockList } from 'node:net';
import type { HostName } from '../base/names.ts';
import { isLoopbackAddress } from './loopback.ts';
import { isIn, isPublicAddress, listOf } from './public-address.ts';
import { parseHost } from './request-target.ts';

interface Ports {
  readonly first: number;
  readonly last: number;
}

/** What the proxy may tunnel to, unless it is served here. A name goes to public addresses and to named ranges of others; a range is also
 * allowed by its own addresses. Both go to port 443 unless they name others. */
export type AllowedHost =
  /** `packages.example.org`, or `*.example.org` for everything below. */
  | { readonly kind: 'name'; readonly pattern: string; readonly ports: Ports }
  /** `10.0.0.0/8`, `fd00::/8` */
  | { readonly kind: 'range'; readonly addresses: BlockList; readonly ports: Ports };

const https: Ports = { first: 443, last: 443 };

/** Reads `HOST`, `*.HOST`, `ADDRESS/BITS`, each with `:PORT` or `:PORT-PORT` (a range of IPv6 addresses in brackets then).
 * @returns undefined for anything else; a wildcard needs two labels or more */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  const range = /^(?:\[([0-9a-f:.]+)\]|([0-9a-f:.]+?))\/(\d{1,3})(?::([\d-]+))?$/i.exec(text);
  if (range !== null) return parseRange(range[1] ?? range[2] ?? '', Number(range[3]), range[4]);
  const [, name = '', portText] = /^([^:]+)(?::([\d-]+))?$/.exec(text) ?? [];
  const ports = parsePorts(portText);
  const wildcard = name.startsWith('*.');
  const host = parseHost(wildcard ? name.slice(2) : name);
  if (host === undefined || ports === undefined || (wildcard && !host.includes('.'))) return undefined;
  return { kind: 'name', pattern: wildcard ? `*.${host}` : host, ports };
}

function parseRange(address: string, bits: number, portText: string | undefined): AllowedHost | undefined {
  const family = isIP(address);
  const ports = parsePorts(portText);
  if (family === 0 || bits > (family === 4 ? 32 : 128) || ports === undefined) return undefined;
  return { kind: 'range', addresses: listOf([[address, bits]]), ports };
}

function parsePorts(text: string | undefined): Ports | undefined {
  if (text === undefined) return https;
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const ports = { first: Number(first), last: Number(last) };
  return ports.first > 0 && ports.first <= ports.last && ports.last < 65_536 ? ports : undefined;
}

/** The entries that let a host through on some port. */
const entriesFor = (allowed: readonly AllowedHost[], host: HostName): readonly AllowedHost[] =>
  allowed.filter((entry) => {
    if (entry.kind === 'range') return isIP(host) !== 0 && isIn(entry.addresses, host);
    const { pattern } = entry;
    return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
  });

export const isAllowedHost = (allowed: readonly AllowedHost[], host: HostName): boolean =>
  entriesFor(allowed, host).length > 0;

export const isAllowedPort = (allowed: readonly AllowedHost[], host: HostName, port: number): boolean =>
  entriesFor(allowed, host).some(({ ports }) => port >= ports.first && port <= ports.last);

/** Whether a host that is let through may lead to this address of those that its name has: names are other people's, and can lead anywhere.
 * An address, and this machine, are what they say. */
export function isAllowedAddress(allowed: readonly AllowedHost[], host: HostName, address: string): boolean {
  if (isPublicAddress(address)) return true;
  if (allowed.some((entry) => entry.kind === 'range' && isIn(entry.addresses, address))) return true;
  return host === 'localhost' ? isLoopbackAddress(address) : host === address;
}
