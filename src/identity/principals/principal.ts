import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';
import type { StoredSecret } from './client-secret.ts';
import type { SecretRecord } from './secret-record.ts';
import { fromSecretRecord, parseSecretRecord, toSecretRecord } from './secret-record.ts';

/** `application`: signs in with client secrets. `managedIdentity`: belongs to an ARM resource. `service`: Kustody's own.
 * The last two have no secret; tokens for them are minted inside. */
const principalKinds = ['application', 'managedIdentity', 'service'] as const;
export type PrincipalKind = (typeof principalKinds)[number];

/** A service principal in one tenant. */
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
  /** Secrets of its own; those of its application open it, too. */
  readonly secrets: readonly StoredSecret[];
  readonly tags: readonly string[];
  readonly owners: readonly Guid[];
  /** Template ids of the directory roles that it has. */
  readonly directoryRoles: readonly Guid[];
  /** Missing in records from before there were directories. */
  readonly createdAt: Instant | undefined;
}

/** A resource of its own, not the identity that another resource has. */
export const isUserAssigned = ({ resourceId }: Pick<Principal, 'resourceId'>): boolean =>
  /\/userAssignedIdentities\//i.test(resourceId ?? '');

/** By object id. */
export const principalTable: Table<PrincipalRecord> = { name: 'principal', parse: parsePrincipalRecord };

/** From `{tenant id}/{app id}` to object id. */
export const principalByAppTable: Table<{ readonly objectId: Guid }> = {
  name: 'principalByApp',
  parse: (value) => ({ objectId: recordFields(value, 'principalByApp').guid('objectId') }),
};

export interface PrincipalRecord extends Omit<
  Principal,
  'resourceId' | 'accessTokenVersion' | 'secrets' | 'createdAt'
> {
  readonly format: 1;
  readonly resourceId?: string;
  readonly accessTokenVersion: number;
  readonly secrets: readonly SecretRecord[];
  readonly createdAt?: number;
}

export function toRecord(principal: Principal): PrincipalRecord {
  const { resourceId, createdAt, secrets, ...rest } = principal;
  return {
    ...rest,
    format: 1,
    ...(resourceId === undefined ? {} : { resourceId }),
    ...(createdAt === undefined ? {} : { createdAt }),
    secrets: secrets.map(toSecretRecord),
  };
}

export function fromRecord({ resourceId, createdAt, ...record }: PrincipalRecord): Principal {
  return {
    ...record,
    resourceId,
    createdAt: createdAt === undefined ? undefined : instant(createdAt),
    accessTokenVersion: record.accessTokenVersion === 2 ? 2 : 1,
    secrets: record.secrets.map(fromSecretRecord),
  };
}

export const guidsOf = (items: readonly Json[]): readonly Guid[] =>
  items.flatMap((item) => (typeof item === 'string' ? (parseGuid(item) ?? []) : []));

function parsePrincipalRecord(value: Json): PrincipalRecord {
  const fields = recordFields(value, 'principal', 1);
  const kindText = fields.text('kind');
  const kind = principalKinds.find((known) => known === kindText);
  invariant(kind !== undefined, 'a principal is of a known kind');
  const resourceId = fields.optionalText('resourceId');
  const createdAt = fields.optionalInteger('createdAt');
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
    secrets: fields.list('secrets').map((item) => parseSecretRecord(item, 'principal')),
    tags: fields.optionalList('tags').map(String),
    owners: guidsOf(fields.optionalList('owners')),
    directoryRoles: guidsOf(fields.optionalList('directoryRoles')),
    ...(createdAt === undefined ? {} : { createdAt }),
  };
}
