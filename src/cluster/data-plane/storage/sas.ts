import { createHmac, timingSafeEqual } from 'node:crypto';
import { toIso, instant } from '../../../clock/clock.ts';
import type { StorageService } from '../../../database/queued/storage-accounts.ts';

/** The one version that addresses are signed with here. */
export const sasVersion = '2022-11-02';

/** What a signature is good for: a container, a queue or a table of an account. */
export interface SasResource {
  readonly service: StorageService;
  readonly account: string;
  readonly name: string;
}

export interface SasGrant {
  /** Letters in the order of the service: `racwd`, `raup` … */
  readonly permissions: string;
  /** Milliseconds since 1970 on the wall clock, as of tokens. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** The query of an address with a service SAS. @param key of the account
 * @see Azure Storage "Create a service SAS" */
export function signedQuery(key: Uint8Array, resource: SasResource, grant: SasGrant): string {
  const fields = new URLSearchParams({
    sv: sasVersion,
    ...(resource.service === 'blob' ? { sr: 'c' } : {}),
    ...(resource.service === 'table' ? { tn: resource.name } : {}),
    st: secondsOf(grant.startsAt),
    se: secondsOf(grant.endsAt),
    sp: grant.permissions,
    spr: 'https',
  });
  fields.set('sig', signatureOf(key, resource, fields).toString('base64'));
  return fields.toString();
}

export type SasVerdict =
  | { readonly outcome: 'granted'; readonly permissions: string }
  | { readonly outcome: 'missing' | 'badSignature' | 'notYet' | 'over' | 'otherVersion' };

/** Whether a query has a signature of the resource. Times are judged after the signature: of another one nothing is told.
 * @param at when, on the wall clock */
export function checkSas(key: Uint8Array, resource: SasResource, query: URLSearchParams, at: number): SasVerdict {
  const signature = query.get('sig');
  if (signature === null || query.getAll('sig').length > 1) return { outcome: 'missing' };
  if (query.get('sv') !== sasVersion) return { outcome: 'otherVersion' };
  const expected = signatureOf(key, resource, query);
  const given = Buffer.from(signature, 'base64');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return { outcome: 'badSignature' };
  const [startsAt, endsAt] = [Date.parse(query.get('st') ?? ''), Date.parse(query.get('se') ?? '')];
  if (!(at < endsAt)) return { outcome: 'over' };
  if (at < startsAt) return { outcome: 'notYet' };
  return { outcome: 'granted', permissions: query.get('sp') ?? '' };
}

const signatureOf = (key: Uint8Array, resource: SasResource, query: URLSearchParams): Buffer =>
  createHmac('sha256', key).update(stringToSign(resource, query), 'utf8').digest();

function stringToSign({ service, account, name }: SasResource, query: URLSearchParams): string {
  const value = (field: string): string => query.get(field) ?? '';
  const values = (...fields: string[]): string[] => fields.map(value);
  const head = [...values('sp', 'st', 'se'), `/${service}/${account}/${name}`, ...values('si', 'sip', 'spr', 'sv')];
  switch (service) {
    case 'blob':
      return [...head, ...values('sr', 'snapshot', 'ses', 'rscc', 'rscd', 'rsce', 'rscl', 'rsct')].join('\n');
    case 'queue':
      return head.join('\n');
    case 'table':
      return [...head, ...values('spk', 'srk', 'epk', 'erk')].join('\n');
  }
}

const secondsOf = (milliseconds: number): string => toIso(instant(milliseconds)).replace(/\.\d+Z$/, 'Z');
