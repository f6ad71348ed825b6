import type { Brand } from './brand.ts';

/** 3 to 24 letters, digits and hyphens; starts with a letter, ends with letter or digit, no two hyphens in a row. Lower case. */
export type VaultName = Brand<string, 'VaultName'>;
/** Of a key, secret or certificate: 1 to 127 letters, digits and hyphens. Case kept; compare without case. */
export type ObjectName = Brand<string, 'ObjectName'>;
export type KeyName = ObjectName;
/** 32 lower-case hex digits. A certificate, its key and its secret share theirs, as they share their names. */
export type ObjectVersion = Brand<string, 'ObjectVersion'>;
export type KeyVersion = ObjectVersion;
/** 4 to 22 letters, digits, hyphens; starts with a letter. Lower case. */
export type ClusterName = Brand<string, 'ClusterName'>;
/** 1 to 260 letters, digits, hyphens, underscores, spaces and dots, not only blanks. Case kept. */
export type DatabaseName = Brand<string, 'DatabaseName'>;
/** An Azure region in its short form, such as `eastus`. */
export type Region = Brand<string, 'Region'>;
/** A DNS host name without port, lower case. */
export type HostName = Brand<string, 'HostName'>;

export function parseVaultName(text: string): VaultName | undefined {
  return /^(?!.*--)[a-zA-Z][a-zA-Z0-9-]{1,22}[a-zA-Z0-9]$/.test(text) ? (text.toLowerCase() as VaultName) : undefined;
}

export const keyNamePattern = /^[0-9a-zA-Z-]{1,127}$/;

export function parseKeyName(text: string): KeyName | undefined {
  return keyNamePattern.test(text) ? (text as KeyName) : undefined;
}

export const keyVersionPattern = /^[0-9a-f]{32}$/;

/** Versions are compared without case on the wire; the form kept is lower case. */
export function parseKeyVersion(text: string): KeyVersion | undefined {
  const lower = text.toLowerCase();
  return keyVersionPattern.test(lower) ? (lower as KeyVersion) : undefined;
}

export function parseClusterName(text: string): ClusterName | undefined {
  return /^[a-zA-Z][a-zA-Z0-9-]{3,21}$/.test(text) ? (text.toLowerCase() as ClusterName) : undefined;
}

export function parseDatabaseName(text: string): DatabaseName | undefined {
  return /^[\p{L}\p{N}\-_. ]{1,260}$/u.test(text) && text.trim() !== '' ? (text as DatabaseName) : undefined;
}

/** Takes `East US`, `eastus` and `EastUS` alike. */
export function parseRegion(text: string): Region | undefined {
  const short = text.replaceAll(' ', '').toLowerCase();
  return /^[a-z][a-z0-9]{2,40}$/.test(short) ? (short as Region) : undefined;
}

export const hostNamePattern =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

export function parseHostName(text: string): HostName | undefined {
  const lower = text.toLowerCase();
  return hostNamePattern.test(lower) ? (lower as HostName) : undefined;
}
