import { createCipheriv, createDecipheriv } from 'node:crypto';
import { zeroBytes } from '../base/bytes.ts';
import { invariant } from '../base/invariant.ts';
import type { RandomBytes } from '../base/random.ts';
import { drawMany } from '../base/random.ts';
import type { RootKey } from './root-key.ts';

/** A record is not what was written for this place; how it is not. */
const damages = {
  broken: 'does not open: it was damaged, or changed outside Kustody',
  old: 'is not the one that was written last: an old one was put back, or it was changed outside Kustody',
  gone: 'was removed outside Kustody',
  back: 'was deleted, and put back outside Kustody',
  unverified: 'cannot be checked: the digests of its owner are not those that were written last',
  unreadable: 'has a form that this Kustody does not know: it was written by a newer one, or wrongly',
} as const;

export type RecordDamage = keyof typeof damages;

export class SealedRecordError extends Error {
  override readonly name = 'SealedRecordError';
  constructor(
    readonly table: string,
    readonly id: string,
    readonly damage: RecordDamage = 'broken',
    options?: ErrorOptions,
  ) {
    super(`The record ${table}/${id} ${damages[damage]}.`, options);
  }
}

interface Place {
  readonly table: string;
  readonly id: string;
  readonly version: number;
}

/** 1: before there were digest trees. 2: a record that stands in one. */
export const recordFormats = { withoutTree: 1, withTree: 2 } as const;
const epochBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + epochBytes + nonceBytes;
/** Random nonces are good for 2^32 messages under one key (NIST SP 800-38D, 8.3); a new epoch comes long before. */
const recordsPerEpochMax = 2 ** 28;
const cachedEpochsMax = 1000;

/** Seals records with AES-256-GCM: format byte (2; older records 1), epoch (16 bytes), nonce (12), ciphertext, tag (16).
 * Each epoch, that is each time a store is opened, has a key of its own: HKDF of the root key, salted with store id and epoch.
 * So random nonces stay far from their limit, and a restored copy of a virtual machine only repeats
 * a nonce if its random numbers repeat too. AAD = format, table, id, version, each with its length. */
export class RecordSeal {
  readonly #format: number;
  readonly #storeId: Buffer;
  readonly #randomBytes: RandomBytes;
  /** Of the root key that seals, first; then of one that only opens. */
  readonly #opening: EpochKeys[];
  #epoch: Buffer;
  /** Of `#epoch`, which seals everything. */
  #epochKey: Buffer | undefined;
  #records = 0;

  /** @param storeId 16 random bytes of the data directory, so that records cannot move between two under one root key */
  constructor(rootKey: RootKey, storeId: Buffer, randomBytes: RandomBytes, format: number = recordFormats.withTree) {
    this.#format = format;
    this.#storeId = storeId;
    this.#randomBytes = randomBytes;
    this.#opening = [new EpochKeys(rootKey, storeId)];
    this.#epoch = Buffer.from(randomBytes(epochBytes));
  }

  /** What another root key has sealed is opened, too. */
  openAlso(rootKey: RootKey): void {
    this.#opening.push(new EpochKeys(rootKey, this.#storeId));
  }

  /** From now on another root key seals. What was sealed before is opened still. */
  sealUnder(rootKey: RootKey): void {
    this.#opening.unshift(new EpochKeys(rootKey, this.#storeId));
    this.#newEpoch();
  }

