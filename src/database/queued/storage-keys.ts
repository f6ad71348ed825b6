import { createHmac } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { StorageKeysRecord } from '../catalog/queued-records.ts';
import { storageKeysId } from '../catalog/queued-records.ts';

/** A cluster has so many storage accounts, as in Azure several: a client that cannot reach one takes the next. */
export const accountCount = 2;

/** As clients know the keys of an account. */
const accountKeyBytes = 64;
const identityKeyBytes = 32;

/** The keys of the storage accounts; undefined as long as nobody has asked where to put data. */
export function storageKeysOf({ image }: Pick<Catalog, 'image'>): StorageKeysRecord | undefined {
  const found = image.get(storageKeysId);
  return found?.kind === 'storageKeys' ? found : undefined;
}

/** The same, made and durable when there are none. Of two that make them at the same time the first one counts. */
export async function ensureStorageKeys(catalog: Catalog, randomBytes: RandomBytes): Promise<StorageKeysRecord> {
  const known = storageKeysOf(catalog);
  if (known !== undefined) return known;
  const draw = (bytes: number): string => toBase64Url(randomBytes(bytes));
  const made: StorageKeysRecord = {
    kind: 'storageKeys',
    accounts: Array.from({ length: accountCount }, () => draw(accountKeyBytes)),
    identity: draw(identityKeyBytes),
  };
  return catalog.change((draft) => {
    const other = draft.get(storageKeysId);
    if (other?.kind === 'storageKeys') return other;
    draft.put(made);
    return made;
  });
}

/** The id of the record of something that clients name: it tells nothing of the name, and the same name gives the same id. */
export function namedId({ identity }: StorageKeysRecord, ...names: readonly string[]): Guid {
  const hex = createHmac('sha256', Buffer.from(identity, 'base64url')).update(JSON.stringify(names)).digest('hex');
  const id = parseGuid(hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
  invariant(id !== undefined, 'a hash has enough digits for an id');
  return id;
}
