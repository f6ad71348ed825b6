import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Json } from '../../../base/json.ts';
import { isJsonObject, textMember } from '../../../base/json.ts';
import type { StorageKeysRecord } from '../../../database/catalog/queued-records.ts';

/** That a message in the queue is the cluster's own, of a blob that a data connection has found. */
export interface ConnectionToken {
  /** For people: the name of the connection. */
  readonly connection: string;
  /** The identity that reads the blob: `aadapp={object id}`. */
  readonly principal: string;
  /** The one that rows may come into. Absent: any of the cluster. */
  readonly database?: string;
}

const mark = 'connection.';
const textMax = 8_000;

export function signConnection(keys: StorageKeysRecord, token: ConnectionToken): string {
  const payload = Buffer.from(JSON.stringify(token)).toString('base64url');
  return `${mark}${payload}.${tagOf(keys, payload).toString('base64url')}`;
}

/** @returns undefined for what was not signed here as such */
export function readConnection(keys: StorageKeysRecord, text: string): ConnectionToken | undefined {
  if (!text.startsWith(mark) || text.length > textMax) return undefined;
  const [payload = '', tag = ''] = text.slice(mark.length).split('.');
  const [expected, given] = [tagOf(keys, payload), Buffer.from(tag, 'base64url')];
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const value = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Json;
  if (!isJsonObject(value)) return undefined;
  const database = textMember(value, 'database');
  return {
    ...{ connection: textMember(value, 'connection'), principal: textMember(value, 'principal') },
    ...(database === '' ? {} : { database }),
  };
}

const tagOf = ({ identity }: StorageKeysRecord, payload: string): Buffer =>
  createHmac('sha256', Buffer.from(identity, 'base64url')).update(`kustody/data-connection/${payload}`).digest();
