import type { HostName } from '../base/names.ts';
import type { Brand } from '../base/brand.ts';
import { parseHost } from './request-target.ts';

/** A host that the proxy may tunnel to, on any port, unless it is served here: `packages.example.org`, or `*.example.org` for everything below. */
export type AllowedHost = Brand<string, 'AllowedHost'>;

/** @returns undefined for anything but a host name or `*.` and a host name of two labels or more; ports are not part of it */
export function parseAllowedHost(text: string): AllowedHost | undefined {
  const wildcard = text.startsWith('*.');
  const host = parseHost(wildcard ? text.slice(2) : text);
  if (host === undefined || (wildcard && !host.includes('.'))) return undefined;
  return (wildcard ? `*.${host}` : host) as AllowedHost;
}

export const isAllowedHost = (allowed: readonly AllowedHost[], host: HostName): boolean =>
  allowed.some((entry: string) => (entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry));
