import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Guid } from '../../../base/guid.ts';
import { parseGuid } from '../../../base/guid.ts';
import type { Json } from '../../../base/json.ts';
import { isJsonObject, textMember } from '../../../base/json.ts';
import type { StorageKeysRecord } from '../../../database/catalog/queued-records.ts';

/** Who uploads, as a message in the queue says it. It gives nobody a right: whoever reads it asks what they may now. */
export interface UploaderIdentity {
  readonly objectId: Guid;
  readonly tenantId: Guid;
  readonly isUser: boolean;
  /** On the wall clock. */
  readonly endsAt: number;
}

const textMax = 4_000;

export function signIdentity(
  keys: StorageKeysRecord,
  { objectId, tenantId, isUser, endsAt }: UploaderIdentity,
): string {
  const payload = Buffer.from(JSON.stringify({ objectId, tenantId, isUser, endsAt })).toString('base64url');
  return `${payload}.${tagOf(keys, payload).toString('base64url')}`;
}

/** @param at when it was sent, on the wall clock
 * @returns undefined for what was not signed here, or had ended */
export function readIdentity(keys: StorageKeysRecord, text: string, at: number): UploaderIdentity | undefined {
  const [payload = '', tag = ''] = text.length > textMax ? [] : text.split('.');
  const [expected, given] = [tagOf(keys, payload), Buffer.from(tag, 'base64url')];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const value = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Json;
  if (!isJsonObject(value)) return undefined;
  const [objectId, tenantId] = [parseGuid(textMember(value, 'objectId')), parseGuid(textMember(value, 'tenantId'))];
  const endsAt = Number(value['endsAt']);
  if (objectId === undefined || tenantId === undefined || !(at < endsAt)) return undefined;
  return { objectId, tenantId, isUser: value['isUser'] === true, endsAt };
}

const tagOf = ({ identity }: StorageKeysRecord, payload: string): Buffer =>
  createHmac('sha256', Buffer.from(identity, 'base64url')).update(`kustody/identity-token/${payload}`).digest();