  /** From now on nothing is opened but what the root key has sealed that seals. */
  forgetOthers(): void {
    for (const keys of this.#opening.splice(1)) keys.close();
  }

  /** Whether the root key that seals now has sealed the record; false also for one that no key opens. */
  isCurrent(record: Place & { value: Uint8Array }): boolean {
    return this.#openedBy(this.#opening.slice(0, 1), record) !== undefined;
  }

  /** For so many records that are sealed now. */
  nonces(count: number): readonly Uint8Array[] {
    return drawMany(this.#randomBytes, nonceBytes, count);
  }

  /** @param nonce used for no other record
   * @returns `value` and 45 bytes more */
  seal({ table, id, version, value }: Place & { value: Uint8Array }, nonce = this.#randomBytes(nonceBytes)): Buffer {
    if ((this.#records += 1) > recordsPerEpochMax) this.#newEpoch();
    const key = (this.#epochKey ??= this.#keyOfEpoch());
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
    cipher.setAAD(aad(this.#format, { table, id, version }));
    const body = [cipher.update(value), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat([Buffer.from([this.#format]), this.#epoch, nonce, ...body]);
  }

  /** @throws SealedRecordError */
  open(record: Place & { value: Uint8Array }): Buffer {
    const opened = this.#openedBy(this.#opening, record);
    if (opened === undefined) throw new SealedRecordError(record.table, record.id);
    return opened;
  }

  /** Overwrites the derived keys. */
  close(): void {
    for (const keys of this.#opening) keys.close();
    this.#forgetEpochKey();
  }

  /** A copy: the one that is kept with others is overwritten when there are too many. */
  #keyOfEpoch(): Buffer {
    const [sealing] = this.#opening;
    invariant(sealing !== undefined, 'there is a root key that seals');
    return Buffer.from(sealing.of(this.#epoch));
  }

  #forgetEpochKey(): void {
    if (this.#epochKey !== undefined) zeroBytes(this.#epochKey);
    this.#epochKey = undefined;
  }

  #newEpoch(): void {
    this.#epoch = Buffer.from(this.#randomBytes(epochBytes));
    this.#forgetEpochKey();
    this.#records = 1;
  }

  /** Its tag says which root key has sealed a record: nothing else does, and nothing else has to. */
  #openedBy(opening: readonly EpochKeys[], record: Place & { value: Uint8Array }): Buffer | undefined {
    const { value } = record;
    const sealed = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    const bodyEnd = sealed.length - tagBytes;
    const known = [recordFormats.withoutTree, recordFormats.withTree].find((one) => one === sealed[0]);
    if (bodyEnd < headBytes || known === undefined) return undefined;
    const epoch = sealed.subarray(1, 1 + epochBytes);
    const nonce = sealed.subarray(1 + epochBytes, headBytes);
    for (const keys of opening) {
      const decipher = createDecipheriv('aes-256-gcm', keys.of(epoch), nonce, { authTagLength: tagBytes });
      decipher.setAAD(aad(known, record));
      decipher.setAuthTag(sealed.subarray(bodyEnd));
      try {
        const opened = decipher.update(sealed.subarray(headBytes, bodyEnd));
        decipher.final(); // looks at the tag; nothing is left to come
        return opened;
      } catch {
        // Another root key has sealed it, or none has.
      }
    }
    return undefined;
  }
}

/** The keys of epochs under one root key. */
class EpochKeys {
  readonly #rootKey: RootKey;
  readonly #storeId: Buffer;
  readonly #keys = new Map<string, Buffer>();

  constructor(rootKey: RootKey, storeId: Buffer) {
    this.#rootKey = rootKey;
    this.#storeId = storeId;
  }

  of(epoch: Buffer): Buffer {
    const name = epoch.toString('latin1');
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    if (this.#keys.size >= cachedEpochsMax) this.close();
    const key = this.#rootKey.derive('state record 1', Buffer.concat([this.#storeId, epoch]));
    this.#keys.set(name, key);
    return key;
  }

  close(): void {
    zeroBytes(...this.#keys.values());
    this.#keys.clear();
  }
}

/** Unambiguous: each part (format, table, id, version) comes with its length. */
function aad(format: number, { table, id, version }: Place): Buffer {
  const [tableBytes, idBytes] = [Buffer.byteLength(table), Buffer.byteLength(id)];
  const all = Buffer.allocUnsafe(4 * 4 + 1 + tableBytes + idBytes + 8);
  let at = all.writeUInt8(format, all.writeUInt32BE(1));
  at = all.writeUInt32BE(tableBytes, at);
  at += all.write(table, at);
  at = all.writeUInt32BE(idBytes, at);
  at += all.write(id, at);
  all.writeBigUInt64BE(BigInt(version), all.writeUInt32BE(8, at));
  return all;
}
