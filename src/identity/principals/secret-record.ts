import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import { recordFields } from '../record-fields.ts';
import type { StoredSecret } from './client-secret.ts';

/** A client secret as records hold it. */
export interface SecretRecord {
  readonly keyId: Guid;
  readonly hint: string;
  readonly salt: string;
  readonly hash: string;
  readonly startDateTime?: number;
  readonly endDateTime: number;
  readonly displayName?: string;
}

export const toSecretRecord = ({ salt, hash, ...rest }: StoredSecret): SecretRecord => ({
  ...rest,
  salt: toBase64Url(salt),
  hash: toBase64Url(hash),
});

export const fromSecretRecord = ({ salt, hash, startDateTime, endDateTime, ...rest }: SecretRecord): StoredSecret => ({
  ...rest,
  salt: Buffer.from(salt, 'base64url'),
  hash: Buffer.from(hash, 'base64url'),
  ...(startDateTime === undefined ? {} : { startDateTime: instant(startDateTime) }),
  endDateTime: instant(endDateTime),
});

export function parseSecretRecord(item: Json, table: string): SecretRecord {
  const secret = recordFields(item, `${table} (secret)`);
  const [salt, hash] = [secret.bytes('salt'), secret.bytes('hash')];
  invariant(hash.byteLength === 32, 'the hash of a client secret is 256 bits');
  const displayName = secret.optionalText('displayName');
  const startDateTime = secret.optionalInteger('startDateTime');
  return {
    keyId: secret.guid('keyId'),
    hint: secret.text('hint'),
    salt: toBase64Url(salt),
    hash: toBase64Url(hash),
    ...(startDateTime === undefined ? {} : { startDateTime }),
    endDateTime: secret.integer('endDateTime'),
    ...(displayName === undefined ? {} : { displayName }),
  };
}
