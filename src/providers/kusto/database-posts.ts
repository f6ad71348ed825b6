import { createHash, createPublicKey, generateKeyPair, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { Value } from '@sinclair/typebox/value';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { requestedClusterId, requireChangeable, requireReadable } from './child-changes.ts';
import { formOf, readValues } from './child-properties.ts';
import { formRow } from './child-operations.ts';
import { notActing, postRow } from './child-row.ts';
import type { ChildRow } from './child-row.ts';
import { postOperation } from './cluster-posts.ts';
import { bodyObject } from './cluster-store.ts';
import { dataConnections, problemOf } from './data-connections.ts';
import { requireDatabase } from './databases.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';
import { tableSharing } from './table-sharing.ts';

/** What would be wrong with a data connection. One that is right and does not act here has a problem, too: why not. */
async function validateConnection(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireChangeable(ports, request, 'validate data connections');
  await requireDatabase(ports, request, cluster);
  const body = bodyObject(request);
  const name = body['dataConnectionName'];
  if (typeof name !== 'string' || name === '') throw kustoError('MissingProperty', 'dataConnectionName');
  const { properties } = body;
  if (!isJsonObject(properties)) throw kustoError('MissingProperty', 'properties');
  const form = formOf(dataConnections, properties, request.apiVersion);
  const values = readValues(formRow(dataConnections, form), properties, request.apiVersion, undefined);
  const problem = await problemOf({ ports, request, cluster, name }, { form, values });
  const idle = dataConnections.idleOf?.({ ports, cluster }, form, values);
  const errorMessage = problem ?? (idle === undefined ? undefined : `not acting here: ${idle}`);
  const result = { value: errorMessage === undefined ? [] : [{ errorMessage }] };
  return postOperation(ports, request, cluster, {
    ...{ kind: 'DataConnectionValidate', result },
    ...(idle === undefined ? {} : { idle }),
  });
}

const dayS = 24 * 60 * 60;

/** A signed word that its reader may follow the database. Nobody takes it here; the key that signs it lives as long as the process. */
async function inviteFollower(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const { value: cluster } = await requireReadable(ports, request, 'invite followers');
  await requireDatabase(ports, request, cluster);
  const { inviteeEmail, tableLevelSharingProperties } = bodyObject(request);
  if (inviteeEmail === undefined || inviteeEmail === null) throw kustoError('MissingProperty', 'inviteeEmail');
  if (typeof inviteeEmail !== 'string' || !/^[^@\s]{1,64}@[^@\s]{1,255}$/.test(inviteeEmail))
    throw kustoError('InvalidValue', 'inviteeEmail', 'an e-mail address');
  const sharing = tableLevelSharingProperties ?? undefined;
  if (sharing !== undefined && !Value.Check(tableSharing, sharing))
    throw kustoError('InvalidValue', 'tableLevelSharingProperties', 'lists of names to include or exclude');
  const now = Math.floor(ports.clock.now() / 1000);
  const invitation = await signed({
    resource_id: `${requestedClusterId(request)}/Databases/${request.params['databaseName'] ?? ''}`,
    source_tenant_id: request.caller.tenantId,
    invitee_email: inviteeEmail,
    region: cluster.location,
    inviter_object_id: request.caller.objectId,
    ...(sharing === undefined ? {} : { table_level_sharing_properties: JSON.stringify(sharing) }),
    ...{ nbf: now, exp: now + dayS, iat: now },
  });
  const headers = notActing('invitations cannot be taken up');
  return { status: 200, headers, body: { generatedInvitation: invitation } };
}

interface InvitationKey {
  readonly privateKey: KeyObject;
  /** As that of a certificate: 40 hexadecimal digits. */
  readonly kid: string;
}

let invitationKey: Promise<InvitationKey> | undefined;

async function newInvitationKey(): Promise<InvitationKey> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return { privateKey, kid: createHash('sha256').update(der).digest('hex').slice(0, 40).toUpperCase() };
}

async function signed(claims: JsonObject): Promise<string> {
  invitationKey ??= newInvitationKey();
  const { privateKey, kid } = await invitationKey;
  const encoded = [{ alg: 'RS256', kid, typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  const text = encoded.join('.');
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

export const databasePostRows: readonly ChildRow[] = [
  postRow(
    'DataConnections_DataConnectionValidation',
    'database',
    'dataConnectionValidation',
    undefined,
    validateConnection,
  ),
  postRow('Database_InviteFollower', 'database', 'inviteFollower', '2023-05-02', inviteFollower),
];
