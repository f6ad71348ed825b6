import { keyOperations } from '../keys/key-operations.ts';
import { keyTables } from '../keys/key-records.ts';
import type { ObjectTables } from '../objects/object-kind.ts';
import { secretOperations } from '../secrets/secret-operations.ts';
import { secretTables } from '../secrets/secret-records.ts';
import type { Collection, CollectionOperation, VaultOperation } from '../objects/operation.ts';

/** Every operation of the data plane, by collection. Literal segments of paths win over `{placeholders}`, whatever the order here. */
const operationsOf: Partial<Readonly<Record<Collection, readonly VaultOperation[]>>> = {
  keys: keyOperations,
  secrets: secretOperations,
};

export const vaultOperations: readonly CollectionOperation[] = Object.entries(operationsOf).flatMap(
  ([collection, operations]) => operations.map((operation) => ({ ...operation, collection: collection as Collection })),
);

/** Where all that vaults hold lies: for sweeps. */
export const objectKinds: readonly ObjectTables[] = [keyTables, secretTables];

/** Collections that Key Vault has and Kustody has not built, by the first segment of their paths. */
export const notBuiltCollections: ReadonlySet<string> = new Set([
  'certificates',
  'deletedcertificates',
  'storage',
  'deletedstorage',
  'backup',
  'restore',
  'settings',
  'security',
]);
