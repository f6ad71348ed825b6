import type { ExportRecord } from '../../cluster/supervisor/export-records.ts';
import type { KeyHistory } from './key-history.ts';

/** What could open the data without the keys that are destroyed, or holds it. */
export type CopyKind =
  | 'backup'
  | 'restored'
  | 'imported'
  | 'released'
  | 'certificateImported'
  | 'certificateBackup'
  | 'secretOfCertificate'
  | 'export'
  | 'follower';

export interface Copy {
  readonly kind: CopyKind;
  /** The key, the container or the follower. */
  readonly of: string;
  readonly what: string;
  /** ISO on the Kustody clock. */
  readonly on?: string;
  /** Object id. */
  readonly by?: string;
}

interface CopyRow {
  readonly operations: readonly string[];
  readonly what: string;
  /** Only where the name is that of a certificate: a secret may bear the name of a key by chance. */
  readonly ofCertificate?: true;
}

/** By what an operation of a vault leaves behind when it succeeds. */
const rows: { readonly [Kind in Exclude<CopyKind, 'export' | 'follower'>]: CopyRow } = {
  backup: {
    operations: ['KeyBackup'],
    what: 'a backup of the key, which brings it back once it is purged',
  },
  restored: { operations: ['KeyRestore'], what: 'the key was restored: the backup that it came from may be there' },
  imported: { operations: ['KeyImport'], what: 'the key was made elsewhere, where it may still be' },
  released: { operations: ['KeyRelease'], what: 'the key was released to whom its release policy lets have it' },
  certificateImported: {
    operations: ['CertificateImport'],
    what: 'the key came with a certificate, whose file may still be there',
  },
  certificateBackup: {
    operations: ['CertificateBackup', 'CertificateRestore'],
    what: 'a backup of the certificate holds its key',
  },
  secretOfCertificate: {
    operations: ['SecretGet', 'SecretBackup', 'SecretRestore'],
    what: 'the secret of the certificate, read or backed up, may hold its private key',
    ofCertificate: true,
  },
};

const kinds = new Map<string, keyof typeof rows>(
  (Object.keys(rows) as (keyof typeof rows)[]).flatMap((kind) =>
    rows[kind].operations.map((operation) => [operation, kind] as const),
  ),
);

/** @param operation as the audit names it */
export const copyKindOf = (operation: string): keyof typeof rows | undefined => kinds.get(operation);

export const isCertificateMade = (operation: string): boolean =>
  operation === 'CertificateCreate' || operation === 'CertificateImport' || operation === 'CertificateRestore';

/** A cluster whose data is shredded, as far as copies go. */
export interface CopiedCluster {
  readonly resourceId: string;
  readonly name: string;
  readonly exports?: readonly ExportRecord[];
}

/** @param keys unversioned, lower case @param followers names of clusters that follow and keep their keys */
export function copiesOf(
  history: KeyHistory,
  keys: readonly string[],
  clusters: readonly CopiedCluster[],
  followers: readonly string[],
): readonly Copy[] {
  const names = new Set(keys.map((key) => key.split('/').at(-1) ?? ''));
  const ofKeys = history.copies.flatMap(({ kind, vault, name, operation, caller, time }): readonly Copy[] => {
    const row = rows[kind as keyof typeof rows];
    // A backup is restored under its name, in whichever vault.
    const isMeant = kind === 'restored' ? names.has(name) : keys.includes(`${vault}/keys/${name}`);
    if (!isMeant || (row.ofCertificate === true && !history.certificates.has(`${vault} ${name}`))) return [];
    return [{ kind, of: `${vault}/keys/${name}`, what: `${operation}: ${row.what}`, on: time, by: caller }];
  });
  return [
    ...unrepeated(ofKeys),
    ...clusters.flatMap((cluster) => exportsOf(history, cluster)),
    ...followers.map((name): Copy => ({
      kind: 'follower',
      of: name,
      what: 'follows a database and keeps its own key',
    })),
  ];
}

/** The last of those that say the same. */
const unrepeated = (copies: readonly Copy[]): readonly Copy[] => [
  ...new Map(copies.map((copy) => [JSON.stringify([copy.of, copy.what, copy.by]), copy])).values(),
];

function exportsOf(history: KeyHistory, { resourceId, exports = [] }: CopiedCluster): readonly Copy[] {
  const recorded = exports.map(({ container, rows: count, blobs, lastOn }): Copy => ({
    ...{ kind: 'export', of: container, on: lastOn },
    what: `${count} rows in ${blobs} blobs were exported there, under no key of the cluster`,
  }));
  const known = new Set(recorded.map(({ of }) => of));
  const told = history.exports
    .filter(({ cluster, container }) => cluster === resourceId.toLowerCase() && !known.has(container))
    .map(({ container, time }): Copy => ({
      ...{ kind: 'export', of: container, on: time },
      what: 'an export to it was begun; what is there is under no key of the cluster',
    }));
  return [...recorded, ...told];
}
