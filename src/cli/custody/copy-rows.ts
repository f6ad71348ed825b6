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
  | 'instance'
  | 'follower';

type CopyRowName = Exclude<CopyKind, 'export' | 'instance' | 'follower'>;

interface CopyRow {
  readonly operations: readonly string[];
  readonly what: string;
  /** Only where the name is that of a certificate: a secret may bear the name of a key by chance. */
  readonly ofCertificate?: true;
}

/** By what an operation of a vault leaves behind when it succeeds. */
export const copyRows: { readonly [Kind in CopyRowName]: CopyRow } = {
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

const opens = 'sealed under its root key, with the keys that its vaults had then';
const opensCluster =
  'sealed under its root key and the key that the cluster had then, without which no row of it opens';

/** By what is done with the whole instance, or with a cluster. */
const instanceCopyRows: Readonly<Record<string, string>> = {
  InstanceBackup: `a backup of the whole instance was made there, ${opens}`,
  InstanceMove: `the instance was moved from there, where its copy may still be, ${opens}`,
  InstanceRestore: `the instance was restored from there, ${opens}`,
  InstanceTakenBack: `the instance was moved there, and taken back as if that were lost: a second instance, should it be there, ${opens}`,
  ClusterBackup: `a backup of the cluster was made there, ${opensCluster}`,
  ClusterBackupRewrap: `the key of a backup of the cluster there was wrapped by another version of its key, ${opensCluster}`,
  ClusterRestore: `the cluster was set back from there, ${opensCluster}`,
};

export const instanceCopyText = (operation: string): string => instanceCopyRows[operation] ?? `${operation}, ${opens}`;

const kinds = new Map<string, CopyRowName>(
  (Object.keys(copyRows) as CopyRowName[]).flatMap((kind) =>
    copyRows[kind].operations.map((operation) => [operation, kind] as const),
  ),
);

/** @param operation as the audit names it */
export const copyKindOf = (operation: string): CopyRowName | undefined => kinds.get(operation);

export const isCertificateMade = (operation: string): boolean =>
  operation === 'CertificateCreate' || operation === 'CertificateImport' || operation === 'CertificateRestore';
