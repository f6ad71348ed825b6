import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';
import type { StoredSecret } from './client-secret.ts';

/** `application`: signs in with client secrets. `managedIdentity`: belongs to an ARM resource. `service`: Kustody's own.
 * The last two have no secret; tokens for them are minted inside. */
const principalKinds = ['application', 'managedIdentity', 'service'] as const;
export type PrincipalKind = (typeof principalKinds)[number];

/** A service principal in one tenant, with what matters of its application. */
export interface Principal {
  readonly objectId: Guid;
  /** Client id. */
  readonly appId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly kind: PrincipalKind;
  /** ARM id of the resource that a managed identity belongs to. */
  readonly resourceId: string | undefined;
  readonly enabled: boolean;
  /** Which access tokens this application takes when it is the resource: `requestedAccessTokenVersion`, 1 unless asked. */
  readonly accessTokenVersion: 1 | 2;
  readonly secrets: readonly StoredSecret[];
}

/** By object id. */
export const principalTable: Table<PrincipalRecord> = { name: 'principal', parse: parsePrincipalRecord };

/** From `{tenant id}/{app id}` to object id. */
export const principalByAppTable: Table<{ readonly objectId: Guid }> = {
  name: 'principalByApp',
  parse: (value) => ({ objectId: recordFields(value, 'principalByApp').guid('objectId') }),
};

export interface PrincipalRecord {
  readonly format: 1;
  readonly objectId: Guid;
  readonly appId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly kind: PrincipalKind;
  readonly resourceId?: string;
  readonly enabled: boolean;
  readonly accessTokenVersion: number;
  readonly secrets: readonly { keyId: Guid; hint: string; salt: string; hash: string; endDateTime: number }[];
}

export function toRecord(principal: Principal): PrincipalRecord {
  const { resourceId, secrets, ...rest } = principal;
  return {
    ...rest,
    format: 1,
    ...(resourceId === undefined ? {} : { resourceId }),
    secrets: secrets.map((secret) => ({ ...secret, salt: toBase64Url(secret.salt), hash: toBase64Url(secret.hash) })),
  };
}

export function fromRecord(record: PrincipalRecord): Principal {
  return {
    objectId: record.objectId,
    appId: record.appId,
    tenantId: record.tenantId,
    displayName: record.displayName,
    kind: record.kind,
    resourceId: record.resourceId,
    enabled: record.enabled,
    accessTokenVersion: record.accessTokenVersion === 2 ? 2 : 1,
    secrets: record.secrets.map((secret) => ({
      ...secret,
      salt: Buffer.from(secret.salt, 'base64url'),
      hash: Buffer.from(secret.hash, 'base64url'),
      endDateTime: instant(secret.endDateTime),
    })),
  };
}

function parsePrincipalRecord(value: Json): PrincipalRecord {
  const fields = recordFields(value, 'principal', 1);
  const kindText = fields.text('kind');
  const kind = principalKinds.find((known) => known === kindText);
  invariant(kind !== undefined, 'a principal is of a known kind');
  const resourceId = fields.optionalText('resourceId');
  return {
    format: 1,
    objectId: fields.guid('objectId'),
    appId: fields.guid('appId'),
    tenantId: fields.guid('tenantId'),
    displayName: fields.text('displayName'),
    kind,
    ...(resourceId === undefined ? {} : { resourceId }),
    enabled: fields.flag('enabled'),
    accessTokenVersion: fields.integer('accessTokenVersion'),
    secrets: fields.list('secrets').map((item) => {
      const secret = recordFields(item, 'principal (secret)');
      const [salt, hash] = [secret.bytes('salt'), secret.bytes('hash')];
      invariant(hash.byteLength === 32, 'the hash of a client secret is 256 bits');
      return {
        keyId: secret.guid('keyId'),
        hint: secret.text('hint'),
        salt: toBase64Url(salt),
        hash: toBase64Url(hash),
        endDateTime: secret.integer('endDateTime'),
      };
    }),
  };
}
