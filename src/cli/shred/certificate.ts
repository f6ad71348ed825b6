import type { Attempt, OpenedTable } from './extent-attempts.ts';
import type { Copy } from '../custody/copies.ts';
import type { DoomedKey, KeyState, Target } from './key-plan.ts';

export type ShredStatus = 'pending' | 'destroyed' | 'notDestroyed';

export type CertifiedKey = DoomedKey & KeyState;

/** What `kustody shred` writes, signs, and goes on from when it is run again. */
export interface ShredCertificate {
  readonly kind: 'shredCertificate';
  readonly format: 1;
  readonly status: ShredStatus;
  /** Until then the keys can be brought back; ISO on the Kustody clock. */
  readonly pendingUntil?: string;
  /** Why it is not destroyed. */
  readonly reasons: readonly string[];
  readonly kustody: string;
  /** ISO, on the machine's clock, and on the Kustody clock at that moment. */
  readonly madeOn: string;
  readonly madeOnKustodyClock: string;
  readonly dataDirectory: string;
  readonly clusters: readonly Target[];
  readonly keys: readonly CertifiedKey[];
  /** Before anything was deleted; missing when the cluster did not serve then. */
  readonly control?: { readonly madeOn: string; readonly tables: readonly OpenedTable[] };
  readonly attempts: readonly Attempt[];
  readonly copies: readonly Copy[];
  /** Others who have used the keys: what they wrapped opens no more, either. */
  readonly alsoUsedBy: readonly { readonly key: string; readonly caller: string; readonly last: string }[];
  readonly history: { readonly complete: boolean; readonly since?: string };
  readonly limits: readonly string[];
}

export type Findings = Omit<ShredCertificate, 'kind' | 'format' | 'status' | 'pendingUntil' | 'reasons' | 'limits'>;

export const shredLimits: readonly string[] = [
  'It tells of this instance: of keys in vaults that it serves, and of what its audit has recorded. It says nothing about Azure.',
  'A copy of the data directory that was made before (a backup of the disk, a snapshot) holds the keys together with the data; only --state-anchor refuses one that is put back. With the root key elsewhere such a copy opens nothing without that.',
  'With the state in PostgreSQL, its write-ahead log, standbys and backups hold the records of deleted keys, too: whoever has those and the root key has the keys.',
  'Rows that people have read by queries are wherever they were taken. Exports by commands are listed.',
  'Keys under Microsoft-managed custody, where a cluster was under one before, are destroyed by Kustody with the change; no vault of the customer has recorded them.',
  'Of more than 1,000 tables the others are not asked, before or after.',
  'Memory can swap. Buffers that Kustody owns are overwritten when a cluster is suspended; copies in V8 strings, TLS and OpenSSL may remain until a process ends.',
  'The signature says that the certificate is as the instance signed it. Whoever owns the instance can have anything signed.',
];

export function makeCertificate(found: Findings): ShredCertificate {
  const reasons = reasonsOf(found);
  const dates = found.keys.flatMap(({ purgedOn }) => (purgedOn === undefined ? [] : [purgedOn])).toSorted();
  const waits = found.keys.some(({ state }) => state === 'deleted' || state === 'vaultDeleted');
  const last = dates.at(-1);
  return {
    ...{ kind: 'shredCertificate', format: 1 },
    status: reasons.length > 0 ? 'notDestroyed' : waits ? 'pending' : 'destroyed',
    ...(waits && last !== undefined ? { pendingUntil: last } : {}),
    ...{ reasons, ...found, limits: shredLimits },
  };
}

function reasonsOf({ keys, control, attempts, copies, history }: Findings): readonly string[] {
  const reasons: string[] = [];
  for (const { key, state } of keys) {
    if (state === 'there') reasons.push(`The key ${key} is there.`);
    if (state === 'unknown') reasons.push(`No vault of this instance ever had the key ${key}: it may be elsewhere.`);
  }
  const opened = attempts.filter(({ outcome }) => outcome === 'opened');
  for (const { cluster, database, table } of opened) reasons.push(`${cluster}/${database}.${table} can still be read.`);
  for (const { cluster, database, table, outcome, error = '' } of attempts)
    if (outcome === 'unclear')
      reasons.push(`${cluster}/${database}.${table} was not refused for its key (${error}): that shows nothing.`);
  const extents = (control?.tables ?? []).reduce((sum, table) => sum + table.opened, 0);
  if (control === undefined)
    reasons.push('No extent was seen to open before: the cluster did not serve, so that none opens now shows nothing.');
  else if (extents === 0) reasons.push('The cluster held no extent that could be read before: nothing was shown.');
  if (!history.complete)
    reasons.push(
      `The audit begins ${history.since ?? 'later'}: of earlier keys, backups and exports nobody knows any more.`,
    );
  if (copies.length > 0)
    reasons.push(`${copies.length} ${copies.length === 1 ? 'thing' : 'things'} could still open or hold the data.`);
  return reasons;
}

/** One sentence. */
export function verdictOf({ status, pendingUntil, clusters, keys, reasons }: ShredCertificate): string {
  const names = clusters.map(({ name }) => name).join(', ');
  const count = `${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`;
  if (status === 'destroyed') return `DESTROYED: ${count} of ${names}, every version, cannot be brought back.`;
  if (status === 'pending')
    return `PENDING until ${pendingUntil ?? '?'}: ${count} of ${names} ${keys.length === 1 ? 'is' : 'are'} deleted, and can be recovered until then.`;
  return `NOT DESTROYED: ${reasons.join(' ')}`;
}
