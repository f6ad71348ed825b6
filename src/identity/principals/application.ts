import type { Guid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Table } from '../../state/state.ts';
import { recordFields } from '../record-fields.ts';
import type { StoredSecret } from './client-secret.ts';
import type { ExposedPermissions } from './exposed-permissions.ts';
import { parseExposedPermissions } from './exposed-permissions.ts';
import type { FederatedCredential } from './federated-credential.ts';
import { parseFederatedCredential } from './federated-credential.ts';
import type { KeyCredential } from './key-credential.ts';
import { parseKeyCredential } from './key-credential.ts';
import type { OptionalClaims } from './optional-claims.ts';
import { parseOptionalClaims } from './optional-claims.ts';
import { guidsOf } from './principal.ts';
import { fromSecretRecord, parseSecretRecord } from './secret-record.ts';
import type { SecretRecord } from './secret-record.ts';

/** An application as its owner registered it; a service principal is its presence in a tenant. */
/** What an application will ask for of another one: scopes for users, roles for itself. */
export interface RequiredResourceAccess {
  readonly resourceAppId: Guid;
  readonly permissions: readonly { readonly id: Guid; readonly type: 'Scope' | 'Role' }[];
}

export interface Application extends ExposedPermissions {
  readonly objectId: Guid;
  readonly appId: Guid;
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly identifierUris: readonly string[];
  readonly signInAudience: string;
  readonly redirectUris: {
    readonly web: readonly string[];
    readonly publicClient: readonly string[];
    readonly spa: readonly string[];
  };
  /** May sign users in without a secret and without redirect URI: passwords and device codes. */
  readonly isFallbackPublicClient: boolean | undefined;
  readonly accessTokenVersion: 1 | 2 | undefined;
  readonly secrets: readonly StoredSecret[];
  readonly keys: readonly KeyCredential[];
  readonly federatedCredentials: readonly FederatedCredential[];
  readonly requiredAccess: readonly RequiredResourceAccess[];
  readonly optionalClaims: OptionalClaims | undefined;
  readonly tags: readonly string[];
  readonly notes: string | undefined;
  readonly serviceManagementReference: string | undefined;
  readonly owners: readonly Guid[];
  readonly createdAt: Instant;
}

export interface ApplicationRecord extends Omit<Application, 'secrets'> {
  readonly format: 1;
  readonly secrets: readonly SecretRecord[];
}

/** By object id. */
export const applicationTable: Table<ApplicationRecord> = { name: 'application', parse: parseApplicationRecord };

/** From `{tenant id}/{app id}` to object id. */
export const applicationByAppTable: Table<{ readonly objectId: Guid }> = {
  name: 'applicationByApp',
  parse: (value) => ({ objectId: recordFields(value, 'applicationByApp').guid('objectId') }),
};

export function toApplication({ secrets, ...record }: ApplicationRecord): Application {
  return { ...record, secrets: secrets.map(fromSecretRecord) };
}

function parseApplicationRecord(value: Json): ApplicationRecord {
  const fields = recordFields(value, 'application', 1);
  const uris = recordFields(fields.member('redirectUris'), 'application (redirectUris)');
  const version = fields.optionalInteger('accessTokenVersion');
  return {
    format: 1,
    objectId: fields.guid('objectId'),
    appId: fields.guid('appId'),
    tenantId: fields.guid('tenantId'),
    displayName: fields.text('displayName'),
    identifierUris: fields.list('identifierUris').map(String),
    signInAudience: fields.text('signInAudience'),
    redirectUris: {
      web: uris.list('web').map(String),
      publicClient: uris.list('publicClient').map(String),
      spa: uris.list('spa').map(String),
    },
    isFallbackPublicClient: fields.optionalFlag('isFallbackPublicClient'),
    accessTokenVersion: version === 1 || version === 2 ? version : undefined,
    secrets: fields.list('secrets').map((item) => parseSecretRecord(item, 'application')),
    keys: fields.list('keys').map((item) => parseKeyCredential(item, 'application')),
    federatedCredentials: fields
      .optionalList('federatedCredentials')
      .map((item) => parseFederatedCredential(item, 'application')),
    ...parseExposedPermissions(value),
    requiredAccess: fields.optionalList('requiredAccess').map(parseRequiredAccess),
    optionalClaims: parseOptionalClaims(isJsonObject(value) ? value['optionalClaims'] : undefined),
    tags: fields.list('tags').map(String),
    notes: fields.optionalText('notes'),
    serviceManagementReference: fields.optionalText('serviceManagementReference'),
    owners: guidsOf(fields.list('owners')),
    createdAt: instant(fields.integer('createdAt')),
  };
}

function parseRequiredAccess(value: Json): RequiredResourceAccess {
  const fields = recordFields(value, 'application (required access)');
  return {
    resourceAppId: fields.guid('resourceAppId'),
    permissions: fields.list('permissions').map((item) => {
      const permission = recordFields(item, 'application (required access)');
      return { id: permission.guid('id'), type: permission.text('type') === 'Role' ? 'Role' : 'Scope' };
    }),
  };
}
