import type { Table } from '../../state/state.ts';
import { certificateOperations } from '../certificates/certificate-operations.ts';
import { certificateTables } from '../certificates/certificate-records.ts';
import { vaultContacts, vaultIssuerKeys, vaultIssuers } from '../certificates/issuer-records.ts';
import { keyOperations } from '../keys/key-operations.ts';
import { keyTables } from '../keys/key-records.ts';
import type { ObjectTables } from '../objects/object-kind.ts';
import { secretOperations } from '../secrets/secret-operations.ts';
import { secretTables } from '../secrets/secret-records.ts';
import type { Collection, CollectionOperation, VaultOperation } from '../objects/operation.ts';

/** Every operation of the data plane, by collection. Literal segments of paths win over `{placeholders}`, whatever the order here. */
const operationsOf: Readonly<Record<Collection, readonly VaultOperation[]>> = {
  keys: keyOperations,
  secrets: secretOperations,
  certificates: certificateOperations,
};

export const vaultOperations: readonly CollectionOperation[] = Object.entries(operationsOf).flatMap(
  ([collection, operations]) => operations.map((operation) => ({ ...operation, collection: collection as Collection })),
);

/** The first segments of their paths. */
export const collections: ReadonlySet<string> = new Set(
  vaultOperations.flatMap(({ path }) => /^\/([a-z]+)\//.exec(path)?.[1] ?? []),
);

/** Where all that vaults hold lies: for sweeps. */
export const objectKinds: readonly ObjectTables[] = [keyTables, secretTables, certificateTables];

/** What else belongs to a vault. */
export const otherTables: readonly Table<object>[] = [vaultIssuers, vaultIssuerKeys, vaultContacts];

/** Collections that Key Vault has and Kustody has not built, by the first segment of their paths. */
export const notBuiltCollections: ReadonlySet<string> = new Set([
  'storage',
  'deletedstorage',
  'backup',
  'restore',
  'settings',
  'security',
]);
