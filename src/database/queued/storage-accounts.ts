import { createHash } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import type { HostName } from '../../base/names.ts';
import { parseHostName } from '../../base/names.ts';
import type { QueueName } from '../catalog/queued-records.ts';
import type { BlobAddress } from './staged-blobs.ts';
import { accountCount } from './storage-keys.ts';

/** What the hosts of an account serve. */
export const storageServices = ['blob', 'queue', 'table'] as const;
export type StorageService = (typeof storageServices)[number];

/** Where clients put blobs that are to be ingested, and where whoever exports may put results. */
export const containerNames = { ingest: 'ingestdata', export: 'exportresults' } as const;
export const tableName = 'ingestionsstatus';
/** As clients know the queues. */
export const queueNamesOnWire: Readonly<Record<QueueName, string>> = {
  ready: 'readyforaggregation-secured',
  failed: 'failedingestions',
  successful: 'successfulingestions',
};

/** Names of a cluster's storage accounts: they follow from its id, and tell nothing of it. */
export function accountNames(clusterId: Guid): readonly string[] {
  const hex = createHash('sha256').update(`kustody/storage-account/${clusterId}`).digest('hex').slice(0, 16);
  return Array.from({ length: accountCount }, (_, index) => `kust${hex}0${index + 1}`);
}

const hostPattern = /^(kust[0-9a-f]{16}0[1-9])\.(blob|queue|table)\.core\.windows\.net$/;

/** @returns undefined for a host that is no account of any cluster of ours, by its form */
export function readStorageHost(
  host: string,
): { readonly account: string; readonly service: StorageService } | undefined {
  const [, account, service] = hostPattern.exec(host) ?? [];
  return account === undefined || service === undefined ? undefined : { account, service: service as StorageService };
}

export const storageHost = (account: string, service: StorageService): string =>
  `${account}.${service}.core.windows.net`;

/** All hosts of a cluster's accounts. */
export function storageHosts(clusterId: Guid): readonly HostName[] {
  return accountNames(clusterId).flatMap((account) =>
    storageServices.flatMap((service) => parseHostName(storageHost(account, service)) ?? []),
  );
}

/** Where a blob lies, by its URL. @returns undefined when that is in no account of the cluster */
export function blobAddressOf(clusterId: Guid, url: string): BlobAddress | undefined {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return undefined;
  }
  const host = parsed.protocol === 'https:' ? readStorageHost(parsed.hostname) : undefined;
  const account = host?.service === 'blob' ? accountNames(clusterId).indexOf(host.account) : -1;
  const path = readBlobPath(parsed.pathname);
  return account < 0 || path === undefined ? undefined : { account, ...path };
}

/** `/{container}/{blob}` */
export function readBlobPath(path: string): Omit<BlobAddress, 'account'> | undefined {
  const [, container, name] = /^\/([^/]+)\/(.+)$/.exec(path) ?? [];
  if (container === undefined || name === undefined) return undefined;
  try {
    const decoded = decodeURIComponent(name);
    return decoded.length > 1_024 ? undefined : { container: decodeURIComponent(container), name: decoded };
  } catch {
    return undefined;
  }
}
