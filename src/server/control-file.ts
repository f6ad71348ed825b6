import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isJsonObject } from '../base/json.ts';
import type { ServerPorts } from './settings.ts';

/** Where a running server is reached. Not part of the state: it is gone with the process. */
export interface ControlFile extends ServerPorts {
  readonly pid: number;
  /** New with each start. */
  readonly token: string;
}

export const controlFileName = 'control.json';
export const authorityFileName = 'ca.pem';
/** Says where a node that stands by passes connections on; it holds no secret. */
export const standbyFileName = 'standby.json';

/** Whoever can read this file can do everything with the instance: 0600. */
export function writeControlFile(directory: string, content: ControlFile): void {
  writeWhole(join(directory, controlFileName), JSON.stringify(content));
}

/** The root certificate, for clients that take a file. */
export function writeAuthorityFile(directory: string, certificatePem: string): string {
  const path = join(directory, authorityFileName);
  writeWhole(path, certificatePem);
  return path;
}

export function writeStandbyFile(directory: string, content: { readonly pid: number; readonly port: number }): void {
  writeWhole(join(directory, standbyFileName), JSON.stringify(content));
}

export function removeStandbyFile(directory: string): void {
  rmSync(join(directory, standbyFileName), { force: true });
}

export function removeControlFile(directory: string): void {
  rmSync(join(directory, controlFileName), { force: true });
}

/** @returns undefined when there is none, or it is damaged; says nothing about whether that server still runs */
export function readControlFile(directory: string): ControlFile | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, controlFileName), 'utf8'));
    if (!isJsonObject(value)) return undefined;
    const { pid, port, proxyPort, kustoPort, token } = value;
    if (typeof pid !== 'number' || typeof port !== 'number' || typeof proxyPort !== 'number') return undefined;
    if (typeof kustoPort !== 'number') return undefined;
    return typeof token === 'string' ? { pid, port, proxyPort, kustoPort, token } : undefined;
  } catch {
    return undefined;
  }
}

/** Readers see the old file or the new one, whole. */
function writeWhole(path: string, text: string): void {
  const unfinished = `${path}.new`;
  rmSync(unfinished, { force: true });
  const descriptor = openSync(unfinished, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, path);
}
