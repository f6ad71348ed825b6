import type { HostName, KeyName, KeyVersion } from './names.ts';
import { parseHostName, parseKeyName, parseKeyVersion } from './names.ts';

/** A Key Vault key identifier (`kid`). Without `version` it means the latest version. */
export interface KeyId {
  readonly vaultHost: HostName;
  readonly name: KeyName;
  readonly version?: KeyVersion;
}

export interface VersionedKeyId extends KeyId {
  readonly version: KeyVersion;
}

/** @returns `https://{vault host}/keys/{name}[/{version}]` */
export function formatKeyId(key: KeyId): string {
  const base = `https://${key.vaultHost}/keys/${key.name}`;
  return key.version === undefined ? base : `${base}/${key.version}`;
}

/** Accepts an explicit `:443`, and nothing else besides host, name and version. */
export function parseKeyId(text: string): KeyId | undefined {
  const match = /^https:\/\/([^/:]+)(?::443)?\/keys\/([^/]+)(?:\/([^/]+))?\/?$/i.exec(text);
  if (!match) return undefined;
  const vaultHost = parseHostName(match[1] ?? '');
  const name = parseKeyName(match[2] ?? '');
  if (vaultHost === undefined || name === undefined) return undefined;
  if (match[3] === undefined) return { vaultHost, name };
  const version = parseKeyVersion(match[3]);
  return version === undefined ? undefined : { vaultHost, name, version };
}

export function parseVersionedKeyId(text: string): VersionedKeyId | undefined {
  const key = parseKeyId(text);
  return key?.version === undefined ? undefined : { ...key, version: key.version };
}

/** Names in Key Vault are compared without case. */
export function isSameKey(left: KeyId, right: KeyId): boolean {
  return left.vaultHost === right.vaultHost && left.name.toLowerCase() === right.name.toLowerCase();
}
